import t from 'tap';
import { LETS_IN_ALL } from '../fixtures/logins.js';
import type { Flags } from '../../src/config/text-sources.js';
import { load } from '../../src/config/load.js';
import type { Settings } from '../../src/config/settings.js';
import type { ExtensionOffer } from '../../src/extensions/header.js';
import type { Extension } from '../../src/extensions/extension.js';
import type { OriginPolicy } from '../../src/handshake/policy.js';
import type { PermessageDeflateOptions } from '../../src/extensions/permessage-deflate/permessage-deflate.js';
import { type ServerParts, serverOptions } from '../../src/app/server-options.js';
import { echoMode } from '../../src/modes/echo.js';
import type { Mode } from '../../src/session/mode.js';
import { sessionOf } from '../fixtures/extensions.js';
import { ClientLines } from '../../src/server/log/client-lines.js';
import { KeptLog } from '../fixtures/kept-log.js';

function settingsOf(flags: Flags): Settings {
  return load({ flags, environment: {}, readFile: () => '' }).settings;
}

const log = new KeptLog();
const one: Extension = { name: 'x-one', create: () => sessionOf() };

const PARTS: ServerParts = {
  modes: [{ path: null, mode: echoMode }],
  extensions: [one],
  authenticator: null,
  staticDir: null,
  recorder: null,
  group: null,
  log,
  clientLog: new ClientLines(log, 0),
};

t.test('every setting reaches the server', async (t) => {
  const settings = settingsOf({
    listen: ['127.0.0.1:0', 'unix:/run/twist.sock'],
    unixMode: '0660',
    subprotocol: 'a,b',
    origin: 'same',
    allowedHosts: 'desk.example.com',
    allow: ['10.0.0.0/8', '::1'],
    deny: ['10.0.0.1'],
    trustProxy: ['::1'],
    trustProxyHeader: 'proxy-protocol',
    deflate: false,
    maxRequestLine: '1001',
    maxHeaderLine: '1002',
    maxHead: '1003',
    maxHeaders: '104',
    maxMessage: '1005',
    maxFragments: '1006',
    wasm: false,
    maxConnections: '1007',
    maxConnectionsPerAddress: '1008',
    maxConnectionRate: '1023',
    maxHandshakeRate: '1024',
    maxHandshakes: '1019',
    maxHandshakesPerAddress: '1020',
    outputPause: '20009',
    outputLimit: '20010',
    handshakeTimeout: '1011ms',
    messageTimeout: '1012ms',
    maxMessageRate: '1030',
    maxByteRate: '1031',
    minDataRate: '1032',
    sendTimeout: '1013ms',
    pingInterval: '1014ms',
    pongTimeout: '1015ms',
    idleTimeout: '1016ms',
    maxLifetime: '1022ms',
    recheck: 'end',
    closeTimeout: '1017ms',
    drainTimeout: '1018ms',
    drainDelay: '1021ms',
  });
  const authenticator = LETS_IN_ALL;
  const privatePaths = { files: ['users'], recording: null };
  const passedSockets = [{ kind: 'passed', fd: 3, name: 'web' }] as const;
  const parts = { ...PARTS, authenticator, staticDir: 'public', privatePaths, passedSockets };
  t.strictSame(serverOptions(settings, parts), {
    group: null,
    tls: null,
    listen: [
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      { kind: 'unix', path: '/run/twist.sock' },
    ],
    passedSockets,
    unixMode: 0o660,
    served: [
      {
        path: null,
        hasTokenBelow: false,
        mode: echoMode,
        origin: 'same',
        extensions: [one],
        recorder: null,
        page: null,
      },
    ],
    tokensIn: null,
    staticDir: 'public',
    privatePaths,
    access: {
      allowedHosts: ['desk.example.com'],
      allow: ['10.0.0.0/8', '::1/128'],
      deny: ['10.0.0.1/32'],
      trustProxy: ['::1/128'],
      trustProxyHeader: 'proxy-protocol',
    },
    auth: authenticator,
    head: {
      maxRequestLine: 1001,
      maxHeaderLine: 1002,
      maxHead: 1003,
      maxHeaders: 104,
    },
    subprotocol: ['a', 'b'],
    limits: {
      outputPause: 20_009,
      outputLimit: 20_010,
      maxMessage: 1005,
      handshakeTimeout: 1011,
      messageTimeout: 1012,
      sendTimeout: 1013,
      pingInterval: 1014,
      pongTimeout: 1015,
      idleTimeout: 1016,
      maxLifetime: 1022,
      closeTimeout: 1017,
      maxMessageRate: 1030,
      maxByteRate: 1031,
      minDataRate: 1032,
    },
    maxFragments: 1006,
    wasm: false,
    admission: {
      maxConnections: 1007,
      maxConnectionRate: 1023,
      maxHandshakeRate: 1024,
      maxConnectionsPerAddress: 1008,
    },
    handshakes: { maxHandshakes: 1019, maxHandshakesPerAddress: 1020 },
    recheck: 'end',
    drainDelay: 1021,
    drainTimeout: 1018,
    health: null,
    log,
    clientLog: PARTS.clientLog,
  });
});

