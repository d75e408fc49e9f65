import t from 'tap';
import { readFileSync } from 'node:fs';
import { type Loaded, load, settingsOf, valuesInForce } from '../../src/config/load.js';
import {
  type OptionTable,
  environmentNameOf,
  flagOf,
  negativeFlagOf,
} from '../../src/config/options/option.js';
import type { OPTIONS } from '../../src/config/options/options.js';
import type { Provided } from '../../src/config/settings.js';
import type { Environment, Flags } from '../../src/config/text-sources.js';
import { count, file } from '../../src/config/values/values.js';
import { ConfigError } from '../../src/errors.js';

type Key = keyof typeof OPTIONS;

interface Given {
  readonly flags?: Flags;
  readonly environment?: Environment;
  readonly file?: unknown;
}

/** Loads with the file, if there is one, named by a flag. */
function loadGiven({ flags = {}, environment = {}, file }: Given): Loaded {
  return load({
    flags: file === undefined ? flags : { ...flags, config: 'twist.json' },
    environment,
    readFile: (path) => {
      t.equal(path, 'twist.json');
      return JSON.stringify(file);
    },
  });
}

const unread = (): never => {
  throw new Error('no file is named');
};

t.test('without anything: the defaults', async (t) => {
  const { settings, values, warnings } = load({ flags: {}, environment: {}, readFile: unread });
  t.same(warnings, []);
  t.same(settings, {
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 9001 }],
    unixMode: null,
    echo: false,
    echoControls: false,
    page: true,
    echoRequest: 'hidden',
    tcp: null,
    tokenFile: null,
    tokenFrom: 'query',
    mode: null,
    route: [],
    static: null,
    replay: null,
    replaySession: null,
    replaySpeed: 1,
    replayStrict: false,
    record: null,
    recordPayload: Infinity,
    recordHeaders: [],
    recordQuery: [],
    recordFrames: false,
    recordSync: 'interval',
    recordFull: 'stop',
    recordRotate: 0,
    recordKeep: 0,
    recordMaxTotal: 0,
    recordQueue: 8 * 1024 ** 2,
    inspect: null,
    inspectMemory: 64 * 1024 ** 2,
    inspectPayload: 64 * 1024,
    inspectToken: null,
    tcpText: false,
    targetConnectTimeout: 5_000,
    targetKeepalive: 60_000,
    targetAllow: [],
    targetCa: null,
    targetCert: null,
    targetKey: null,
    targetServername: null,
    targetInsecure: false,
    proxyProtocol: 0,
    allowedHosts: 'auto',
    origin: 'auto',
    allow: [],
    deny: [],
    recheck: 'keep',
    trustProxy: [],
    trustProxyHeader: 'x-forwarded-for',
    tlsCert: [],
    tlsKey: [],
    tlsKeyPassphrase: null,
    tlsKeyPassphraseFile: null,
    tlsClientCa: null,
    tlsClientAuth: 'require',
    tlsKeylog: null,
    authFile: null,
    auth: null,
    subprotocol: 'first',
    deflate: 'auto',
    deflateLevel: 3,
    deflateThreshold: 32,
    deflateWindowBits: 15,
    deflateClientWindowBits: 15,
    deflateNoContextTakeover: [],
    deflateMemory: 134_217_728,
    deflateMaxRatio: 0,
    extension: [],
    maxRequestLine: 8_192,
    maxHeaderLine: 8_192,
    maxHead: 16_384,
    maxHeaders: 100,
    maxMessage: 16_777_216,
    maxFragments: 262_144,
    maxConnections: 10_000,
    maxConnectionsPerAddress: 0,
    maxHandshakes: 1_000,
    maxHandshakesPerAddress: 100,
    outputPause: 1_048_576,
    outputLimit: 16_777_216,
    maxMemory: 'auto',
    handshakeTimeout: 10_000,
    messageTimeout: 30_000,
    maxConnectionRate: 0,
    maxHandshakeRate: 0,
    maxLoginFailures: 60,
    maxMessageRate: 0,
    maxByteRate: 0,
    minDataRate: 1024,
    sendTimeout: 30_000,
    pingInterval: 25_000,
    pongTimeout: 20_000,
    idleTimeout: 0,
    maxLifetime: 0,
    closeTimeout: 5_000,
    drainDelay: 0,
    drainTimeout: 10_000,
    admin: null,
    health: null,
    once: false,
    idleExit: 0,
    wasm: true,
    logLevel: 'info',
    maxLogRate: 100,
    logFormat: 'auto',
    workers: 1,
    config: null,
  });
  t.same(values.maxMessage, { value: 16_777_216, source: 'default', from: 'default' });
});

