import t from 'tap';
import {
  type ExtensionOffer,
  parseExtensionHeader,
  splitList,
  WHITESPACE_BYTES,
} from '../../src/extensions/header.js';
import { countLooks } from '../fixtures/handshake.js';

const membersOf = (table: Uint8Array): number[] =>
  [...table.keys()].filter((byte) => table[byte] === 1);

t.test('RFC 9110 §5.6.3: white space is space and tab', async (t) => {
  t.strictSame(membersOf(WHITESPACE_BYTES), [0x09, 0x20]);
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
});

type Params = readonly (readonly [name: string, value: string | null])[];

const offer = (name: string, ...params: Params): ExtensionOffer => ({
  name,
  params: params.map(([paramName, value]) => ({ name: paramName, value })),
});

t.test('well-formed headers (RFC 6455 §9.1)', async (t) => {
  const table: readonly (readonly [values: string | string[], offers: ExtensionOffer[]])[] = [
    ['foo', [offer('foo')]],
    ["!#$%&'*+-.^_`|~09azAZ", [offer("!#$%&'*+-.^_`|~09azAZ")]],
    ['foo; bar', [offer('foo', ['bar', null])]],
    ['foo;bar;baz', [offer('foo', ['bar', null], ['baz', null])]],
    ['foo; bar=10', [offer('foo', ['bar', '10'])]],
    ['foo; bar="10"', [offer('foo', ['bar', '10'])]],
    ['foo; bar="\\1\\0"', [offer('foo', ['bar', '10'])]],
    ['foo; bar="a\\b"', [offer('foo', ['bar', 'ab'])]],
    // Order and repetition are as sent: whether they are allowed is for the extension to say.
    [
      'foo; bar; bar=1; bar="2"; Bar',
      [offer('foo', ['bar', null], ['bar', '1'], ['bar', '2'], ['Bar', null])],
    ],
    ['foo, foo', [offer('foo'), offer('foo')]],
    ['Foo, foo', [offer('Foo'), offer('foo')]],
    ['foo; a, bar; b=1, baz', [offer('foo', ['a', null]), offer('bar', ['b', '1']), offer('baz')]],
    // The examples of RFC 6455 §9.1.
    ['deflate-stream', [offer('deflate-stream')]],
    [
      'mux; max-channels=4; flow-control, deflate-stream',
      [offer('mux', ['max-channels', '4'], ['flow-control', null]), offer('deflate-stream')],
    ],
    ['private-extension', [offer('private-extension')]],
    [
      ['foo', 'bar; baz=2'],
      [offer('foo'), offer('bar', ['baz', '2'])],
    ],
    // RFC 7692 §7.1, as a browser sends it.
    [
      'permessage-deflate; client_max_window_bits',
      [offer('permessage-deflate', ['client_max_window_bits', null])],
    ],
    // White space between any two words (RFC 2616 §2.1).
    ['  foo  ', [offer('foo')]],
    ['\tfoo\t;\tbar\t=\t1\t,\tbaz\t', [offer('foo', ['bar', '1']), offer('baz')]],
    ['foo ; bar = "1" ; baz', [offer('foo', ['bar', '1'], ['baz', null])]],
    // Empty list elements (RFC 9110 §5.6.1.2).
    [',foo', [offer('foo')]],
    ['foo,', [offer('foo')]],
    ['foo,,bar', [offer('foo'), offer('bar')]],
    ['foo , , bar', [offer('foo'), offer('bar')]],
    [['', 'foo', ' , '], [offer('foo')]],
  ];
  for (const [values, offers] of table) {
    t.strictSame(parseExtensionHeader([values].flat()), offers, JSON.stringify(values));
  }
});

