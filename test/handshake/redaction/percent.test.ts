import t from 'tap';
import { fullyDecoded } from '../../../src/handshake/redaction/percent.js';

t.test('what is encoded, however often', async (t) => {
  const cases: readonly [text: string, decoded: string][] = [
    ['', ''],
    ['plain', 'plain'],
    ['%74oken', 'token'],
    ['%2574oken', 'token'],
    ['a%3Db%3bc', 'a=b;c'],
    ['100%', '100%'],
    ['%', '%'],
    ['%4', '%4'],
    ['%zz%41', '%zzA'],
    ['%%41', '%A'],
    ['%ff', 'ÿ'],
  ];
  for (const [text, decoded] of cases) t.equal(fullyDecoded(text), decoded, text);
});

t.test('what is encoded without end has an end', async (t) => {
  const text = `${'%25'.repeat(1)}${'25'.repeat(50)}41`;
  t.ok(fullyDecoded(text).endsWith('2541'));
});