t.test('flag before environment before file before default', async (t) => {
  const echoOn = (path: string): object => ({ path, mode: { kind: 'echo' } });
  const address = (port: number): object => ({ kind: 'tcp', host: '127.0.0.1', port });
  // One option of each kind: what each source gives in its own form, and the value that it means.
  const matrix: Readonly<
    Partial<
      Record<
        Key,
        {
          flag: readonly [string | boolean | string[], unknown];
          environment: readonly [string, unknown];
          file: readonly [unknown, unknown];
        }
      >
    >
  > = {
    listen: {
      flag: [['1'], [address(1)]],
      environment: ['2,3', [address(2), address(3)]],
      file: [['4'], [address(4)]],
    },
    echo: { flag: [false, false], environment: ['true', true], file: [true, true] },
    subprotocol: { flag: ['a', ['a']], environment: ['b,c', ['b', 'c']], file: [['d'], ['d']] },
    origin: { flag: ['same', 'same'], environment: ['null', ['null']], file: ['any', 'any'] },
    tcp: {
      flag: ['a:1', { kind: 'tcp', host: 'a', port: 1, text: 'a:1' }],
      environment: ['unix:b', { kind: 'unix', path: 'b', text: 'unix:b' }],
      file: ['off', null],
    },
    route: {
      flag: [
        ['/a=echo', '/b=mode:c,d'],
        [echoOn('/a'), { path: '/b', mode: { kind: 'mode', file: 'c,d' } }],
      ],
      environment: ['/a=echo,/b=echo', [echoOn('/a'), echoOn('/b')]],
      file: [{ '/c': 'echo' }, [echoOn('/c')]],
    },
    proxyProtocol: { flag: ['2', 2], environment: ['1', 1], file: [2, 2] },
    allow: {
      flag: [['any'], []],
      environment: ['::1,10.0.0.0/8', ['::1/128', '10.0.0.0/8']],
      file: ['::1', ['::1/128']],
    },
    trustProxyHeader: {
      flag: ['x-forwarded-for', 'x-forwarded-for'],
      environment: ['x-forwarded-for', 'x-forwarded-for'],
      file: ['x-forwarded-for', 'x-forwarded-for'],
    },
    deflate: { flag: [false, false], environment: ['auto', 'auto'], file: [true, true] },
    mode: { flag: ['a.mjs', 'a.mjs'], environment: ['b', 'b'], file: ['off', null] },
    deflateNoContextTakeover: {
      flag: ['none', []],
      environment: ['server,client', ['server', 'client']],
      file: [['client'], ['client']],
    },
    extension: {
      flag: [['none'], []],
      environment: ['a.mjs,b.cjs', ['a.mjs', 'b.cjs']],
      file: ['c,d.mjs', ['c,d.mjs']],
    },
    maxHeaders: { flag: ['11', 11], environment: ['12', 12], file: [13, 13] },
    maxMessage: { flag: ['1k', 1_024], environment: ['2048', 2_048], file: [3_072, 3_072] },
    maxMemory: {
      flag: ['64m', 67_108_864],
      environment: ['auto', 'auto'],
      file: [134_217_728, 134_217_728],
    },
    maxConnectionsPerAddress: { flag: ['off', 0], environment: ['2', 2], file: ['3', 3] },
    pingInterval: { flag: ['1s', 1_000], environment: ['off', 0], file: ['3s', 3_000] },
    logLevel: { flag: ['warn', 'warn'], environment: ['debug', 'debug'], file: ['trace', 'trace'] },
  };
  for (const [name, row] of Object.entries(matrix)) {
    const key = name as Key;
    const flags = { [key]: row.flag[0] };
    const environment = { [environmentNameOf(key)]: row.environment[0] };
    const file = { [key === 'route' ? 'routes' : key]: row.file[0] };
    for (const [given, value, source, from] of [
      [
        { flags, environment, file },
        row.flag[1],
        'flag',
        row.flag[0] === false ? negativeFlagOf(key) : flagOf(key),
      ],
      [
        { flags, file },
        row.flag[1],
        'flag',
        row.flag[0] === false ? negativeFlagOf(key) : flagOf(key),
      ],
      [{ environment, file }, row.environment[1], 'environment', environmentNameOf(key)],
      [{ environment }, row.environment[1], 'environment', environmentNameOf(key)],
      [{ file }, row.file[1], 'file', 'twist.json'],
    ] as const) {
      const { settings, values } = loadGiven(given);
      t.same(settings[key], value, `${key} by ${source}`);
      t.same(values[key], { value, source, from });
    }
    t.equal(loadGiven({}).values[key].source, 'default');
  }
});

