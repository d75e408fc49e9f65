import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { GROUPS, defaultValue, flagOf, type Option } from '../../../src/config/options/option.js';
import { OPTIONS } from '../../../src/config/options/options.js';

const ROWS = Object.entries<Option>(OPTIONS);

t.test('every default is in the form its own type writes', async (t) => {
  for (const [key, option] of ROWS) {
    const value = defaultValue(option);
    t.equal(option.type.toText(value), option.default, key);
    t.same(option.type.schema.parse(option.type.toJson(value)), value, `${key} in JSON`);
  }
});

t.test('the defaults are those of the design', async (t) => {
  t.same(Object.fromEntries(ROWS.map(([key, option]) => [key, option.default])), {
    listen: '127.0.0.1:9001',
    unixMode: 'umask',
    echo: 'false',
    echoControls: 'false',
    page: 'true',
    echoRequest: 'hidden',
    tcp: 'off',
    tokenFile: 'off',
    tokenFrom: 'query',
    mode: 'off',
    route: 'none',
    static: 'off',
    replay: 'off',
    replaySession: 'off',
    replaySpeed: '1',
    replayStrict: 'false',
    record: 'off',
    recordPayload: 'full',
    recordHeaders: 'none',
    recordQuery: 'none',
    recordFrames: 'false',
    recordSync: 'interval',
    recordFull: 'stop',
    recordRotate: 'off',
    recordKeep: 'off',
    recordMaxTotal: 'off',
    recordQueue: '8m',
    inspect: 'off',
    inspectMemory: '64m',
    inspectPayload: '64k',
    inspectToken: 'off',
    tcpText: 'false',
    targetConnectTimeout: '5s',
    targetKeepalive: '1m',
    targetAllow: 'any',
    targetCa: 'off',
    targetCert: 'off',
    targetKey: 'off',
    targetServername: 'off',
    targetInsecure: 'false',
    proxyProtocol: 'off',
    allowedHosts: 'auto',
    origin: 'auto',
    allow: 'any',
    deny: 'none',
    recheck: 'keep',
    trustProxy: 'none',
    trustProxyHeader: 'x-forwarded-for',
    tlsCert: 'none',
    tlsKey: 'none',
    tlsKeyPassphrase: 'off',
    tlsKeyPassphraseFile: 'off',
    tlsClientCa: 'off',
    tlsClientAuth: 'require',
    tlsKeylog: 'off',
    authFile: 'off',
    auth: 'off',
    subprotocol: 'first',
    deflate: 'auto',
    deflateLevel: '3',
    deflateThreshold: '32',
    deflateWindowBits: '15',
    deflateClientWindowBits: '15',
    deflateNoContextTakeover: 'none',
    deflateMemory: '128m',
    deflateMaxRatio: 'off',
    extension: 'none',
    maxRequestLine: '8k',
    maxHeaderLine: '8k',
    maxHead: '16k',
    maxHeaders: '100',
    maxMessage: '16m',
    maxFragments: '262144',
    maxConnections: '10000',
    maxConnectionsPerAddress: 'off',
    maxConnectionRate: 'off',
    maxHandshakeRate: 'off',
    maxHandshakes: '1000',
    maxLoginFailures: '60',
    maxHandshakesPerAddress: '100',
    outputPause: '1m',
    outputLimit: '16m',
    maxMemory: 'auto',
    wasm: 'true',
    handshakeTimeout: '10s',
    messageTimeout: '30s',
    maxMessageRate: 'off',
    maxByteRate: 'off',
    minDataRate: '1k',
    sendTimeout: '30s',
    pingInterval: '25s',
    pongTimeout: '20s',
    idleTimeout: 'off',
    maxLifetime: 'off',
    closeTimeout: '5s',
    drainDelay: 'off',
    drainTimeout: '10s',
    admin: 'off',
    health: 'off',
    once: 'false',
    idleExit: 'off',
    logLevel: 'info',
    maxLogRate: '100',
    logFormat: 'auto',
    workers: '1',
    config: 'off',
  });
});

