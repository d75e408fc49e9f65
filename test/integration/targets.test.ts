/**
 * What the proxy's clients, its targets and its log see of the way to a target: refused before the 101,
 * never opened and then closed.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import path from 'node:path';
import { V1ProxyProtocol, V2ProxyProtocol } from 'proxy-protocol-js';
import t, { type Test } from 'tap';
import { type ListenAddress, parseTarget } from '../../src/net/socket-address.js';
import {
  NetTargetConnector,
  type TargetConnectorOptions,
  type TargetTlsOptions,
} from '../../src/modes/tcp/target-connector.js';
import { TcpMode, type TcpModeOptions } from '../../src/modes/tcp/tcp-mode.js';
import { TokenFile } from '../../src/modes/tcp/tokens/token-file.js';
import type { AccessOptions } from '../../src/server/server-options.js';
import { Server } from '../../src/server/server.js';
import {
  type TestFrame,
  binaryFrame,
  closeFrame,
  encodeFrames,
  readFrames,
} from '../fixtures/frames.js';
import { type Changes, DEFAULT_LIMITS, upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { type KeptLine, KeptLog } from '../fixtures/kept-log.js';
import { ACCEPTED, RawClient, connectRaw } from '../fixtures/raw-client.js';
import { selfSigned } from '../fixtures/self-signed.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startTlsTarget } from '../fixtures/tls-target.js';
import { eventually } from '../fixtures/within.js';

interface Proxy {
  readonly server: Server;
  readonly log: KeptLog;
  readonly port: number;
}

interface ProxyOptions extends Partial<Omit<TargetConnectorOptions, 'tls'>> {
  /** Where all requests go, or who says where. */
  readonly target: string | ((log: KeptLog) => TcpModeOptions['findTarget']);
  readonly tls?: Partial<TargetTlsOptions>;
  readonly access?: Partial<AccessOptions>;
  readonly listen?: ListenAddress;
}

async function startProxy(t: Test, options: ProxyOptions): Promise<Proxy> {
  const { target, tls, access, listen, ...changes } = options;
  const log = new KeptLog();
  const mode = new TcpMode({
    name: 'tcp',
    findTarget: typeof target === 'string' ? () => parseTarget(target)! : target(log),
    connector: new NetTargetConnector({
      connectMs: 10_000,
      keepAliveMs: 0,
      allow: null,
      proxyProtocol: 0,
      tls: { ca: null, cert: null, key: null, isInsecure: false, servername: null, ...tls },
      ...changes,
    }),
    isText: false,
    sendTimeout: 30_000,
    closeTimeout: 5000,
  });
  const server = new Server({
    listen: [listen ?? { kind: 'tcp', host: '127.0.0.1', port: 0 }],
    served: [{ path: null, mode, origin: 'any', extensions: [] }],
    access: {
      allowedHosts: 'any',
      allow: [],
      deny: [],
      trustProxy: [],
      trustProxyHeader: 'x-forwarded-for',
      ...access,
    },
    head: DEFAULT_LIMITS,
    subprotocol: 'first',
    maxFragments: 1000,
    admission: { maxConnections: 100, maxConnectionsPerAddress: 0 },
    limits: {
      outputPause: 100_000,
      outputLimit: 400_000,
      maxMessage: 100_000,
      handshakeTimeout: 10_000,
      messageTimeout: 0,
      sendTimeout: 30_000,
      pingInterval: 0,
      pongTimeout: 0,
      idleTimeout: 0,
      closeTimeout: 5000,
    },
    drainTimeout: 10_000,
    log,
  });
  t.teardown(() => {
    server.stopNow();
  });
  await server.start();
  return { server, log, port: Number(new URL(server.urls[0]!).port) };
}

const fromClient = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, true);
const fromServer = (...frames: readonly TestFrame[]): Buffer =>
  Buffer.from(encodeFrames(frames, false));

const CLOSE = fromClient(closeFrame(1000));

/** The request line of a URL. */
const get = (url: string): string => `GET ${url} HTTP/1.1`;

/** The status line and the text of the one answer to a handshake that is refused. */
async function refusalOf(t: Test, { port }: Proxy, url = '/'): Promise<readonly string[]> {
  const client = await connectRaw(t, port);
  client.send(upgradeText({}, get(url)));
  await client.waitForEnd();
  const [head = '', text] = client.received.toString('latin1').split('\r\n\r\n');
  await client.finish();
  return [head.split('\r\n')[0]!, text!.trim()];
}

