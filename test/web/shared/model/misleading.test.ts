import t from 'tap';
import { printable } from '../../../../src/printable.js';
import { linesSpelledOut, spelledOut } from '../../../../web/shared/model/misleading.js';

t.test('what turns text around, ends a line or hides is spelled out', async (t) => {
  t.equal(spelledOut('pay \u202e123\u202c\u2066x'), String.raw`pay \u202e123\u202c\u2066x`);
  t.equal(spelledOut('a\u200bb\ufeff\u2060'), String.raw`a\u200bb\ufeff\u2060`);
  t.equal(
    spelledOut('\u0000\u001b[2J\r\n\u2028\t'),
    String.raw`\u0000\u001b[2J\u000d\u000a\u2028\u0009`,
  );
  for (const plain of [
    '',
    'grüße 水',
    'family: 👨\u200d👩\u200d👧',
    '❤\ufe0f 1\ufe0f\u20e3',
    'ע ب',
  ])
    t.equal(spelledOut(plain), plain);
});

t.test('of several lines, line ends and tabs stay', async (t) => {
  t.equal(
    linesSpelledOut('a\r\n\tb\n\r\u0000c\u2029\u202e'),
    'a\n\tb\n' + String.raw`\u000d\u0000c\u2029\u202e`,
  );
  const long = '\u202e'.repeat(100_000);
  t.equal(linesSpelledOut(long).length, 6 * long.length);
});

t.test('it is what the server spells out, for every character', async (t) => {
  const different: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if ('\n\r\t'.includes(character)) continue;
    for (const text of [character, `👩${character}👧`])
      if (spelledOut(text) !== printable(text)) different.push(code.toString(16));
  }
  t.strictSame(different, []);
});