t.test('rows stand in the order of their groups, as help shows them', async (t) => {
  const groups = ROWS.map(([, { group }]) => GROUPS.indexOf(group));
  t.same(
    groups,
    groups.toSorted((one, other) => one - other),
  );
  t.equal(new Set(groups).size, GROUPS.length, 'no group is empty');
});

t.test('texts are one line, and sentences where they should be', async (t) => {
  for (const [key, { help, docs }] of ROWS) {
    t.notMatch(help, /^[A-Z]|\.$|\n/, `help of ${key}`);
    t.match(docs, /^[`A-Z][^\n]+\.$/, `docs of ${key}`);
    for (const [, named = ''] of docs.matchAll(/`(max\w+|\w+(?:Timeout|Interval|Pause|Limit))`/g)) {
      t.ok(named in OPTIONS, `${key} speaks of ${named}`);
    }
    t.notOk(flagOf(key).startsWith('--no-'), `${key} is no negative`);
  }
});

t.test('what only a command needs is no option of the library', async (t) => {
  t.same(
    ROWS.filter(([, { isLibraryKey }]) => isLibraryKey === false).map(([key]) => key),
    [
      'inspect',
      'inspectMemory',
      'inspectPayload',
      'inspectToken',
      'once',
      'idleExit',
      'workers',
      'logLevel',
      'logFormat',
      'config',
    ],
  );
});

/** What each option takes and what it refuses, at the bounds of its range. */
const RANGES: Readonly<
  Record<keyof typeof OPTIONS, readonly [taken: readonly unknown[], refused: readonly unknown[]]>
> = {
  unixMode: [
    ['umask', '0660', '600'],
    [660, '660 ', 'off', null, '4755'],
  ],
  echo: [[true, false], ['yes']],
  echoControls: [[true, false], ['yes']],
  page: [[true, false], ['yes']],
  echoRequest: [['hidden', 'full'], ['off']],
  tcp: [
    ['off', 'localhost:1', 'unix:/a'],
    ['localhost', ':1'],
  ],
  tokenFile: [['off', 'tokens'], ['']],
  tokenFrom: [
    ['query', 'path', 'host'],
    ['header', ''],
  ],
  mode: [['off', 'a.mjs'], ['']],
  route: [['none', { '/': 'echo' }, ['/=token']], [{ a: 'echo' }]],
  static: [['off', 'public'], ['']],
  record: [['off', 'a.ndjson'], ['']],
  recordPayload: [
    ['full', 'none', 1, '4k'],
    [0, -1, 'all', 1024 ** 3 + 1],
  ],
  recordHeaders: [
    ['none', '*', 'x-a,x-b', ['x-a']],
    ['', 'x a', 'x-a,', 7],
  ],
  recordQuery: [
    ['none', '*', 'a,b[c]', ['a']],
    ['', 'a=b', 'a,a', 7],
  ],
  recordFrames: [[true, false], ['true']],
  recordSync: [['none', 'interval', 'always'], ['off']],
  recordFull: [['stop', 'drop'], ['off']],
  recordRotate: [
    ['off', '64k', 1024 ** 4],
    [0, 65_535, '63k', 1024 ** 4 + 1],
  ],
  recordKeep: [
    [1, '1', 1_000_000, 'off'],
    [0, '0', 1_000_001, 1.5, 'all'],
  ],
  recordMaxTotal: [
    ['64k', '1024g', 65_536, 'off'],
    ['63k', '1025g', 'all', -1],
  ],
  recordQueue: [
    ['64k', '8m'],
    [65_535, 'off'],
  ],
  inspect: [
    ['off', '9002', ':9002', 'a.example:9002'],
    [9002, 'unix:/a', ''],
  ],
  inspectMemory: [
    ['8m', '64g', 8 * 1024 ** 2],
    ['7m', '65g', 'off'],
  ],
  inspectPayload: [
    ['full', 'none', '64k'],
    [0, 'all'],
  ],
  inspectToken: [
    ['off', 'x'.repeat(16), 'A-9._~'.repeat(4)],
    ['x'.repeat(15), 'x'.repeat(257), `${'x'.repeat(16)}&`, 7],
  ],
  replay: [['off', 'a.ndjson'], ['']],
  replaySession: [
    ['off', '01J', 7],
    ['', 0],
  ],
  replaySpeed: [
    ['0', '0.5', 10],
    ['fast', -1],
  ],
  replayStrict: [[true, false], ['yes']],
  tcpText: [[true, false], ['yes']],
  targetConnectTimeout: [
    ['1ms', '1m'],
    ['off', '0s'],
  ],
  targetKeepalive: [['off', '30s'], [30]],
  targetAllow: [
    ['any', '10.0.0.0/8', ['::1']],
    ['none', []],
  ],
  targetCa: [['off', 'ca.pem'], ['']],
  targetCert: [['off', 'cert.pem'], ['']],
  tlsCert: [
    ['none', 'a.pem', 'a.pem,b.pem', ['a.pem', 'b.pem']],
    ['', ['a.pem', 'a.pem'], ['none', 'a.pem'], 7],
  ],
  tlsKey: [['none', 'a.key'], ['']],
  tlsKeyPassphrase: [['off', 'secret'], ['']],
  tlsKeyPassphraseFile: [['off', 'passphrase'], ['']],
  tlsClientCa: [['off', 'ca.pem'], ['']],
  tlsClientAuth: [['require', 'request'], ['off']],
  tlsKeylog: [['off', 'keys.log'], ['']],
  targetKey: [['off', 'key.pem'], ['']],
  targetServername: [['off', 'a.example'], ['10.0.0.1']],
  targetInsecure: [[true, false], ['yes']],
  proxyProtocol: [
    ['off', 1, '2'],
    [3, true],
  ],
  allowedHosts: [
    ['auto', 'any', 'local', ['a.example', '*.b.example:80']],
    ['', 'a b', []],
  ],
  origin: [['auto', 'same', ['https://a.example']], ['none']],
  allow: [
    ['any', '10.0.0.0/8'],
    ['none', []],
  ],
  deny: [['none', [], '::1'], ['any']],
  recheck: [['keep', 'end'], ['']],
  trustProxy: [
    ['none', [], '::1', 'unix', ['unix', '10.0.0.0/8']],
    ['any', ['unix', 'unix']],
  ],
  trustProxyHeader: [['x-forwarded-for', 'proxy-protocol'], ['forwarded']],
  authFile: [['off', 'users'], ['']],
  auth: [['off', 'ann:secret'], ['ann']],
  deflate: [[true, false, 'auto'], ['true']],
  deflateLevel: [
    [1, 9],
    [0, 10],
  ],
  deflateThreshold: [
    [0, 1024 ** 3],
    [-1, 1024 ** 3 + 1],
  ],
  deflateWindowBits: [
    [8, 15],
    [7, 16],
  ],
  deflateClientWindowBits: [
    [8, 15],
    [7, 16],
  ],
  deflateNoContextTakeover: [[[], ['server', 'client']], [['both']]],
  deflateMemory: [
    [0, 64 * 1024 ** 3],
    [-1, 64 * 1024 ** 3 + 1],
  ],
  deflateMaxRatio: [
    ['off', 1, 1032],
    [0, 1033],
  ],
  extension: [[[], ['a.mjs', 'b.cjs']], [['']]],
  listen: [
    ['80', ':80', 'unix:/a', ['80', '81']],
    ['a b', '70000', [], ['80', '80']],
  ],
  subprotocol: [
    ['first', 'none', 'mqtt', ['a', 'b']],
    ['', 'a b', []],
  ],
  maxRequestLine: [
    [64, '1m'],
    [63, 1024 ** 2 + 1],
  ],
  maxHeaderLine: [
    [64, '1m'],
    [63, 1024 ** 2 + 1],
  ],
  maxHead: [
    [256, '1m'],
    [255, 1024 ** 2 + 1],
  ],
  maxHeaders: [
    [5, 10_000],
    [4, 10_001],
  ],
  maxMessage: [
    [125, '1g'],
    [124, 1024 ** 3 + 1],
  ],
  maxFragments: [
    [1, 2 ** 31 - 1],
    [0, 2 ** 31],
  ],
  maxConnections: [
    [1, 1_000_000],
    [0, 1_000_001, 'off'],
  ],
  maxConnectionsPerAddress: [
    ['off', 1, 1_000_000],
    [0, 1_000_001],
  ],
  maxConnectionRate: [
    ['off', 1, 1_000_000],
    [0, 1_000_001],
  ],
  maxHandshakeRate: [
    ['off', 1, 1_000_000],
    [0, 1_000_001],
  ],
  maxLoginFailures: [
    ['off', 1, 1_000_000],
    [0, 1_000_001],
  ],
  maxHandshakes: [
    [1, 1_000_000],
    [0, 1_000_001, 'off'],
  ],
  maxHandshakesPerAddress: [
    ['off', 1, 1_000_000],
    [0, 1_000_001],
  ],
  outputPause: [[1024, '1g'], [1023]],
  outputLimit: [[1024, '1g'], [1023]],
  wasm: [[true, false], ['maybe']],
  maxMemory: [
    [1024 ** 2, '512m', '1024g', 'auto'],
    [1024 ** 2 - 1, 1024 ** 4 + 1, 'off', '50%'],
  ],
  handshakeTimeout: [
    ['1ms', '24h'],
    ['off', '0s', 10],
  ],
  maxMessageRate: [
    ['off', 1, '1000000'],
    [0, '1000001', '1k'],
  ],
  maxByteRate: [
    ['off', 1024, '1k', '1g'],
    [1023, '2g', '1k/s'],
  ],
  minDataRate: [
    ['off', 1, '1m'],
    [0, '2m', '1k/s'],
  ],
  messageTimeout: [
    ['off', '1ms'],
    ['0s', 10],
  ],
  sendTimeout: [['1ms'], ['off', '0s']],
  pingInterval: [['off', '1ms'], ['0s']],
  pongTimeout: [['1ms'], ['off', '0s']],
  idleTimeout: [['off', '1ms'], ['0s']],
  maxLifetime: [['off', '1ms'], ['0s']],
  closeTimeout: [['1ms'], ['off', '0s']],
  drainDelay: [['off', '1ms'], ['0s']],
  drainTimeout: [['1ms'], ['off', '0s']],
  admin: [
    ['off', '9090', ':0', '[::1]:1'],
    ['', 'localhost', 'unix:/a', '65536'],
  ],
  health: [
    ['off', '/', '/healthz'],
    ['', 'healthz', '/a?b', '/a//b'],
  ],
  once: [[true, false], ['yes']],
  idleExit: [['off', '1ms'], ['0s']],
  logLevel: [['trace', 'silent'], ['off']],
  maxLogRate: [
    ['off', 1, '1000000'],
    [0, '1000001', '1k'],
  ],
  logFormat: [['auto', 'json', 'pretty'], ['text']],
  workers: [
    [1, '2', 256, '256', 'auto'],
    [0, '0', 257, '257', '01', '2.5', 'all', null],
  ],
  config: [['off', 'twist.json'], ['']],
};

t.test('what each option takes', async (t) => {
  for (const [key, { type }] of ROWS) {
    const [taken, refused] = RANGES[key as keyof typeof OPTIONS];
    const isTaken = (value: unknown): boolean => type.schema.safeParse(value).success;
    t.strictSame(
      taken.filter((value) => !isTaken(value)),
      [],
      `${key} takes`,
    );
    t.strictSame(refused.filter(isTaken), [], `${key} refuses`);
  }
});

t.test('what is read without its schema is what the schema makes of it', async (t) => {
  const texts = Object.values(RANGES).flat(2);
  const given = [...new Set([...texts, true, false, '', 'off', 'none', 'auto', 'any', '*', '1'])];
  const inLists = given.flatMap((value) => [[value], [value, value]]);
  for (const [key, { type }] of ROWS) {
    const differing = [...given, ...inLists].filter((value) => {
      const shortcut = type.shortcut(value);
      if (shortcut === undefined) return false;
      const judged = type.schema.safeParse(value);
      return !judged.success || !isDeepStrictEqual(judged.data, shortcut);
    });
    t.strictSame(differing, [], key);
  }
});

t.test('no default needs a schema', async (t) => {
  for (const [key, { type, default: text }] of ROWS)
    t.not(type.shortcut(type.fromText(text)), undefined, key);
});