t.test('permessage-deflate comes last, with its settings', async (t) => {
  const seen: PermessageDeflateOptions[] = [];
  const deflate: Extension = { name: 'permessage-deflate', create: () => sessionOf() };
  const mocked = await t.mockImport<{ serverOptions: typeof serverOptions }>(
    '../../src/app/server-options.js',
    {
      '../../src/extensions/permessage-deflate/permessage-deflate.js': {
        permessageDeflate: (options: PermessageDeflateOptions) => {
          seen.push(options);
          return deflate;
        },
      },
    },
  );
  const flags = {
    deflateLevel: '9',
    deflateThreshold: '1001',
    deflateMemory: '1002',
    deflateMaxRatio: '103',
    deflateWindowBits: '9',
    deflateClientWindowBits: '10',
  };
  const cases = [
    ['none', false, false],
    ['server', true, false],
    ['client', false, true],
    ['client,server', true, true],
  ] as const;
  for (const [sides, serverNoContextTakeover, clientNoContextTakeover] of cases) {
    const settings = settingsOf({ ...flags, deflateNoContextTakeover: sides });
    const { served } = mocked.serverOptions(settings, PARTS);
    t.strictSame(served[0]?.extensions, [one, deflate]);
    t.strictSame(seen.pop(), {
      level: 9,
      thresholdBytes: 1001,
      memoryBytes: 1002,
      maxRatio: 103,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 10,
      serverNoContextTakeover,
      clientNoContextTakeover,
    });
  }
  const off = mocked.serverOptions(settingsOf({ deflate: false }), PARTS);
  t.strictSame(off.served[0]?.extensions, [one], 'none when it is turned off');
});

t.test('where there are passwords no mode lets in every page', async (t) => {
  const authenticator = LETS_IN_ALL;
  const mode = (origin?: OriginPolicy): Mode => ({
    ...echoMode,
    ...(origin === undefined ? {} : { defaults: { origin, deflate: true } }),
  });
  const modes = [mode(), mode('any'), mode('same'), mode(['https://a.example'])].map(
    (one, index) => ({
      path: `/${index}`,
      mode: one,
    }),
  );
  const origins = (flags: Flags, parts: Partial<ServerParts>): unknown[] =>
    serverOptions(settingsOf(flags), { ...PARTS, modes, ...parts }).served.map(
      ({ origin }) => origin,
    );
  t.strictSame(origins({}, {}), ['any', 'any', 'same', ['https://a.example']]);
  t.strictSame(origins({}, { authenticator }), ['same', 'same', 'same', ['https://a.example']]);
  const any = ['any', 'any', 'any', 'any'];
  t.strictSame(origins({ origin: 'any' }, { authenticator }), any, 'but where somebody says so');
});

