import t from 'tap';
import { load } from '../../src/config/load.js';
import type { Option } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { ConfigError } from '../../src/errors.js';
import { type ModeOptions, readOptions, refusalOf } from '../../src/app/read-options.js';
import type { UserMode } from '../../src/app/user-mode.js';
import type { ServerSettings } from '../../src/config/settings.js';

/** What only a command has. */
const COMMAND_KEYS = Object.entries<Option>(OPTIONS)
  .filter(([, { isLibraryKey }]) => isLibraryKey === false)
  .map(([key]) => key);

/** What has no type says what it likes. */
const wrong = (options: object): ModeOptions => options;

const settingsOf = (options: ModeOptions): ServerSettings => readOptions(options).settings;

t.test('without anything: the defaults, without what only a command needs', async (t) => {
  const { settings } = load({ flags: {}, environment: {}, readFile: () => '' });
  const server = Object.entries(settings).filter(([key]) => !COMMAND_KEYS.includes(key));
  t.strictSame(Object.entries(settingsOf({})), server);
  t.strictSame(COMMAND_KEYS, [
    ...['inspect', 'inspectMemory', 'inspectPayload', 'inspectToken'],
    ...['once', 'idleExit', 'workers', 'logLevel', 'logFormat', 'config'],
  ]);
});

t.test('options have the forms of the configuration file', async (t) => {
  t.match(
    settingsOf({
      listen: ':80',
      origin: ['https://example.com'],
      allow: '10.0.0.0/8',
      deny: ['10.0.0.1', '10.0.0.2'],
      trustProxy: 'none',
      deflate: 'auto',
      deflateNoContextTakeover: ['client'],
      deflateMaxRatio: 100,
      maxMessage: '1m',
      outputPause: 2048,
      idleTimeout: '5m',
      pingInterval: 'off',
      maxConnections: undefined,
    }),
    {
      listen: [{ kind: 'tcp', host: null, port: 80 }],
      origin: ['https://example.com'],
      allow: ['10.0.0.0/8'],
      deny: ['10.0.0.1/32', '10.0.0.2/32'],
      trustProxy: [],
      deflate: 'auto',
      deflateNoContextTakeover: ['client'],
      deflateMaxRatio: 100,
      maxMessage: 1024 ** 2,
      outputPause: 2048,
      idleTimeout: 300_000,
      pingInterval: 0,
      maxConnections: 10_000,
    },
  );
});

t.test('what is wrong, in one sentence', async (t) => {
  const { clause } = OPTIONS.maxMessage.type;
  for (const [options, sentence] of [
    [{ auth: 'ann' }, `auth cannot be (a secret, not shown): ${OPTIONS.auth.type.clause}`],
    [{ tcp: 'a' }, `tcp cannot be "a": ${OPTIONS.tcp.type.clause}`],
    [{ recordSync: 'always' }, 'recordSync has no effect without record'],
    [
      { auth: 'ann:b', authFile: 'users' },
      'authFile cannot be "users": auth is set as well; choose one',
    ],
    [{ idleTimeout: 0.5 }, `idleTimeout cannot be "0.5ms": ${OPTIONS.idleTimeout.type.clause}`],
    [{ listen: [80, 70_000] }, `listen[1] cannot be "70000": ${OPTIONS.listen.type.clause}`],
    [{ maxMessage: '4g' }, `maxMessage cannot be "4g": ${clause}`],
    [{ maxMessage: NaN }, `maxMessage cannot be NaN: ${clause}`],
    [{ listen: ['80', '80'] }, 'listen[1] cannot be "80": give each one once'],
    [{ maxMesage: 1 }, 'serve(options) has an unknown key "maxMesage"; did you mean maxMessage?'],
    [
      { foo: 80 },
      'serve(options) has an unknown key "foo"; the type ServeOptions lists the known ones',
    ],
    [
      { outputLimit: '1k' },
      'outputLimit cannot be "1k": it must be at least outputPause, which is 1m by default',
    ],
    [
      { trustProxyHeader: 'proxy-protocol' },
      'trustProxyHeader cannot be "proxy-protocol": trustProxy must name the proxies that send it',
    ],
  ] as const) {
    t.throws(
      () => readOptions(wrong(options)),
      new ConfigError(sentence, { source: 'call' }),
      sentence,
    );
  }
  for (const key of [...COMMAND_KEYS, 'route']) {
    t.throws(() => readOptions(wrong({ [key]: 'off' })), {
      name: 'ConfigError',
      message: `serve(options) has an unknown key "${key}"`,
    });
  }
});

