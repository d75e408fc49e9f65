import t, { type Test } from 'tap';
import {
  filePaths,
  hostPolicy,
  listenAddresses,
  originPolicy,
  subprotocolPolicy,
  unixMode,
  wordList,
} from '../../../src/config/values/list-values.js';
import type { ValueType } from '../../../src/config/values/values.js';

/** The deepest message and its path, for what is refused. */
function refusal(
  type: ValueType<unknown>,
  given: unknown,
): (readonly [path: string, message: string])[] {
  const { error } = type.schema.safeParse(given);
  return (error?.issues ?? []).flatMap(function each(issue): (readonly [string, string])[] {
    const members = issue.code === 'invalid_union' ? issue.errors.flat().flatMap(each) : [];
    return [[issue.path.join('.'), issue.message], ...members];
  });
}

/** Asserts that `given` is refused, and that nobody gets to read anything but the clauses of the type. */
function refuses(t: Test, type: ValueType<unknown>, given: unknown, ...clauses: string[]): void {
  const messages = refusal(type, given);
  t.not(messages.length, 0, `refuses ${JSON.stringify(given)}`);
  for (const [, message] of messages) t.ok([type.clause, ...clauses].includes(message), message);
}

t.test('listen addresses', async (t) => {
  const type = listenAddresses();
  const loopback = { kind: 'tcp', host: '127.0.0.1', port: 80 };
  t.equal(type.isRepeatable, true);
  t.equal(type.typeText, 'number | string | readonly (number | string)[]');
  t.equal(type.fromNumber?.(80), '80');
  t.same(type.schema.parse('80'), [loopback], 'one text');
  t.same(type.schema.parse(['80']), [loopback], 'an array');
  t.same(type.schema.parse(type.fromText('80')), [loopback]);
  const several = type.schema.parse(type.fromText('80,:81,[::1]:82,unix:/a'));
  t.same(several, [
    loopback,
    { kind: 'tcp', host: null, port: 81 },
    { kind: 'tcp', host: '::1', port: 82 },
    { kind: 'unix', path: '/a' },
  ]);
  t.equal(type.toText(several), '127.0.0.1:80,:81,[::1]:82,unix:/a');
  t.same(type.toJson(several), ['127.0.0.1:80', ':81', '[::1]:82', 'unix:/a']);
  t.same(
    type.schema.parse('unix:a,b'),
    [{ kind: 'unix', path: 'a,b' }],
    'a comma in JSON is a comma',
  );
  for (const given of [
    '',
    'foo',
    '80,81',
    [],
    ['foo'],
    [80],
    80,
    null,
    true,
    {},
    [[]],
    type.fromText('80,'),
    type.fromText(''),
  ]) {
    refuses(t, type, given);
  }
});

t.test('an address is listened on once, but there is more than one free port', async (t) => {
  const type = listenAddresses();
  t.equal(type.schema.parse(['0', '0', ':0']).length, 3);
  refuses(t, type, ['80', ':81', '127.0.0.1:80'], 'give each one once');
  refuses(t, type, ['unix:a', 'unix:a'], 'give each one once');
  t.same(
    refusal(type, ['80', '81', '81']),
    [['2', 'give each one once']],
    'the second one is to blame',
  );
});

t.test('permissions of Unix sockets', async (t) => {
  const type = unixMode();
  for (const [given, mode, text] of [
    ['0660', 0o660, '0660'],
    ['600', 0o600, '0600'],
    ['umask', null, 'umask'],
    [type.fromNumber!(0o660), 0o660, '0660'],
    [type.fromNumber!(0o7), 0o7, '0007'],
  ] as const) {
    t.equal(type.schema.parse(given), mode);
    t.equal(type.toText(mode), text);
    t.equal(type.schema.parse(type.fromText(text)), mode, 'text reads back');
    t.equal(type.schema.parse(type.toJson(mode)), mode, 'JSON reads back');
  }
  // In a file a number is one of JSON, which has no octal ones; in a program 660 is not 0o660.
  for (const given of ['', 'off', '0o660', 660, null, ['0660'], type.fromNumber!(660)])
    refuses(t, type, given);
});