t.test('the file is named by a flag or by the environment, or is turned off', async (t) => {
  const asked: string[] = [];
  const readFile = (path: string): string => {
    asked.push(path);
    return '{"maxHeaders":50}';
  };
  const environment = { TWIST_CONFIG: 'b.json' };
  t.equal(load({ flags: { config: 'a.json' }, environment, readFile }).settings.config, 'a.json');
  t.same(load({ flags: {}, environment, readFile }).values.config, {
    value: 'b.json',
    source: 'environment',
    from: 'TWIST_CONFIG',
  });
  t.equal(load({ flags: {}, environment, readFile }).values.maxHeaders.from, 'b.json');
  t.same(asked, ['a.json', 'b.json', 'b.json']);
  t.equal(
    load({ flags: { config: 'off' }, environment, readFile: unread }).settings.maxHeaders,
    100,
  );
});

t.test('faults of all sources, and between them, are told', async (t) => {
  t.throws(() => loadGiven({ flags: { maxHeaders: '1' } }), {
    name: 'ConfigError',
    source: 'flag',
  });
  t.throws(() => loadGiven({ environment: { TWIST_MAX_HEADERS: '1' } }), {
    name: 'ConfigError',
    source: 'environment',
  });
  t.throws(() => loadGiven({ file: { maxHeaders: 1 } }), {
    name: 'ConfigError',
    source: 'file',
  });
  t.throws(
    () => loadGiven({ flags: { outputPause: '2m' }, file: { outputLimit: '1m' } }),
    new ConfigError(
      '--output-pause cannot be "2m": it must be at most outputLimit in twist.json, which is 1m',
      { source: 'flag' },
    ),
  );
  t.equal(
    loadGiven({ flags: { outputPause: '32m' }, file: { outputLimit: '64m' } }).settings.outputPause,
    2 ** 25,
  );
});

t.test('the environment alone can hold a secret', async (t) => {
  const environment = { TWIST_AUTH: 'ann:secret' };
  t.equal(loadGiven({ environment }).settings.auth, 'ann:secret');
  t.throws(
    () => loadGiven({ environment, flags: { authFile: 'users' } }),
    new ConfigError('--auth-file cannot be "users": TWIST_AUTH is set as well; choose one', {
      source: 'flag',
    }),
  );
});

t.test('a value that loses must be right all the same', async (t) => {
  t.throws(() => loadGiven({ flags: { maxHeaders: '50' }, file: { maxHeaders: 'many' } }), {
    name: 'ConfigError',
    source: 'file',
  });
});

t.test('what is seldom meant is warned of', async (t) => {
  const { warnings } = loadGiven({ flags: { deflateClientWindowBits: '8' } });
  t.equal(warnings.length, 1);
  t.match(warnings[0], /^--deflate-client-window-bits is 8: /);
});

t.test('variables that are no option are warned of', async (t) => {
  t.same(loadGiven({ environment: { TWIST_ECKO: 'true' } }).warnings, [
    'TWIST_ECKO is not an option of twist and has no effect; did you mean TWIST_ECHO?',
  ]);
});