const REFUSED = ['HTTP/1.1 502 Bad Gateway', 'the target refused the connection'];
const DISTRUSTED = ['HTTP/1.1 502 Bad Gateway', 'the TLS handshake with the target failed'];
const LATE = ['HTTP/1.1 504 Gateway Timeout', 'the target was not reached in time'];
const FORBIDDEN = ['HTTP/1.1 502 Bad Gateway', 'the target may not be connected to'];
const NOT_FOUND = ['HTTP/1.1 404 Not Found', 'nothing is served on this path'];

/** What the log says of the one handshake that was refused. */
function refusalLine({ log }: Proxy): Partial<KeptLine['fields']> {
  const lines = log.lines.filter(({ message }) => message.startsWith('handshake refused'));
  const { peer, ...fields } = lines.at(-1)!.fields;
  return lines.length === 1 && typeof peer === 'string' ? fields : { lines };
}

async function openRaw(
  t: Test,
  { port }: Proxy,
  changes: Changes = {},
  url = '/',
): Promise<RawClient> {
  const client = await connectRaw(t, port);
  client.send(upgradeText(changes, get(url)));
  await client.waitForBytes(ACCEPTED.length);
  t.equal(client.received.toString('latin1', 0, ACCEPTED.length), ACCEPTED);
  return client;
}

/** Waits until so much has come behind the answer to the handshake. */
async function waitForFrames(client: RawClient, ...frames: readonly TestFrame[]): Promise<void> {
  const wanted = fromServer(...frames);
  await client.waitUntil(
    () => client.received.subarray(ACCEPTED.length).equals(wanted),
    JSON.stringify(frames),
  );
}

/** Answers from the client's view: a greeting, then an echo, then the closing handshake. */
async function assertServed(t: Test, proxy: Proxy): Promise<void> {
  const client = await openRaw(t, proxy);
  await waitForFrames(client, binaryFrame('hello'));
  client.send(fromClient(binaryFrame('ping')));
  await waitForFrames(client, binaryFrame('hello'), binaryFrame('ping'));
  client.send(CLOSE);
  await waitForFrames(client, binaryFrame('hello'), binaryFrame('ping'), closeFrame(1000));
  await client.waitForEnd();
  await client.finish();
}

/** A target that greets, echoes, and ends when its peer does. */
function greet(socket: Socket): void {
  socket.write('hello');
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('end', () => socket.end());
}

async function listenOn(t: Test, file: string): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, greet).listen(file);
  await once(server, 'listening');
  t.teardown(() => server.close());
}

t.test('a target that refuses', async (t) => {
  const { address, server } = await startTarget(t, () => undefined);
  server.close();
  await once(server, 'close');
  const proxy = await startProxy(t, { target: address });
  t.same(await refusalOf(t, proxy), REFUSED);
  t.same(refusalLine(proxy), {
    status: 502,
    rule: 'target-refused',
    target: address,
    reason: `ECONNREFUSED ${address}`,
  });
  await eventually(() => proxy.server.connectionCount === 0, 'nothing to be left');
});

t.test('a target that does not answer', async (t) => {
  const silent = await startTarget(t, (socket) => {
    socket.resume();
    socket.on('end', () => socket.end());
  });
  const target = `tls://${silent.address}`;
  const proxy = await startProxy(t, { target, connectMs: 50 });
  t.same(await refusalOf(t, proxy), LATE);
  t.same(refusalLine(proxy), {
    status: 504,
    rule: 'target-timeout',
    target,
    reason: 'ETIMEDOUT: no TLS handshake within 50 ms',
  });
  await eventually(() => silent.sockets.size === 0, 'nothing to be left');
});

t.test('a target that may not be connected to', async (t) => {
  const { port, sockets } = await startTarget(t, () => undefined);
  const proxy = await startProxy(t, {
    target: `vnc.test:${port}`,
    allow: ['10.0.0.0/8'],
    names: { resolve: () => Promise.resolve(['127.0.0.1']) },
  });
  t.same(await refusalOf(t, proxy), FORBIDDEN);
  t.same(refusalLine(proxy), {
    status: 502,
    rule: 'target-not-allowed',
    target: `vnc.test:${port}`,
    reason: 'not among the allowed addresses: 127.0.0.1',
  });
  t.equal(sockets.size, 0);
});

