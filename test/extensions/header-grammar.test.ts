import t from 'tap';
import {
  TOKEN_BYTES,
  WHITESPACE_BYTES,
  isToken,
  splitList,
} from '../../src/extensions/header-grammar.js';
import { countLooks } from '../fixtures/handshake.js';

const membersOf = (table: Uint8Array): number[] =>
  [...table.keys()].filter((byte) => table[byte] === 1);

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

t.test('RFC 9110 §5.6.3: white space is space and tab', async (t) => {
  t.strictSame(membersOf(WHITESPACE_BYTES), [0x09, 0x20]);
});

t.test('isToken', async (t) => {
  for (const token of ['a', 'permessage-deflate', '13', '*', "!#$%&'*+-.^_`|~"]) {
    t.equal(isToken(token), true, token);
  }
  for (const text of ['', ' ', 'a b', 'a,b', '"a"', 'a/b', 'a;', '(a)', 'a\0', '\xe4', '\u0161']) {
    t.equal(isToken(text), false, JSON.stringify(text));
  }
});

t.test('splitList', async (t) => {
  const table: readonly (readonly [values: string[], elements: string[]])[] = [
    [[], []],
    [[''], []],
    [['a'], ['a']],
    [['a,b'], ['a', 'b']],
    [[' a \t,\t b '], ['a', 'b']],
    [['a b, c'], ['a b', 'c']],
    [
      ['a', 'b, c'],
      ['a', 'b', 'c'],
    ],
    // RFC 9110 §5.6.1.2: the examples of that section, and empty lines.
    [['foo ,bar,'], ['foo', 'bar']],
    [['foo , ,bar,charlie'], ['foo', 'bar', 'charlie']],
    [[''], []],
    [[','], []],
    [[',   ,'], []],
    [['', 'a', ''], ['a']],
    [['a\0b,\xa0'], ['a\0b', '\xa0']],
  ];
  for (const [values, elements] of table) {
    t.strictSame(splitList(values), elements, JSON.stringify(values));
  }
});

t.test('the work grows with the length and not faster', async (t) => {
  for (const unit of [' ', ',', 'a', 'a,', ' ,', ' a ', '\t,a']) {
    const text = unit.repeat(16_384 / unit.length);
    const looks = countLooks(() => splitList([text]));
    t.ok(looks <= 2 * text.length + 2, `${JSON.stringify(unit)}: ${looks} looks`);
  }
  const token = 'a'.repeat(16_384);
  t.equal(
    countLooks(() => isToken(token)),
    token.length,
  );
});