t.test('subprotocols', async (t) => {
  const type = subprotocolPolicy();
  t.equal(type.valueName, 'first|none|LIST');
  t.equal(type.isRepeatable, false);
  for (const [given, value, text] of [
    ['first', 'first', 'first'],
    ['none', 'none', 'none'],
    ['mqtt', ['mqtt'], 'mqtt'],
    ['mqtt,Binary,v1.x~!', ['mqtt', 'Binary', 'v1.x~!'], 'mqtt,Binary,v1.x~!'],
    [['mqtt', 'MQTT'], ['mqtt', 'MQTT'], 'mqtt,MQTT'],
  ] as const) {
    const parsed = type.schema.parse(given);
    t.same(parsed, value);
    t.equal(type.toText(parsed), text);
    t.same(type.schema.parse(type.fromText(text)), value, 'text reads back');
    t.same(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  for (const given of [
    '',
    ',',
    'a,',
    'a,,b',
    'a, b',
    ' a',
    'a b',
    'a/b',
    'a"',
    'é',
    'a,first',
    'none,a',
    [],
    [''],
    ['first'],
    [1],
    1,
    null,
    {},
  ]) {
    refuses(t, type, given);
  }
  refuses(t, type, 'a,a', 'give each one once');
  refuses(t, type, ['a', 'b', 'a'], 'give each one once');
});

t.test('origins', async (t) => {
  const type = originPolicy();
  t.equal(type.valueName, 'auto|any|same|LIST');
  t.equal(type.typeText, 'string | readonly string[]');
  for (const [given, value] of [
    ['auto', 'auto'],
    ['any', 'any'],
    ['same', 'same'],
    ['https://example.com', ['https://example.com']],
    ['https://example.com,http://localhost:3000', ['https://example.com', 'http://localhost:3000']],
    ['http://[::1]:80', undefined],
    ['http://[::1]:81', ['http://[::1]:81']],
    ['https://xn--bcher-kva.example', ['https://xn--bcher-kva.example']],
    ['null', ['null']],
    ['chrome-extension://abcdefghijklmnop', ['chrome-extension://abcdefghijklmnop']],
    ['capacitor://localhost:8080', ['capacitor://localhost:8080']],
    ['capacitor://localhost:65535', ['capacitor://localhost:65535']],
    ['file://', ['file://']],
    ['same,https://app.example.com', ['same', 'https://app.example.com']],
    [['same'], ['same']],
    ['https://*.example.com', ['https://*.example.com']],
    ['http://*.localhost:3000', ['http://*.localhost:3000']],
    ['app://*.example', ['app://*.example']],
  ] as const) {
    t.same(type.schema.safeParse(given).data, value, String(given));
  }

  for (const given of [
    '',
    '*',
    'example.com',
    '//example.com',
    'https://',
    'https:example.com',
    'https://example.com/',
    'https://example.com/path',
    'https://example.com:443',
    'http://example.com:80',
    'https://Example.com',
    'HTTPS://example.com',
    'https://user@example.com',
    'https://bücher.example',
    'https://example.com?',
    'https://example.com#',
    'https://*.example.com,',
    // What can match no origin.
    'https://*',
    'https://*:8443',
    'https://*example.com',
    'https://a*.example.com',
    'https://a.*.example.com',
    'https://*.*.example.com',
    'https://*.example.com:443',
    'https://*.Example.com',
    'https://*.example.com/',
    'https://*.127.0.0.1',
    'https://*.[::1]',
    '*://example.com',
    '*.example.com',
    'wss://*.example.com',
    'app://*',
    'file://localhost',
    'data://a',
    'blob://a',
    'about://blank',
    'capacitor://localhost:65536',
    'https://a b',
    'https://a:99999',
    'ws://example.com',
    'wss://example.com',
    'https://a.example, https://b.example',
    'any,https://a.example',
    'https://a.example,auto',
    'file:///',
    'x://a/b',
    'https://a.example,https://a.example',
    [],
    ['any'],
    ['same', 'auto'],
    'same,any',
    [null],
    7,
    null,
    {},
  ]) {
    refuses(t, type, given, 'give each one once');
  }
});

t.test('allowed hosts', async (t) => {
  const type = hostPolicy();
  t.equal(type.valueName, 'auto|any|LIST');
  t.equal(type.isRepeatable, false);
  for (const [given, value, text] of [
    ['auto', 'auto', 'auto'],
    ['any', 'any', 'any'],
    ['local', ['local'], 'local'],
    ['local,desk.example.com', ['local', 'desk.example.com'], 'local,desk.example.com'],
    [
      ['*.example.com:8443', 'localhost:80'],
      ['*.example.com:8443', 'localhost:80'],
      '*.example.com:8443,localhost:80',
    ],
    ['Desk.Example.com.:443', ['desk.example.com:443'], 'desk.example.com:443'],
    ['192.0.2.1,[::1]:9001', ['192.0.2.1', '[::1]:9001'], '192.0.2.1,[::1]:9001'],
    [
      'xn--bcher-kva.example,my_host',
      ['xn--bcher-kva.example', 'my_host'],
      'xn--bcher-kva.example,my_host',
    ],
  ] as const) {
    const parsed = type.schema.parse(given);
    t.same(parsed, value);
    t.equal(type.toText(parsed), text);
    t.same(type.schema.parse(type.fromText(text)), value, 'text reads back');
    t.same(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  for (const given of [
    '',
    '*',
    '*.',
    '*:80',
    'a.*.example.com',
    '*example.com',
    '*.*.example.com',
    '*.192.0.2.1',
    '*.[::1]',
    'https://example.com',
    '//example.com',
    'example.com/',
    'example.com?',
    'example.com#',
    'user@example.com',
    'a b',
    'bücher.example',
    '::1',
    '[::1',
    '[0:0::1]',
    '[x]',
    '127.1',
    '999.0.0.1',
    'example.com:',
    'example.com:0',
    'example.com:080',
    'example.com:65536',
    'example.com:http',
    'a,,b',
    'a, b',
    'local,any',
    'auto,a',
    [],
    ['auto'],
    [''],
    [1],
    1,
    true,
    null,
    {},
  ])
    refuses(t, type, given);
  refuses(t, type, 'a,A', 'give each one once');
  refuses(t, type, 'local,local', 'give each one once');
});

t.test('paths of files', async (t) => {
  const type = filePaths();
  t.equal(type.valueName, 'FILE');
  t.equal(type.isRepeatable, true);
  t.equal(type.typeText, 'string | readonly string[]');
  for (const [given, value, text] of [
    ['a.mjs', ['a.mjs'], 'a.mjs'],
    [['a.mjs', './b c.cjs'], ['a.mjs', './b c.cjs'], 'a.mjs,./b c.cjs'],
    ['none', [], 'none'],
    [['none'], [], 'none'],
    [[], [], 'none'],
    ['./none', ['./none'], './none'],
  ] as const) {
    const parsed = type.schema.parse(given);
    t.same(parsed, value);
    t.equal(type.toText(parsed), text);
    t.same(type.toJson(parsed), value);
    t.same(type.schema.parse(type.fromText(text)), value, 'text reads back');
    t.same(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  t.same(type.schema.parse('a,b'), ['a,b'], 'a comma in JSON is a comma');
  for (const given of [
    '',
    [''],
    type.fromText(''),
    type.fromText('a,'),
    type.fromText('a,none'),
    ['none', 'a'],
    [1],
    1,
    null,
    true,
    {},
    [[]],
  ]) {
    refuses(t, type, given);
  }
  t.same(
    refusal(type, ['a', 'b', 'a', 'none']).filter(([path]) => path !== ''),
    [
      ['2', 'give each one once'],
      ['3', type.clause],
    ],
    'each with its place',
  );
  refuses(t, type, ['none', 'none'], 'give each one once');
});

t.test('lists of words', async (t) => {
  const type = wordList(['server', 'client']);
  t.equal(type.clause, 'give none, or one or more of server, client, separated by commas');
  t.equal(type.valueName, 'LIST');
  t.equal(type.isRepeatable, false);
  t.equal(
    type.typeText,
    "'none' | 'server' | 'client' | readonly ('server' | 'client')[]",
    'what the library takes',
  );
  for (const [given, value, text] of [
    ['none', [], 'none'],
    [[], [], 'none'],
    ['server', ['server'], 'server'],
    ['server,client', ['server', 'client'], 'server,client'],
    [['client', 'server'], ['client', 'server'], 'client,server'],
  ] as const) {
    const parsed = type.schema.parse(given);
    t.same(parsed, value);
    t.equal(type.toText(parsed), text);
    t.same(type.toJson(parsed), value);
    t.same(type.schema.parse(type.fromText(text)), value, 'text reads back');
    t.same(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  for (const given of [
    '',
    ',',
    'server,',
    'server, client',
    'both',
    'none,server',
    ['none'],
    [1],
    1,
    true,
    null,
    {},
  ]) {
    refuses(t, type, given);
  }
  refuses(t, type, 'client,client', 'give each one once');
  refuses(t, type, ['client', 'client'], 'give each one once');
});