t.test('a target that is what its client wants', async (t) => {
  const own = selfSigned();
  const file = path.join(makeTempDir(t), 'socket');
  await listenOn(t, file);
  const { address } = await startTarget(t, greet);
  const secured = await startTlsTarget(t, own, greet);
  for (const options of [
    { target: address },
    { target: `unix:${file}` },
    { target: `tls://localhost:${secured.port}`, tls: { ca: own.cert } },
  ]) {
    const proxy = await startProxy(t, options);
    await assertServed(t, proxy);
    await eventually(() => proxy.log.find('session ended').length === 1, 'the line of the log');
    const [line] = proxy.log.find('session ended');
    t.match(line!.fields, { target: options.target, code: 1000, closedBy: 'client' });
  }
  await eventually(() => secured.sockets.size === 0, 'nothing to be left');
});

t.test('a target that hangs up at once', async (t) => {
  const hangUp = (socket: Socket): void => {
    socket.end();
  };
  const { address } = await startTarget(t, hangUp);
  const own = selfSigned();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const secured = await startTlsTarget(t, { ...own, maxVersion }, hangUp);
    for (const target of [address, `tls://127.0.0.1:${secured.port}`]) {
      const proxy = await startProxy(t, { target, tls: { isInsecure: true } });
      const client = await openRaw(t, proxy);
      await waitForFrames(client, closeFrame(1000, 'the target closed the connection'));
      client.send(CLOSE);
      await client.waitForEnd();
      await client.finish();
    }
  }
});

t.test('a client that does not wait for its target', async (t) => {
  const silent = await startTarget(t, (socket) => {
    socket.resume();
    socket.on('end', () => socket.end());
  });
  const proxy = await startProxy(t, { target: `tls://${silent.address}` });
  const client = await connectRaw(t, proxy.port);
  client.send(upgradeText());
  await eventually(() => silent.sockets.size === 1, 'the connection');
  await client.finish();
  t.equal(client.receivedBytes, 0);
  const isOver = (): boolean => silent.sockets.size === 0 && proxy.server.connectionCount === 0;
  await eventually(isOver, 'nothing to be left');
});

t.test('TLS: who is let in', async (t) => {
  const own = selfSigned();
  const client = selfSigned('client.test');
  const target = await startTlsTarget(
    t,
    { ...own, requestCert: true, ca: client.cert, maxVersion: 'TLSv1.2' },
    greet,
  );
  const localhost = `tls://localhost:${target.port}`;
  const address = `tls://127.0.0.1:${target.port}`;
  for (const [text, tls, reason] of [
    [localhost, { ca: own.cert, ...client, cert: client.cert }, null],
    [localhost, { isInsecure: true, ...client }, null],
    [address, { isInsecure: true, ...client }, null],
    [address, { ca: own.cert, ...client, servername: 'localhost' }, null],
    [localhost, client, /^DEPTH_ZERO_SELF_SIGNED_CERT/],
    [address, { ca: own.cert, ...client }, /^ERR_TLS_CERT_ALTNAME_INVALID/],
    [localhost, { ca: own.cert, ...client, servername: 'b.test' }, /^ERR_TLS_CERT_ALTNAME_INVALID/],
    [localhost, { ca: own.cert }, /./],
    [localhost, { ca: own.cert, ...selfSigned('client.test') }, /./],
  ] as const) {
    const proxy = await startProxy(t, { target: text, tls });
    if (reason === null) {
      await assertServed(t, proxy);
      t.equal(target.clients.at(-1)!.isAuthorized, true);
    } else {
      t.same(await refusalOf(t, proxy), DISTRUSTED);
      t.match(refusalLine(proxy), { rule: 'target-tls', target: text, reason });
    }
  }
});

t.test('TLS 1.3: a certificate that is missed is missed behind the 101', async (t) => {
  // A client is through before its certificate is looked at (RFC 8446 §4.4.2.4). Some targets then send
  // an alert, others just hang up.
  const target = await startTlsTarget(t, { ...selfSigned(), requestCert: true, ca: [] });
  const proxy = await startProxy(t, {
    target: `tls://127.0.0.1:${target.port}`,
    tls: { isInsecure: true },
  });
  const client = await openRaw(t, proxy);
  await client.waitForBytes(ACCEPTED.length + 4);
  const [close] = readFrames(client.received.subarray(ACCEPTED.length));
  t.equal(close!.opcode, 8);
  t.match(hexOf(close!.payload.subarray(0, 2)), /^03(e8|f3)$/, '1000 or 1011');
  client.send(CLOSE);
  await client.waitForEnd();
  await client.finish();
});

/** A target that keeps what it gets. */
async function startKeeper(t: Test): Promise<{ readonly address: string; received(): Buffer }> {
  const chunks: Buffer[] = [];
  const { address } = await startTarget(t, (socket) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => socket.end());
  });
  return { address, received: () => Buffer.concat(chunks.splice(0)) };
}

