import t from 'tap';
import { ALPHANUMERICS, HEX_DIGITS, byteTable, consistsOf } from '../../src/net/byte-table.js';

const membersOf = (table: Uint8Array): number[] =>
  [...table.keys()].filter((byte) => table[byte] === 1);

t.test('byteTable holds its members and no other byte', async (t) => {
  t.strictSame(membersOf(byteTable('\0a\xff')), [0x00, 0x61, 0xff]);
  t.equal(byteTable('').length, 256);
  t.strictSame(membersOf(byteTable('')), []);
});

t.test('the alphabets', async (t) => {
  t.equal(new Set(ALPHANUMERICS).size, 62);
  t.equal(new Set(HEX_DIGITS).size, 22);
});

t.test('consistsOf', async (t) => {
  const table = byteTable('ab');
  t.equal(consistsOf('abba', table), true);
  t.equal(consistsOf('abc', table), false);
  t.equal(consistsOf('', table), true);
  t.equal(consistsOf('a\u0161', table), false, 'a character that is no byte');
});
