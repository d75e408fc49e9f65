import t, { type Test } from 'tap';
import {
  addressRanges,
  credentials,
  secretText,
  urlToken,
} from '../../../src/config/values/access-values.js';
import type { ValueType } from '../../../src/config/values/values.js';

/** Every path and message of what is refused. */
function refusal(type: ValueType<unknown>, given: unknown): (readonly [path: string, string])[] {
  const { error } = type.schema.safeParse(given);
  return (error?.issues ?? []).flatMap(function each(issue): (readonly [string, string])[] {
    const members = issue.code === 'invalid_union' ? issue.errors.flat().flatMap(each) : [];
    return [[issue.path.join('.'), issue.message], ...members];
  });
}

/** Asserts that nobody gets to read anything but the clauses. */
function refuses(t: Test, type: ValueType<unknown>, given: unknown): void {
  const messages = refusal(type, given);
  t.not(messages.length, 0, `refuses ${JSON.stringify(given)}`);
  for (const [, message] of messages)
    t.ok([type.clause, 'give each one once'].includes(message), message);
}

t.test('ranges of addresses, and a word for Unix sockets', async (t) => {
  const type = addressRanges('none', true);
  t.equal(type.valueName, 'CIDR|unix');
  for (const [given, value, text] of [
    ['unix', ['unix'], 'unix'],
    [['::1', 'unix'], ['::1/128', 'unix'], '::1/128,unix'],
    ['none', [], 'none'],
  ] as const) {
    const parsed = type.schema.parse(given);
    t.strictSame(parsed, value);
    t.equal(type.toText(parsed), text);
    t.strictSame(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  for (const given of ['unix:', 'UNIX', ['unix', 'unix'], ['unix', 'none'], 'unix:/run/a.sock'])
    refuses(t, type, given);
});

t.test('ranges of addresses', async (t) => {
  for (const empty of ['any', 'none'] as const) {
    const type = addressRanges(empty);
    t.equal(type.valueName, 'CIDR');
    t.equal(type.isRepeatable, true);
    t.equal(type.typeText, 'string | readonly string[]');
    t.match(type.clause, new RegExp(`, or ${empty}$`));
    for (const [given, value, text] of [
      ['10.0.0.0/8', ['10.0.0.0/8'], '10.0.0.0/8'],
      ['::1', ['::1/128'], '::1/128'],
      [['10.0.0.1', 'fd00::/8'], ['10.0.0.1/32', 'fd00::/8'], '10.0.0.1/32,fd00::/8'],
      [type.fromText('10.0.0.1,::1'), ['10.0.0.1/32', '::1/128'], '10.0.0.1/32,::1/128'],
      [empty, [], empty],
      [[empty], [], empty],
    ] as const) {
      const parsed = type.schema.parse(given);
      t.strictSame(parsed, value);
      t.equal(type.toText(parsed), text);
      t.strictSame(type.schema.parse(type.fromText(text)), value, 'text reads back');
      t.strictSame(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
    }
    for (const given of [
      '',
      '10.0.0.0/33',
      '10.0.0.1,::1',
      'localhost',
      [''],
      [1],
      1,
      null,
      true,
      {},
      type.fromText('::1,'),
      ['::1', empty],
      empty === 'any' ? 'none' : 'any',
    ]) {
      refuses(t, type, given);
    }
  }
});

t.test('each range once, however it is written', async (t) => {
  const type = addressRanges('none');
  t.strictSame(
    refusal(type, ['::1', '10.0.0.0/8', '::1/128']).filter(([path]) => path !== ''),
    [['2', 'give each one once']],
  );
  refuses(t, type, ['none', 'none']);
});

t.test('a list without ranges says nothing where it could mean anybody', async (t) => {
  t.strictSame(addressRanges('none').schema.parse([]), []);
  t.strictSame(addressRanges('none').toJson([]), []);
  refuses(t, addressRanges('any'), []);
  t.equal(addressRanges('any').toJson([]), 'any');
});

t.test('a user and a password', async (t) => {
  const type = credentials();
  t.equal(type.valueName, 'USER:PASSWORD');
  t.equal(type.typeText, 'string');
  t.equal(type.isRepeatable, false);
  for (const [text, value] of [
    ['ann:secret', 'ann:secret'],
    ['ann:', 'ann:'],
    ['ann: a:b ', 'ann: a:b '],
    ['änn:schlüssel', 'änn:schlüssel'],
    ['off', null],
  ] as const) {
    t.equal(type.schema.parse(type.fromText(text)), value);
    t.equal(type.toText(value), text);
    t.equal(type.schema.parse(type.toJson(value)), value);
  }
  for (const given of ['', ':', ':secret', 'ann', 'ann:a\n', 'a\u0000:b', 'a:\u007f', 1, null, []])
    refuses(t, type, given);
});

t.test('a secret', async (t) => {
  const type = secretText('PASSPHRASE');
  t.equal(type.valueName, 'PASSPHRASE');
  for (const [text, value] of [
    [' a b ', ' a b '],
    ['off', null],
  ] as const) {
    t.equal(type.schema.parse(type.fromText(text)), value);
    t.equal(type.toText(value), text);
    t.equal(type.toJson(value), text);
  }
  t.equal(type.schema.safeParse('').success, false);
});

t.test('a token that stands in a URL', async (t) => {
  const type = urlToken();
  t.equal(type.valueName, 'TOKEN');
  for (const [text, value] of [
    ['0123456789abcdef', '0123456789abcdef'],
    ['A-9._~A-9._~A-9._~', 'A-9._~A-9._~A-9._~'],
    ['off', null],
  ] as const) {
    t.equal(type.schema.parse(type.fromText(text)), value);
    t.equal(type.toText(value), text);
    t.equal(type.toJson(value), text);
  }
  t.equal(type.shortcut('off'), null);
  t.equal(type.shortcut('0123456789abcdef'), undefined);
  for (const given of ['short', 'x'.repeat(257), 'spaces are not allowed', 7])
    refuses(t, type, given);
});