t.test('it is the real one', async (t) => {
  const settings = settingsOf({ deflateNoContextTakeover: 'client' });
  const { served } = serverOptions(settings, { ...PARTS, extensions: [] });
  const [deflate] = served[0]!.extensions;
  const session = deflate!.create();
  const offer: ExtensionOffer = { name: 'permessage-deflate', params: [] };
  session.init([offer]);
  t.equal(session.response(), 'permessage-deflate; client_no_context_takeover');
  session.close();
});

t.test('what nobody says is left to the modes', async (t) => {
  const proxy: Mode = {
    name: 'tcp',
    delivery: 'chunks',
    defaults: { origin: 'same', deflate: false },
  };
  const modes = [
    { path: '/a', mode: proxy },
    { path: '/b', mode: proxy },
    { path: null, mode: echoMode },
  ];
  for (const [flags, names, origins] of [
    [{}, [0, 0, 1], ['same', 'same', 'any']],
    [{ deflate: true, origin: 'any' }, [1, 1, 1], ['any', 'any', 'any']],
    [{ deflate: false, origin: 'null' }, [0, 0, 0], [['null'], ['null'], ['null']]],
  ] as const) {
    const { served } = serverOptions(settingsOf(flags), { ...PARTS, modes, extensions: [] });
    t.strictSame(
      served.map(({ path, mode }) => ({ path, mode })),
      modes,
    );
    t.strictSame(
      served.map(({ extensions }) => extensions.length),
      names,
    );
    t.strictSame(
      served.map(({ origin }) => origin),
      origins,
    );
  }
  const { served } = serverOptions(settingsOf({ deflate: true }), { ...PARTS, modes });
  t.equal(served[0]?.extensions.at(-1), served[2]?.extensions.at(-1), 'they share its memory');
});

t.test('where tokens are hidden', async (t) => {
  const tokensIn = (tokenFile: string, tokenFrom: string): unknown =>
    serverOptions(settingsOf({ tokenFile, tokenFrom }), PARTS).tokensIn;
  t.equal(tokensIn('tokens', 'path'), 'path');
  t.equal(tokensIn('tokens', 'host'), 'host');
  t.equal(tokensIn('tokens', 'query'), null, 'no parameter is shown that nobody has named');
  t.equal(tokensIn('off', 'query'), null);
  const modes = [{ path: '/vnc', mode: echoMode, hasTokenBelow: true }];
  t.match(serverOptions(settingsOf({}), { ...PARTS, modes }).served, [{ hasTokenBelow: true }]);
});

t.test('the path of the health check asks the recording too', async (t) => {
  const problems = ['recording failed'];
  const recorder = { findProblems: () => problems } as unknown as ServerParts['recorder'];
  const settings = settingsOf({ health: '/healthz' });
  const { health } = serverOptions(settings, { ...PARTS, recorder });
  t.equal(health?.path, '/healthz');
  t.strictSame(health?.findProblems(), problems);
  t.strictSame(serverOptions(settings, PARTS).health?.findProblems(), []);
});

t.test('a page is what the settings say, where the mode has one', async (t) => {
  const pageOf = (flags: Flags, hasPage: boolean): unknown => {
    const modes = [{ path: null, mode: echoMode, hasPage }];
    return serverOptions(settingsOf(flags), { ...PARTS, modes }).served[0]?.page;
  };
  t.strictSame(pageOf({}, true), { showsAll: false, hasControls: false });
  t.match(pageOf({ echoControls: true }, true), { hasControls: true });
  t.strictSame(pageOf({ echoRequest: 'full' }, true), { showsAll: true, hasControls: false });
  t.equal(pageOf({ page: false }, true), null);
  t.equal(pageOf({}, false), null);
  const pages = (): never => {
    throw new Error('not asked yet');
  };
  t.equal(serverOptions(settingsOf({}), { ...PARTS, pages }).pages, pages);
});
