import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { load } from '../../../src/config/load.js';
import type { Environment, Flags } from '../../../src/config/text-sources.js';
import { type RouteMode, parseRouteMode } from '../../../src/config/values/route-text.js';
import { ConfigError, HandshakeError } from '../../../src/errors.js';
import type { UpgradeRequest } from '../../../src/handshake/request.js';
import type { UpgradeResponse } from '../../../src/handshake/upgrade-response.js';
import type { Log } from '../../../src/log.js';
import type { Files, MakeMode } from '../../../src/modes/built-in.js';
import type { Mode } from '../../../src/session/mode.js';
import { proxy } from '../../../src/modes/tcp/proxy.js';
import type {
  NetTargetConnector,
  TargetConnectorOptions,
} from '../../../src/modes/tcp/target-connector.js';
import { TcpMode, type TcpModeOptions } from '../../../src/modes/tcp/tcp-mode.js';
import type { Target } from '../../../src/net/socket-address.js';
import type { ModeSession } from '../../../src/session/session.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

type Make = MakeMode<'tcp' | 'token'>;

const NO_FILES: Files = {
  readFile: () => '',
  importFile: () => Promise.reject(new Error('nothing is imported')),
};

interface Given {
  readonly flags?: Flags;
  readonly environment?: Environment;
  readonly files?: Partial<Files>;
  readonly log?: Log;
  readonly memory?: MemoryAccount;
}

async function prepare(
  { flags = {}, environment = {}, files = {}, log = new KeptLog(), memory }: Given,
  definition = proxy,
): Promise<Make> {
  const { settings, values } = load({ flags, environment, readFile: () => '' });
  return await definition.prepare({
    settings,
    values,
    files: { ...NO_FILES, ...files },
    log,
    clientLog: new KeptLog(),
    reloadables: [],
    ...(memory === undefined ? {} : { memory }),
  });
}

const PEER = { remoteAddress: '192.0.2.1', remotePort: 1 };

/** What a route asks for. */
const asked = (text: string): Extract<RouteMode, { kind: 'tcp' | 'token' }> =>
  parseRouteMode(text) as Extract<RouteMode, { kind: 'tcp' | 'token' }>;

interface Seen {
  readonly connectors: TargetConnectorOptions[];
  readonly proxies: TcpModeOptions[];
}

/** The proxy with modes that only tell what they are made of. */
async function watched(t: Test): Promise<Seen & { proxy: typeof proxy }> {
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
  const mocked = await t.mockImport<{ proxy: typeof proxy }>('../../../src/modes/tcp/proxy.js', {
    '../../../src/modes/tcp/target-connector.js': { NetTargetConnector: Connector },
    '../../../src/modes/tcp/tcp-mode.js': { TcpMode: Proxy },
    '../../../src/modes/tcp/target-certificates.js': {
      readTargetCertificates: () => ({ ca: 'CA', cert: 'CERT', key: 'KEY' }),
    },
  });
  return { ...seen, ...mocked };
}

const request = (query: string): UpgradeRequest => ({ query }) as UpgradeRequest;

t.test('the settings of the proxy reach it', async (t) => {
  const { connectors, proxies, proxy: watchedProxy } = await watched(t);
  const flags = {
    tcp: 'tls://a.example:1',
    tcpText: true,
    targetConnectTimeout: '1001ms',
    targetKeepalive: 'off',
    targetAllow: ['10.0.0.0/8', '::1'],
    targetServername: 'b.example',
    targetInsecure: true,
    proxyProtocol: '2',
    sendTimeout: '1002ms',
    closeTimeout: '1003ms',
  };
  const make = await prepare({ flags }, watchedProxy);
  make(asked('tcp:tls://a.example:1'));
  t.strictSame(connectors, [
    {
      connectMs: 1001,
      keepAliveMs: 0,
      allow: ['10.0.0.0/8', '::1/128'],
      proxyProtocol: 2,
      counters: undefined,
      tls: { ca: 'CA', cert: 'CERT', key: 'KEY', isInsecure: true, servername: 'b.example' },
    },
  ]);
  const [made] = proxies;
  t.match(made, {
    name: 'tcp:tls://a.example:1',
    isText: true,
    sendTimeout: 1002,
    closeTimeout: 1003,
  });
  t.strictSame(await made!.findTarget(request(''), PEER, new AbortController().signal), {
    kind: 'tls',
    host: 'a.example',
    port: 1,
    text: 'tls://a.example:1',
  });
});

t.test(
  'by default every address may be connected to, and all modes share a connector',
  async (t) => {
    const { connectors, proxies, proxy: watchedProxy } = await watched(t);
    const make = await prepare({ flags: { tokenFile: 'tokens' } }, watchedProxy);
    for (const text of ['tcp:a:1', 'tcp:b:1', 'token']) make(asked(text));
    t.match(connectors, [{ allow: null, proxyProtocol: 0, keepAliveMs: 60_000, connectMs: 5000 }]);
    t.equal(connectors.length, 1);
    t.equal(proxies.length, 3);
    t.equal(new Set(proxies.map(({ connector }) => connector)).size, 1);
    t.equal(proxies[0]?.isText, false);
  },
);

