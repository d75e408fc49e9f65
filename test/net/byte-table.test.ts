import t from 'tap';
import {
  ALPHANUMERICS,
  HEX_DIGITS,
  TOKEN_BYTES,
  byteTable,
  consistsOf,
  isToken,
} from '../../src/net/byte-table.js';
import { countLooks } from '../fixtures/handshake.js';

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

t.test('RFC 9110 §5.6.2: tchar, every byte', async (t) => {
  const expected: number[] = [];
  const between = (first: string, last: string, byte: number): boolean =>
    byte >= first.charCodeAt(0) && byte <= last.charCodeAt(0);
  for (let byte = 0; byte < 256; byte += 1) {
    const isMember =
      between('0', '9', byte) ||
      between('a', 'z', byte) ||
      between('A', 'Z', byte) ||
      "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte));
    if (isMember) expected.push(byte);
    t.equal(isToken(`a${String.fromCharCode(byte)}`), isMember, `byte ${byte}`);
  }
  t.strictSame(membersOf(TOKEN_BYTES), expected);
  t.equal(expected.length, 77);
});

t.test('isToken', async (t) => {
  for (const token of ['a', 'permessage-deflate', '13', '*', "!#$%&'*+-.^_`|~"]) {
    t.equal(isToken(token), true, token);
  }
  for (const text of ['', ' ', 'a b', 'a,b', '"a"', 'a/b', 'a;', '(a)', 'a\0', '\xe4', '\u0161']) {
    t.equal(isToken(text), false, JSON.stringify(text));
  }
});

t.test('isToken looks at each character once', async (t) => {
  const token = 'a'.repeat(16_384);
  t.equal(
    countLooks(() => isToken(token)),
    token.length,
  );
});
