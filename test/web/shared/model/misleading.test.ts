import t from 'tap';
import { linesSpelledOut, spelledOut } from '../../../../web/shared/model/misleading.js';

t.test('what turns text around, ends a line or hides is spelled out', async (t) => {
  t.equal(spelledOut('pay \u202e123\u202c\u2066x'), String.raw`pay \u202e123\u202c\u2066x`);
  t.equal(spelledOut('a\u200bb\ufeff\u2060'), String.raw`a\u200bb\ufeff\u2060`);
  t.equal(
    spelledOut('\u0000\u001b[2J\r\n\u2028\t'),
    String.raw`\u0000\u001b[2J\u000d\u000a\u2028\u0009`,
  );
  for (const plain of ['', 'grüße 水', 'family: 👨\u200d👩\u200d👧', 'می\u200cخواهم', 'ע ب'])
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