t.test('targets by token', async (t) => {
  const tokenFile = path.join(makeTempDir(t), 'tokens');
  writeFileSync(tokenFile, 'one: localhost:5901\nnonsense\n');
  const target: Target = { kind: 'tcp', host: 'localhost', port: 5901, text: 'localhost:5901' };
  const { proxies, proxy: watchedProxy } = await watched(t);
  const log = new KeptLog();
  const make = await prepare({ flags: { tokenFile }, log }, watchedProxy);
  make(asked('token'));
  t.match(proxies, [{ name: 'token' }]);
  await eventually(() => log.find('tokens read').length > 0, 'the file to be read at the start');
  t.match(log.find('fault in the token file'), [{ fields: { line: 2 } }]);
  t.strictSame(
    await proxies[0]!.findTarget(request('token=one'), PEER, new AbortController().signal),
    target,
  );
  t.strictSame(proxies[0]!.lookUp!(request('token=one')), target);
  await t.rejects(
    async () => proxies[0]!.findTarget(request('token=two'), PEER, new AbortController().signal),
    new HandshakeError('route'),
  );
});

t.test('targets by code, and tokens in the path', async (t) => {
  const { proxies, proxy: watchedProxy } = await watched(t);
  const files: Partial<Files> = {
    importFile: (file) =>
      Promise.resolve({
        findTarget: ({ token }: { token: string | null }) =>
          token === null ? null : `${file === 'tokens.mjs' ? token : 'x'}.example:5900`,
      }),
  };
  const flags = { tokenFile: 'tokens.mjs', tokenFrom: 'path', route: ['/vnc=token'] };
  const make = await prepare({ flags, files }, watchedProxy);
  make(asked('token'));
  const find = async (path: string): Promise<Target> =>
    await proxies[0]!.findTarget(
      { ...request(''), path, headers: [] },
      PEER,
      new AbortController().signal,
    );
  t.match(await find('/vnc/desk-7'), { host: 'desk-7.example', port: 5900 });
  await t.rejects(find('/vnc'), new HandshakeError('route'), 'the path of the route is no token');
  await t.rejects(
    prepare({ flags: { tokenFile: 'tokens.cjs' }, files: { importFile: async () => ({}) } }),
    { message: /^--token-file cannot be "tokens.cjs": it does not export findTarget; write / },
  );
  const directory = Object.assign(new Error('x'), { code: 'EISDIR' });
  const readFile = (): never => {
    throw directory;
  };
  await t.resolves(prepare({ flags: { tokenFile: 'tokens' }, files: { readFile } }));
  await t.rejects(prepare({ flags: { tokenFile: 'tokens.mjs' }, files: { readFile } }), {
    message: '--token-file cannot be "tokens.mjs": it is a directory',
  });
});

t.test('files are looked at, whether or not a route asks for the proxy', async (t) => {
  const failing = (code: string): Partial<Files> => ({
    readFile: () => {
      throw Object.assign(new Error(code), { code });
    },
  });
  await t.rejects(
    prepare({ environment: { TWIST_TARGET_CA: 'no.pem' }, files: failing('ENOENT') }),
    { name: 'ConfigError', message: 'TWIST_TARGET_CA cannot be "no.pem": there is no such file' },
  );
  await t.rejects(
    prepare({ flags: { tokenFile: 'no' }, files: failing('ENOENT') }),
    new ConfigError('--token-file cannot be "no": there is no such file', { source: 'flag' }),
  );
  await t.resolves(
    prepare({ flags: { tokenFile: 'tokens' }, files: failing('EISDIR') }),
    'tokens may be in a directory of files',
  );
});

t.test('the proxy is the real one', async (t) => {
  const make = await prepare({ flags: { tcp: 'unix:/nowhere/at/all' } });
  const mode: Mode = make(asked('tcp:unix:/nowhere/at/all'));
  t.ok(mode instanceof TcpMode);
  t.equal(proxy.filesEach, 2);
  const session = {} as ModeSession;
  await t.rejects(
    async () => mode.upgrade?.(session, request(''), {} as UpgradeResponse),
    new HandshakeError('target-unreachable'),
  );
});

t.test('what waits is counted in the memory that it is given', async (t) => {
  const { proxies, proxy: watchedProxy } = await watched(t);
  const flags = { tcp: 'a.example:1' };
  const memory = new MemoryAccount();
  (await prepare({ flags, memory }, watchedProxy))(asked('tcp:a.example:1'));
  (await prepare({ flags }, watchedProxy))(asked('tcp:a.example:1'));
  t.equal(proxies[0]!.memory, memory);
  t.notOk('memory' in proxies[1]!);
});