t.test('malformed headers (RFC 6455 §9.1)', async (t) => {
  const malformed: readonly (string | string[])[] = [
    // No extension at all.
    [],
    '',
    ' ',
    ',',
    ' , ,',
    ['', ''],
    // Empty parameters.
    ';',
    ';;',
    'foo;',
    'foo;;',
    'foo;;bar',
    'foo; ;bar',
    'foo;bar;',
    'foo;,bar',
    ';foo',
    ['foo;', 'bar'],
    // No name, no value.
    '=',
    '=1',
    'foo; =1',
    'foo; bar=',
    'foo; bar=;',
    'foo; bar=,baz',
    'foo; bar=1=2',
    'foo; bar==1',
    'foo=1',
    // Two words without a separator.
    'foo bar',
    'foo; bar baz',
    'foo; bar=1 2',
    'foo; bar="1"2',
    'foo; bar="1" "2"',
    'foo; bar=1"2"',
    'foo; "bar"',
    'foo; "bar"=1',
    '"foo"',
    // Quoted strings that are no token once unquoted, or do not end.
    'foo; bar=""',
    'foo; bar="a b"',
    'foo; bar="a,b"',
    'foo; bar="a;b"',
    'foo; bar="a\\"b"',
    'foo; bar="\\\\"',
    'foo; bar="\xe4"',
    'foo; bar="',
    'foo; bar="a',
    'foo; bar="a\\',
    'foo; bar="a\\"',
    ['foo; bar="a', 'b"'],
    ['foo; bar="a\\', '"'],
    // Bytes that are in no token.
    'foo/1',
    'foo:bar',
    '(foo)',
    'foo@bar',
    'foo; b\\ar',
    'foo; bar=b\\az',
    'f\xf6\xf6',
    'foo\x7f',
    'foo\0',
    'foo; bar=\x0b1',
    'good, b@d',
    ['good', 'b@d'],
    ['b@d', 'good'],
  ];
  for (const values of malformed) {
    t.equal(parseExtensionHeader([values].flat()), null, JSON.stringify(values));
  }
});

t.test('every byte in a name, a value and a quoted value', async (t) => {
  for (let code = 0; code < 256; code += 1) {
    const byte = String.fromCharCode(code);
    const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(byte);
    const what = `byte ${code}`;
    const named = isToken ? [offer(`a${byte}b`)] : null;
    const valued = isToken ? [offer('a', ['b', `c${byte}d`])] : null;
    const escaped = isToken ? [offer('a', ['b', `c${byte}`])] : null;
    // A comma separates; a semicolon makes "b" a parameter of "a" and "d" one of its own.
    const expectedName = byte === ',' ? [offer('a'), offer('b')] : named;
    const expectedValue = byte === ',' ? [offer('a', ['b', 'c']), offer('d')] : valued;
    if (byte === ';') {
      t.strictSame(parseExtensionHeader(['a;b']), [offer('a', ['b', null])]);
      t.strictSame(parseExtensionHeader(['a;b=c;d']), [offer('a', ['b', 'c'], ['d', null])]);
    } else {
      t.strictSame(parseExtensionHeader([`a${byte}b`]), expectedName, `${what} in a name`);
      t.strictSame(parseExtensionHeader([`a;b=c${byte}d`]), expectedValue, `${what} in a value`);
    }
    // A backslash takes itself away here.
    const expectedQuoted = byte === '\\' ? [offer('a', ['b', 'cd'])] : valued;
    t.strictSame(parseExtensionHeader([`a;b="c${byte}d"`]), expectedQuoted, `${what} in quotes`);
    t.strictSame(parseExtensionHeader([`a;b="c\\${byte}"`]), escaped, `${what} escaped`);
  }
});

t.test('the work grows with the length and not faster', async (t) => {
  const units = [' ', ',', ';', '"', '\\', '=', 'a', 'a,', ' ,', 'a;', ';a', 'a ', '\t a=', 'a="'];
  for (const before of ['', 'a;b="', 'a;b', 'a;b=']) {
    for (const unit of units) {
      const text = before + unit.repeat(16_384 / unit.length);
      const looks = countLooks(() => parseExtensionHeader([text]));
      t.ok(looks <= 6 * text.length, `${before}${JSON.stringify(unit)}: ${looks} looks`);
    }
  }
});
