import path from 'node:path';
import t, { type Test } from 'tap';
import { writeFileSync } from 'node:fs';
import { modesOf } from '../../src/app/modes-of.js';
import type { Resources } from '../../src/app/resources/resources.js';
import type { ModeOnPath } from '../../src/app/server-options.js';
import { load } from '../../src/config/load.js';
import type { Flags } from '../../src/config/text-sources.js';
import type { ModeSession } from '../../src/session/session.js';
import { HandshakeError } from '../../src/errors.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import type { UpgradeResponse } from '../../src/handshake/upgrade-response.js';
import { echoMode } from '../../src/modes/echo.js';
import type { Mode } from '../../src/session/mode.js';
import type { ReplayModeOptions } from '../../src/modes/replay/replay.js';
import type {
  NetTargetConnector,
  TargetConnectorOptions,
} from '../../src/modes/tcp/target-connector.js';
import { TcpMode, type TcpModeOptions } from '../../src/modes/tcp/tcp-mode.js';
import type { Target } from '../../src/net/socket-address.js';
import type { ReplaySession } from '../../src/recording/replay/replay-index.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually } from '../fixtures/within.js';

const mute: Mode = { name: 'mute', delivery: 'messages', message: () => undefined };

const RECORDED: ReplaySession = {
  s: 'S1',
  id: 1,
  path: '/recorded',
  subprotocol: null,
  extensions: 'permessage-deflate',
  firstLine: 2,
  startOffset: 50,
  lastLine: 3,
  messages: { in: 0, out: 0 },
  cutOut: 0,
};

function resourcesOf(
  flags: Flags,
  certificates: Partial<Resources['certificates']> = {},
): Resources {
  const { settings, values } = load({ flags, environment: {}, readFile: () => '' });
  return {
    settings,
    values,
    modules: { modes: new Map([['mute.mjs', mute]]), extensions: [] },
    replays: new Map([['a.ndjson', { sessions: [RECORDED], only: RECORDED }]]),
    certificates: { ca: null, cert: null, key: null, ...certificates },
    authenticator: null,
  };
}

/** What the modes say of themselves. */
function namesOf(modes: readonly ModeOnPath[]): (readonly [path: string | null, name: string])[] {
  return modes.map(({ path, mode }) => [path, mode.name]);
}

t.test('one mode for every path', async (t) => {
  for (const [flags, name] of [
    [{ echo: true }, 'echo'],
    [{ tcp: 'localhost:5900' }, 'tcp:localhost:5900'],
    [{ tcp: 'unix:/a' }, 'tcp:unix:/a'],
    [{ mode: 'mute.mjs' }, 'mute'],
    [{ replay: 'a.ndjson' }, 'replay:a.ndjson'],
    [{ record: 'a.ndjson' }, 'record'],
  ] as const) {
    t.strictSame(namesOf(modesOf(resourcesOf(flags), new KeptLog())), [[null, name]]);
  }
  const [first] = modesOf(resourcesOf({ echo: true }), new KeptLog());
  t.equal(first?.mode, echoMode);
});

t.test('routes, and what serves all other paths; paths served alike share a mode', async (t) => {
  const route = [
    '/a=echo',
    '/b=tcp:c:1',
    '/d=mode:mute.mjs',
    '/e=tcp:c:1',
    '/f=tcp:c:2',
    '/g=mode:mute.mjs',
  ];
  const modes = modesOf(resourcesOf({ route, tcp: 'c:1' }), new KeptLog());
  t.strictSame(namesOf(modes), [
    ['/a', 'echo'],
    ['/b', 'tcp:c:1'],
    ['/d', 'mute'],
    ['/e', 'tcp:c:1'],
    ['/f', 'tcp:c:2'],
    ['/g', 'mute'],
    [null, 'tcp:c:1'],
  ]);
  const [, b, d, e, f, g, others] = modes.map(({ mode }) => mode);
  t.equal(e, b);
  t.equal(others, b);
  t.not(f, b);
  t.equal(g, d);
  t.strictSame(namesOf(modesOf(resourcesOf({ route: ['/a=echo'] }), new KeptLog())), [
    ['/a', 'echo'],
  ]);
});

interface Seen {
  readonly connectors: TargetConnectorOptions[];
  readonly proxies: TcpModeOptions[];
}

/** modesOf with modes that only tell what they are made of. */
async function watched(t: Test): Promise<Seen & { modesOf: typeof modesOf }> {
  const seen: Seen = { connectors: [], proxies: [] };
  class Connector implements Pick<NetTargetConnector, 'connect'> {
    constructor(options: TargetConnectorOptions) {
      seen.connectors.push(options);
    }
    connect = (): never => {
      throw new Error('nobody connects here');
    };
  }
  class Proxy {
    readonly name: string;
    constructor(options: TcpModeOptions) {
      seen.proxies.push(options);
      this.name = options.name;
    }
  }
  const mocked = await t.mockImport<{ modesOf: typeof modesOf }>('../../src/app/modes-of.js', {
    '../../src/modes/tcp/target-connector.js': { NetTargetConnector: Connector },
    '../../src/modes/tcp/tcp-mode.js': { TcpMode: Proxy },
  });
  return { ...seen, ...mocked };
}

