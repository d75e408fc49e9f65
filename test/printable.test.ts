import t from 'tap';
import { printable, printableJson, printablePieces } from '../src/printable.js';
import { SeededRandom } from './fixtures/seeded-random.js';

t.test('what can be seen stays', async (t) => {
  for (const text of [
    '',
    'plain "text" \\ ~',
    'schön 日本 😀 नमस्ते العربية',
    '\u00a0',
    '👩‍👩‍👧 ❤️ ❤︎ 👍🏽‍💻 🏳️‍🌈 1️⃣ #️⃣',
  ]) {
    t.equal(printable(text), text);
    t.equal(printableJson(text), text);
  }
});

t.test('nothing is left that moves, turns or hides', async (t) => {
  for (const [text, expected] of [
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\u001b[31mred\u0007', '\\u001b[31mred\\u0007'],
    ['\0\u007f\u0080\u009b1m', '\\u0000\\u007f\\u0080\\u009b1m'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['a\u202eb\u2066c\u200fd\u061c', 'a\\u202eb\\u2066c\\u200fd\\u061c'],
    ['pay\u200bpal\ufeff\u00ad\u2060\u180e', 'pay\\u200bpal\\ufeff\\u00ad\\u2060\\u180e'],
    ['\u115f\u3164\uffa0\u034f', '\\u115f\\u3164\\uffa0\\u034f'],
    ['\ud83d!', '\\ud83d!'],
    ['\u{e0041}\u{e0100}', '\\u{e0041}\\u{e0100}'],
    ['a\u200db\u200c\ufe0f', 'a\\u200db\\u200c\\ufe0f'],
    ['😀\ufe0f\ufe0f', '😀\ufe0f\\ufe0f'],
    ['😀\u200d', '😀\\u200d'],
    ['1\ufe0f', '1\\ufe0f'],
  ] as const) {
    t.equal(printable(text), expected);
  }
});

t.test('JSON says the same as before', async (t) => {
  const value = { 'k\u202e': 'a\u009bb\u{e0041}\u2028\u007f\ufeff', n: 1 };
  const json = printableJson(JSON.stringify(value));
  t.equal(json, '{"k\\u202e":"a\\u009bb\\udb40\\udc41\\u2028\\u007f\\ufeff","n":1}');
  t.same(JSON.parse(json), value);
});

t.test('pieces together are the whole, wherever a cut would come', async (t) => {
  const units = [
    'a',
    '1',
    '\u200d',
    '\ufe0f',
    '\ufe0e',
    '\u20e3',
    '😀',
    '👍🏽',
    '❤',
    '\u{e0041}',
    '\n',
    '\ud83d',
  ];
  const random = new SeededRandom(7);
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 40 }, () => units[random.below(units.length)]!).join('');
    for (const length of [1, 2, 3, 5, 1000]) {
      const pieces = [...printablePieces(text, length)];
      t.equal(pieces.join(''), printable(text), JSON.stringify(text));
      t.ok(pieces.every((piece) => piece !== ''));
    }
  }
  t.strictSame([...printablePieces('', 5)], []);
  t.strictSame([...printablePieces('abcdefg', 3)], ['abc', 'def', 'g']);
});

t.test('a picture without an end is cut all the same', async (t) => {
  const pieces = [...printablePieces('😀\u200d'.repeat(1000), 30)];
  t.ok(pieces.every(({ length }) => length < 120));
  t.ok(pieces.length > 20);
});
