import t, { type Test } from 'tap';
import type { Kind } from '../../../src/config/values/values.js';
import {
  filePaths,
  hostPolicy,
  listenAddresses,
  originPolicy,
  subprotocolPolicy,
  wordList,
} from '../../../src/config/values/list-values.js';

/** The deepest message and its path, for what is refused. */
function refusal(
  kind: Kind<unknown>,
  given: unknown,
): (readonly [path: string, message: string])[] {
  const { error } = kind.schema.safeParse(given);
  return (error?.issues ?? []).flatMap(function each(issue): (readonly [string, string])[] {
    const members = issue.code === 'invalid_union' ? issue.errors.flat().flatMap(each) : [];
    return [[issue.path.join('.'), issue.message], ...members];
  });
}

/** Asserts that `given` is refused, and that nobody gets to read anything but the clauses of the kind. */
function refuses(t: Test, kind: Kind<unknown>, given: unknown, ...clauses: string[]): void {
  const messages = refusal(kind, given);
  t.not(messages.length, 0, `refuses ${JSON.stringify(given)}`);
  for (const [, message] of messages) t.ok([kind.clause, ...clauses].includes(message), message);
}

t.test('listen addresses', async (t) => {
  const kind = listenAddresses();
  const loopback = { kind: 'tcp', host: '127.0.0.1', port: 80 };
  t.equal(kind.isRepeatable, true);
  t.equal(kind.typeText, 'number | string | readonly (number | string)[]');
  t.equal(kind.fromNumber?.(80), '80');
  t.same(kind.schema.parse('80'), [loopback], 'one text');
  t.same(kind.schema.parse(['80']), [loopback], 'an array');
  t.same(kind.schema.parse(kind.fromText('80')), [loopback]);
  const several = kind.schema.parse(kind.fromText('80,:81,[::1]:82,unix:/a'));
  t.same(several, [
    loopback,
    { kind: 'tcp', host: null, port: 81 },
    { kind: 'tcp', host: '::1', port: 82 },
    { kind: 'unix', path: '/a' },
  ]);
  t.equal(kind.toText(several), '127.0.0.1:80,:81,[::1]:82,unix:/a');
  t.same(kind.toJson(several), ['127.0.0.1:80', ':81', '[::1]:82', 'unix:/a']);
  t.same(
    kind.schema.parse('unix:a,b'),
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
    kind.fromText('80,'),
    kind.fromText(''),
  ]) {
    refuses(t, kind, given);
  }
});

t.test('an address is listened on once, but there is more than one free port', async (t) => {
  const kind = listenAddresses();
  t.equal(kind.schema.parse(['0', '0', ':0']).length, 3);
  refuses(t, kind, ['80', ':81', '127.0.0.1:80'], 'give each one once');
  refuses(t, kind, ['unix:a', 'unix:a'], 'give each one once');
  t.same(
    refusal(kind, ['80', '81', '81']),
    [['2', 'give each one once']],
    'the second one is to blame',
  );
});

t.test('subprotocols', async (t) => {
  const kind = subprotocolPolicy();
  t.equal(kind.valueName, 'first|none|LIST');
  t.equal(kind.isRepeatable, false);
  for (const [given, value, text] of [
    ['first', 'first', 'first'],
    ['none', 'none', 'none'],
    ['mqtt', ['mqtt'], 'mqtt'],
    ['mqtt,Binary,v1.x~!', ['mqtt', 'Binary', 'v1.x~!'], 'mqtt,Binary,v1.x~!'],
    [['mqtt', 'MQTT'], ['mqtt', 'MQTT'], 'mqtt,MQTT'],
  ] as const) {
    const parsed = kind.schema.parse(given);
    t.same(parsed, value);
    t.equal(kind.toText(parsed), text);
    t.same(kind.schema.parse(kind.fromText(text)), value, 'text reads back');
    t.same(kind.schema.parse(kind.toJson(parsed)), value, 'JSON reads back');
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
    refuses(t, kind, given);
  }
  refuses(t, kind, 'a,a', 'give each one once');
  refuses(t, kind, ['a', 'b', 'a'], 'give each one once');
});

t.test('origins', async (t) => {
  const kind = originPolicy();
  t.equal(kind.valueName, 'auto|any|same|LIST');
  t.equal(kind.typeText, 'string | readonly string[]');
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
    t.same(kind.schema.safeParse(given).data, value, String(given));
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
    refuses(t, kind, given, 'give each one once');
  }
});

t.test('allowed hosts', async (t) => {
  const kind = hostPolicy();
  t.equal(kind.valueName, 'auto|any|LIST');
  t.equal(kind.isRepeatable, false);
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
    const parsed = kind.schema.parse(given);
    t.same(parsed, value);
    t.equal(kind.toText(parsed), text);
    t.same(kind.schema.parse(kind.fromText(text)), value, 'text reads back');
    t.same(kind.schema.parse(kind.toJson(parsed)), value, 'JSON reads back');
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
    refuses(t, kind, given);
  refuses(t, kind, 'a,A', 'give each one once');
  refuses(t, kind, 'local,local', 'give each one once');
});

t.test('paths of files', async (t) => {
  const kind = filePaths();
  t.equal(kind.valueName, 'FILE');
  t.equal(kind.isRepeatable, true);
  t.equal(kind.typeText, 'string | readonly string[]');
  for (const [given, value, text] of [
    ['a.mjs', ['a.mjs'], 'a.mjs'],
    [['a.mjs', './b c.cjs'], ['a.mjs', './b c.cjs'], 'a.mjs,./b c.cjs'],
    ['none', [], 'none'],
    [['none'], [], 'none'],
    [[], [], 'none'],
    ['./none', ['./none'], './none'],
  ] as const) {
    const parsed = kind.schema.parse(given);
    t.same(parsed, value);
    t.equal(kind.toText(parsed), text);
    t.same(kind.toJson(parsed), value);
    t.same(kind.schema.parse(kind.fromText(text)), value, 'text reads back');
    t.same(kind.schema.parse(kind.toJson(parsed)), value, 'JSON reads back');
  }
  t.same(kind.schema.parse('a,b'), ['a,b'], 'a comma in JSON is a comma');
  for (const given of [
    '',
    [''],
    kind.fromText(''),
    kind.fromText('a,'),
    kind.fromText('a,none'),
    ['none', 'a'],
    [1],
    1,
    null,
    true,
    {},
    [[]],
  ]) {
    refuses(t, kind, given);
  }
  t.same(
    refusal(kind, ['a', 'b', 'a', 'none']).filter(([path]) => path !== ''),
    [
      ['2', 'give each one once'],
      ['3', kind.clause],
    ],
    'each with its place',
  );
  refuses(t, kind, ['none', 'none'], 'give each one once');
});

t.test('lists of words', async (t) => {
  const kind = wordList(['server', 'client']);
  t.equal(kind.clause, 'give none, or one or more of server, client, separated by commas');
  t.equal(kind.valueName, 'LIST');
  t.equal(kind.isRepeatable, false);
  t.equal(
    kind.typeText,
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
    const parsed = kind.schema.parse(given);
    t.same(parsed, value);
    t.equal(kind.toText(parsed), text);
    t.same(kind.toJson(parsed), value);
    t.same(kind.schema.parse(kind.fromText(text)), value, 'text reads back');
    t.same(kind.schema.parse(kind.toJson(parsed)), value, 'JSON reads back');
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
    refuses(t, kind, given);
  }
  refuses(t, kind, 'client,client', 'give each one once');
  refuses(t, kind, ['client', 'client'], 'give each one once');
});