const request = (query: string): UpgradeRequest => ({ query }) as UpgradeRequest;

t.test('the settings of the proxy reach it', async (t) => {
  const { connectors, proxies, modesOf } = await watched(t);
  const flags = {
    tcp: 'tls://a.example:1',
    tcpText: true,
    connectTimeout: '1001ms',
    targetKeepalive: 'off',
    targetAllow: ['10.0.0.0/8', '::1'],
    targetServername: 'b.example',
    targetInsecure: true,
    proxyProtocol: '2',
    sendTimeout: '1002ms',
    closeTimeout: '1003ms',
  };
  modesOf(resourcesOf(flags, { ca: 'CA', cert: 'CERT', key: 'KEY' }), new KeptLog());
  t.strictSame(connectors, [
    {
      connectMs: 1001,
      keepAliveMs: 0,
      allow: ['10.0.0.0/8', '::1/128'],
      proxyProtocol: 2,
      tls: { ca: 'CA', cert: 'CERT', key: 'KEY', isInsecure: true, servername: 'b.example' },
    },
  ]);
  const [proxy] = proxies;
  t.match(proxy, {
    name: 'tcp:tls://a.example:1',
    isText: true,
    sendTimeout: 1002,
    closeTimeout: 1003,
  });
  t.strictSame(await proxy!.findTarget(request('')), {
    kind: 'tls',
    host: 'a.example',
    port: 1,
    text: 'tls://a.example:1',
  });
});

t.test(
  'by default every address may be connected to, and all modes share a connector',
  async (t) => {
    const { connectors, proxies, modesOf } = await watched(t);
    modesOf(resourcesOf({ route: ['/a=tcp:a:1', '/b=tcp:b:1'] }), new KeptLog());
    t.match(connectors, [{ allow: null, proxyProtocol: 0, keepAliveMs: 60_000, connectMs: 5000 }]);
    t.equal(connectors.length, 1);
    t.equal(proxies.length, 2);
    t.equal(proxies[0]?.connector, proxies[1]?.connector);
    t.equal(proxies[0]?.isText, false);
  },
);

t.test('targets by token: for its routes, or for every path', async (t) => {
  const tokenFile = path.join(makeTempDir(t), 'tokens');
  writeFileSync(tokenFile, 'one: localhost:5901\nnonsense\n');
  const target: Target = { kind: 'tcp', host: 'localhost', port: 5901, text: 'localhost:5901' };
  for (const flags of [{ tokenFile }, { tokenFile, route: ['/a=token', '/b=token'] }]) {
    const { proxies, modesOf } = await watched(t);
    const log = new KeptLog();
    modesOf(resourcesOf(flags), log);
    t.equal(proxies.length, 1);
    t.match(proxies, [{ name: 'token' }]);
    await eventually(() => log.find('tokens read').length > 0, 'the file to be read at the start');
    t.match(log.find('fault in the token file'), [{ fields: { line: 2 } }]);
    t.strictSame(await proxies[0]!.findTarget(request('token=one')), target);
    await t.rejects(
      async () => proxies[0]!.findTarget(request('token=two')),
      new HandshakeError('route'),
    );
  }
});

t.test('what the settings say about a replay reaches it', async (t) => {
  const seen: ReplayModeOptions[] = [];
  class Replay {
    readonly name: string;
    constructor(options: ReplayModeOptions) {
      seen.push(options);
      this.name = options.file;
    }
  }
  const { modesOf: mocked } = await t.mockImport<{ modesOf: typeof modesOf }>(
    '../../src/app/modes-of.js',
    { '../../src/modes/replay/replay.js': { ReplayMode: Replay } },
  );
  const log = new KeptLog();
  const route = ['/a=replay:a.ndjson', '/b=replay:a.ndjson'];
  const modes = mocked(resourcesOf({ route, speed: '2.5', strict: true }), log);
  t.equal(modes[0]?.mode, modes[1]?.mode);
  t.equal(seen.length, 1);
  t.match(seen, [
    { file: 'a.ndjson', sessions: [RECORDED], only: RECORDED, speed: 2.5, isStrict: true, log },
  ]);
});

t.test('the proxy is the real one', async (t) => {
  const [first] = modesOf(resourcesOf({ tcp: 'unix:/nowhere/at/all' }), new KeptLog());
  t.ok(first?.mode instanceof TcpMode);
  const session = {} as ModeSession;
  await t.rejects(
    async () => first?.mode.upgrade?.(session, request(''), {} as UpgradeResponse),
    new HandshakeError('target-unreachable'),
  );
});