t.test('config.example.json is the documented full form: every key with its default', async (t) => {
  const text = readFileSync('config.example.json', 'utf8');
  const { settings, values, warnings } = load({
    flags: { config: 'config.example.json' },
    environment: {},
    readFile: () => text,
  });
  t.same(warnings, [], 'a default asks for nothing');
  const defaults = load({ flags: {}, environment: {}, readFile: unread }).settings;
  t.same(settings, { ...defaults, config: 'config.example.json' });
  for (const [key, { source }] of Object.entries(values)) {
    const expected =
      { config: 'flag', auth: 'default', tlsKeyPassphrase: 'default' }[key] ?? 'file';
    t.equal(source, expected, `${key} is there`);
  }
  const { $schema } = JSON.parse(text) as { $schema: unknown };
  t.equal($schema, './config.schema.json');
});

t.test(
  'TWIST_DEFAULT_ variables are stronger than defaults, and weaker than all else',
  async (t) => {
    const environment = { TWIST_DEFAULT_LISTEN: ':1', TWIST_DEFAULT_MAX_HEAD: '32k' };
    const { settings, values } = loadGiven({ environment });
    t.same(settings.listen, [{ kind: 'tcp', host: null, port: 1 }]);
    t.same(values.maxHead, { value: 32_768, source: 'preset', from: 'TWIST_DEFAULT_MAX_HEAD' });
    for (const given of [
      { environment: { ...environment, TWIST_LISTEN: ':2' } },
      { environment, file: { listen: ':2' } },
      { environment, flags: { listen: [':2'] } },
    ])
      t.same(loadGiven(given).settings.listen, [{ kind: 'tcp', host: null, port: 2 }]);
    t.throws(
      () => loadGiven({ environment: { TWIST_DEFAULT_MAX_HEAD: '4k' } }),
      new ConfigError(
        'TWIST_DEFAULT_MAX_HEAD cannot be "4k": it must be at least TWIST_DEFAULT_MAX_REQUEST_LINE, which is 8k by default',
        { source: 'preset' },
      ),
    );
  },
);

t.test('a file may be preset', async (t) => {
  const environment = { TWIST_DEFAULT_CONFIG: 'twist.json' };
  const readFile = (): string => '{"maxHead":"32k"}';
  t.equal(load({ flags: {}, environment, readFile }).settings.maxHead, 32_768);
  const off = { ...environment, TWIST_CONFIG: 'off' };
  t.equal(load({ flags: {}, environment: off, readFile: unread }).settings.maxHead, 16_384);
});

t.test('a preset mode gives way to a chosen one', async (t) => {
  const environment = { TWIST_DEFAULT_ECHO: 'true' };
  t.equal(loadGiven({ environment }).settings.echo, true);
  t.equal(loadGiven({ environment, file: { tcp: 'a:1' } }).settings.echo, false);
});

t.test('what has no effect, and what nobody can reach, is a warning', async (t) => {
  const environment = { TWIST_DEFAULT_LISTEN: ':1', TWIST_LISTEN: '2', TWIST_RECORD_ROTATE: '1m' };
  t.same(loadGiven({ environment }).warnings, [
    'TWIST_RECORD_ROTATE has no effect without TWIST_RECORD',
    'TWIST_LISTEN is 127.0.0.1:2, which nothing outside of this machine or container can reach; :PORT is every address',
  ]);
  t.throws(
    () => loadGiven({ flags: { recordRotate: '1m' } }),
    new ConfigError('--record-rotate has no effect without --record', { source: 'flag' }),
  );
});

const texts = { group: 'General', help: '', docs: '' } as const;
const TABLE: OptionTable = {
  level: { ...texts, type: count({ min: 1, max: 9 }), default: '3' },
  path: { ...texts, type: file(), default: 'off' },
};

const flag = (value: unknown): Provided => ({ value, source: 'flag', from: '--flag' });
const inFile = (value: unknown): Provided => ({ value, source: 'file', from: 'twist.json' });

t.test('the first source that gives an option wins; else the default', async (t) => {
  t.same(valuesInForce(TABLE, []), {
    level: { value: 3, source: 'default', from: 'default' },
    path: { value: null, source: 'default', from: 'default' },
  });
  const weak = new Map([
    ['level', inFile(1)],
    ['path', inFile('a')],
  ]);
  t.same(valuesInForce(TABLE, [new Map([['path', flag(null)]]), weak]), {
    level: inFile(1),
    path: flag(null),
  });
});

t.test('values alone', async (t) => {
  t.same(settingsOf({ level: flag(1), path: inFile(null) }), { level: 1, path: null });
});
