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
    echo: 'false',
    tcp: 'off',
    tokenFile: 'off',
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
    recordQueue: '8m',
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
    trustProxy: 'none',
    trustProxyHeader: 'x-forwarded-for',
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
    maxHandshakes: '1000',
    maxHandshakesPerAddress: '100',
    outputPause: '1m',
    outputLimit: '16m',
    handshakeTimeout: '10s',
    messageTimeout: '5m',
    sendTimeout: '30s',
    pingInterval: '25s',
    pongTimeout: '20s',
    idleTimeout: 'off',
    closeTimeout: '5s',
    drainTimeout: '10s',
    logLevel: 'info',
    logFormat: 'auto',
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
    ['logLevel', 'logFormat', 'config'],
  );
});