t.test('what a file has as text may be a number', async (t) => {
  t.match(settingsOf({ listen: 9001, idleTimeout: 5000, drainTimeout: 1 }), {
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 9001 }],
    idleTimeout: 5000,
    drainTimeout: 1,
  });
  t.match(settingsOf({ listen: [80, ':81', 'unix:a'] }).listen, [
    { host: '127.0.0.1', port: 80 },
    { host: null, port: 81 },
    { kind: 'unix' },
  ]);
});

t.test('all that a command has', async (t) => {
  const { values } = readOptions({
    tokenFile: 'tokens',
    routes: { '/a': 'token', '/b': 'tcp:tls://b:1' },
    record: 'a.ndjson',
    recordRotate: '1m',
    auth: 'ann:secret',
    static: 'public',
    targetInsecure: true,
  });
  t.match(values, {
    tokenFile: { value: 'tokens', source: 'call', from: 'serve(options)' },
    route: { value: [{ path: '/a' }, { path: '/b', mode: { kind: 'tcp' } }] },
    record: { value: 'a.ndjson' },
    auth: { value: 'ann:secret' },
  });
  t.strictSame(readOptions({ mode: 'shout.mjs' }).settings.mode, 'shout.mjs');
  t.match(readOptions({ mode: 'echo' }).settings, { echo: true, mode: null });
  t.strictSame(readOptions({ routes: ['/a=echo', '/b=echo'] }).settings.route.length, 2);
});

t.test('modes in place stand beside those that are text', async (t) => {
  const chat: UserMode = { name: 'chat', message: () => undefined };
  const other: UserMode = { name: 'other', message: () => undefined };
  const { settings, values, modes } = readOptions({
    mode: other,
    routes: { '/chat': chat, '/echo': 'echo', '/talk': chat },
  });
  t.strictSame(
    settings.route.map(({ path, mode }) => [
      path,
      'file' in mode ? modes.get(mode.file)?.name : mode.kind,
    ]),
    [
      ['/echo', 'echo'],
      ['/chat', 'chat'],
      ['/talk', 'chat'],
    ],
  );
  t.equal(modes.get(settings.mode!)?.name, 'other');
  t.equal(modes.size, 2, 'one object is one mode');
  t.match(values.route, { source: 'call' });
  for (const [options, sentence] of [
    [{ mode: { name: '' } }, 'mode cannot be used: the name of a mode must be a text, not ""'],
    [
      { routes: { '/a': { name: 'a' } } },
      'routes["/a"] cannot be used: a mode with delivery "messages" needs the function message',
    ],
    [{ routes: { chat } }, /^routes\["chat"\] cannot be used: a path begins with \//],
    [
      { routes: { '/a': 'echo', '/a/': chat } },
      'routes["/a/"] cannot be used: give each one once, by its path',
    ],
    [{ routes: { '/a': 1 } }, /^routes\["\/a"\] cannot be the number 1: give echo, /],
  ] as const)
    t.throws(() => readOptions(wrong(options)), { name: 'ConfigError', message: sentence });
});

t.test('what is seldom meant is told, and what belongs to a mode needs one', async (t) => {
  t.match(readOptions({ mode: 'echo', deflateClientWindowBits: 8 }).warnings, [/is 8: clients/]);
  const chat: UserMode = { name: 'chat', message: () => undefined };
  t.throws(() => readOptions({ mode: chat, tcpText: true }), {
    message: 'tcpText has no effect without a TCP target, such as tcp gives',
  });
  t.doesNotThrow(() => readOptions({ mode: chat, routes: { '/a': 'tcp:a:1' }, deflateLevel: 5 }));
});

t.test('a refusal names the option', async (t) => {
  t.throws(
    () => refusalOf('log')('a clause'),
    new ConfigError('log cannot be used: a clause', { source: 'call' }),
  );
});