t.test('PROXY: the target is told who the client is', async (t) => {
  const target = await startKeeper(t);
  const access = { trustProxy: ['127.0.0.1/32'] };
  for (const [version, forwarded] of [
    [1, null],
    [2, null],
    [1, '203.0.113.7'],
    [2, '203.0.113.7'],
  ] as const) {
    const proxy = await startProxy(t, { target: target.address, proxyProtocol: version, access });
    const client = await openRaw(t, proxy, { 'X-Forwarded-For': forwarded });
    client.send(fromClient(binaryFrame('first'), closeFrame(1000)));
    await client.waitForEnd();
    await client.finish();
    const address = forwarded ?? '127.0.0.1';
    const port = forwarded === null ? client.port : 0;
    const bytes = target.received();
    if (version === 1) {
      const text = bytes.toString('latin1');
      t.match(V1ProxyProtocol.parse(text), {
        inetProtocol: 'TCP4',
        source: { ipAddress: address, port },
        destination: { ipAddress: '127.0.0.1', port: proxy.port },
        data: 'first',
      });
    } else {
      const read = V2ProxyProtocol.parse(bytes);
      t.match(read.proxyAddress, {
        sourceAddress: { address: address.split('.').map(Number) },
        sourcePort: port,
        destinationAddress: { address: [127, 0, 0, 1] },
        destinationPort: proxy.port,
      });
      t.equal(Buffer.from(read.data!).toString(), 'first');
    }
  }
});

t.test('PROXY: a client on a Unix socket has no address, unless it is named', async (t) => {
  const target = await startKeeper(t);
  const file = path.join(makeTempDir(t), 'twist');
  await startProxy(t, {
    target: target.address,
    proxyProtocol: 1,
    listen: { kind: 'unix', path: file },
  });
  const socket = connect({ path: file, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  const client = new RawClient(socket);
  client.send(upgradeText());
  await client.waitForBytes(ACCEPTED.length);
  client.send(fromClient(binaryFrame('first'), closeFrame(1000)));
  await client.waitForEnd();
  await client.finish();
  t.equal(target.received().toString('latin1'), 'PROXY UNKNOWN\r\nfirst');
});

/** A JSON Web Token. */
const JWT = `s3cretJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJhZGEifQ'.repeat(40)}.${'c2lnbmF0dXJl'.repeat(40)}`;

t.test('tokens lead to targets, and follow their file', async (t) => {
  const file = path.join(makeTempDir(t), 'tokens');
  const socket = path.join(makeTempDir(t), 'socket');
  await listenOn(t, socket);
  const { address } = await startTarget(t, greet);
  writeFileSync(
    file,
    `# ours\ns3cret-a: ${address}\ns3cret-b: unix_socket:${socket}\ns3cret-c\ns3cret \u673a: ${address}\n${JWT}: ${address}\n`,
  );
  const proxy = await startProxy(t, {
    target: (log) => {
      const tokens = new TokenFile(file, parseTarget, log);
      return (request) => tokens.findTarget(request);
    },
  });
  const assertOpens = async (token: string, target: string): Promise<void> => {
    const client = await openRaw(t, proxy, {}, `/websockify?token=${token}`);
    await waitForFrames(client, binaryFrame('hello'));
    client.send(CLOSE);
    await client.waitForEnd();
    await client.finish();
    const isEnded = ({ fields }: KeptLine): boolean => fields['target'] === target;
    await eventually(() => proxy.log.find('session ended').some(isEnded), 'its line');
  };
  await assertOpens('s3cret-a', address);
  await assertOpens('s3cret%2Db', `unix:${socket}`);
  await assertOpens('s3cret-a&token=s3cret-a', address);
  await assertOpens('s3cret-a%0A', address);
  await assertOpens('s3cret+%E6%9C%BA', address);
  await assertOpens(JWT, address);
  for (const url of [
    '/',
    '/?token=',
    '/?token=s3cret-c',
    '/?token=s3cret-A',
    '/?token=../s3cret-a',
    '/?token=s3cret-x&token=s3cret-a',
    `/?token=${address}`,
    '/s3cret-a',
  ]) {
    t.same(await refusalOf(t, proxy, url), NOT_FOUND, url);
  }
  writeFileSync(file, `s3cret-c: ${address}\n`);
  await assertOpens('s3cret-c', address);
  t.same(await refusalOf(t, proxy, '/?token=s3cret-a'), NOT_FOUND, 'it is there no more');
  t.notMatch(JSON.stringify(proxy.log.lines), /s3cret/i, 'no token is in the log');
});
