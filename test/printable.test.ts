import t from 'tap';
import { printable, printableJson } from '../src/printable.js';

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

t.test('the cost is linear', async (t) => {
  // Looking behind and ahead is for one character: a long run of what may join costs no more for each.
  const costs = [1, 2, 4].map((factor) => {
    const text = '😀\u200d'.repeat(50_000 * factor);
    const start = process.cpuUsage();
    printable(text);
    const { user, system } = process.cpuUsage(start);
    return user + system;
  });
  t.ok(costs[2]! < 16 * Math.max(costs[0]!, 1000), `${costs.join(', ')} µs of CPU`);
});
