/** Connections on a TLS port, with real sockets. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { Connection } from '../../src/connection/connection.js';
import {
  hasKernelTaken,
  probeSharedReads,
  unsentBytes,
  verifyErrorOf,
} from '../../src/connection/node-internals.js';
import { HandshakeError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import type { Mode } from '../../src/session/mode.js';
import type { Session } from '../../src/session/session.js';
import type { TlsContext } from '../../src/server/tls/tls-context.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import { closeFrame, encodeFrames, pingFrame, pongFrame, textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { ACCEPTED, type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type HostOptions, NO_KEEPALIVE, TestHost, arrivalOf } from '../fixtures/test-host.js';
import { type Certificates, beginTls, connectTls, lasting, tlsContext } from '../fixtures/tls.js';
import { eventually, within } from '../fixtures/within.js';

interface Fixture {
  readonly host: TestHost;
  readonly tls: TlsContext;
  readonly port: number;
  readonly log: KeptLog;
  readonly connections: Connection[];
}

interface Options extends HostOptions {
  readonly mode?: Mode;
  readonly certificates?: Certificates;
  readonly refusal?: HandshakeError;
}

async function serve(
  t: Test,
  { mode, certificates, refusal, ...options }: Options = {},
): Promise<Fixture> {
  const log = new KeptLog();
  const tls = tlsContext(certificates, log);
  const host = new TestHost(mode ?? echoMode, {
    limits: NO_KEEPALIVE,
    sharedReads: await probeSharedReads(),
    tls,
    ...options,
  });
  const connections: Connection[] = [];
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, highWaterMark: 1 },
    (socket: Socket) => {
      const arrival = { ...arrivalOf(socket), isTls: true, refusal: refusal ?? null };
      const connection = new Connection(socket, arrival, host);
      connections.push(connection);
      connection.start();
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const { socket } of connections) socket.destroy();
    server.close();
  });
  return { host, tls, port: (server.address() as AddressInfo).port, log, connections };
}

const fromClient = (...frames: Parameters<typeof encodeFrames>[0]): Uint8Array =>
  encodeFrames(frames, true);
const fromServer = (...frames: Parameters<typeof encodeFrames>[0]): Uint8Array =>
  encodeFrames(frames, false);

/** The first bytes that a TLS client of Node sends. */
async function clientHello(t: Test): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  beginTls(t, (server.address() as AddressInfo).port);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  return bytes;
}

/** Whether its first byte has come. */
function isTls(connection: Connection | undefined): boolean {
  return connection !== undefined && 'encrypted' in connection.socket;
}

async function gone({ host, connections }: Fixture, count = 1): Promise<void> {
  await eventually(
    () => host.closed.length === count,
    'the end',
    () => connections.length,
  );
}

/** Both ways of reading. */
for (const isShared of [true, false]) {
  t.test(
    `a session from its first byte to its last, ${isShared ? 'shared reads' : 'data events'}`,
    async (t) => {
      const options = isShared ? {} : { sharedReads: null };
      const fixture = await serve(t, options);
      const { host, port, log } = fixture;
      const client = await connectTls(t, port);
      await client.open();
      const text = 'x'.repeat(100_000);
      client.send(fromClient(textFrame(text)));
      const answer = fromServer(textFrame(text));
      await client.waitForBytes(answer.length);
      t.ok(client.received.equals(answer));
      client.forget();
      client.send(fromClient(closeFrame(1000)));
      await client.waitForEnd();
      t.ok(client.received.equals(fromServer(closeFrame(1000))), 'the FIN follows the Close');
      client.socket.end();
      await gone(fixture);
      t.match(host.ended, [{ closeCode: 1000, closedBy: 'client', messagesIn: 1, error: null }]);
      t.strictSame(log.lines, []);
    },
  );
}

t.test('the request may come with the last message of the handshake', async (t) => {
  const { port } = await serve(t);
  const socket = beginTls(t, port);
  socket.write(upgradeText());
  socket.write(fromClient(textFrame('early')));
  const all = ACCEPTED + Buffer.from(fromServer(textFrame('early'))).toString('latin1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  await eventually(
    () => received === all,
    'the answers',
    () => received,
  );
});

t.test('a ClientHello may come byte by byte', async (t) => {
  const fixture = await serve(t);
  const client = await connectRaw(t, fixture.port);
  await client.sendByteByByte(await clientHello(t));
  await client.waitForBytes(100);
  t.equal(client.received[0], 0x16, 'a ServerHello');
  client.socket.destroy();
  await gone(fixture);
  t.match(fixture.log.lines, [{ message: 'TLS handshake failed: the client left' }]);
});

t.test('plain HTTP is told that this is TLS', async (t) => {
  const { host, port, log } = await serve(t);
  for (const text of [upgradeText(), 'g', 'Zzz', 'POST / HTTP/1.0\r\n\r\n']) {
    const client = await connectRaw(t, port);
    client.send(text);
    await client.waitForEnd();
    t.match(
      client.received.toString(),
      /^HTTP\/1\.1 400 [^]*\r\n\r\nthis port speaks TLS: use wss:\/\//,
    );
  }
  t.equal(host.refusals.length, 4);
  t.match(host.refusals, [{ error: { rule: 'not-tls' } }]);
  t.strictSame(log.lines, []);
});

t.test('what is neither', async (t) => {
  const fixture = await serve(t);
  for (const [text, clause] of [
    ['\x16\x03\x01\xff\xff', 'what the client has sent is not TLS'],
    ['\x80\x2e\x01\x00\x02', /^/],
    ['@[`{', /^/],
    ['\0\0\0\0\0', /^/],
  ] as const) {
    fixture.log.lines.length = 0;
    const client = await connectRaw(t, fixture.port);
    client.send(`${text}${'\0'.repeat(64)}`);
    await client.waitForEnd();
    client.socket.destroy();
    await eventually(() => fixture.log.lines.length === 1, 'the line');
    t.match(fixture.log.lines[0]!.message, clause);
    t.match(fixture.log.lines[0]!.message, /^TLS handshake failed: /);
  }
});

t.test('a client that leaves, at every phase', async (t) => {
  const hello = await clientHello(t);
  const leave: Readonly<Record<string, (client: RawClient) => void>> = {
    fin: ({ socket }) => socket.end(),
    reset: ({ socket }) => socket.resetAndDestroy(),
  };
  for (const [how, act] of Object.entries(leave)) {
    const silent = await serve(t);
    act(await connectRaw(t, silent.port));
    await gone(silent);
    t.strictSame(silent.log.lines, [], `${how}: it has said nothing`);

    for (const count of [1, 5, hello.length - 1, hello.length]) {
      const fixture = await serve(t);
      const client = await connectRaw(t, fixture.port);
      client.send(hello.subarray(0, count));
      if (count === hello.length) await client.waitForBytes(100);
      else await eventually(() => isTls(fixture.connections[0]), 'TLS');
      act(client);
      await gone(fixture);
      t.match(fixture.log.lines, [{ message: 'TLS handshake failed: the client left' }]);
      t.equal(fixture.log.lines.length, 1, `${how} after ${count}`);
    }

    const secured = await serve(t);
    const plain = await connectRaw(t, secured.port);
    plain.socket.removeAllListeners('data');
    await connectTls(t, secured.port, { socket: plain.socket });
    // The client is through before the server is.
    await eventually(() => secured.tls.counters.handshakes === 1, 'the handshake');
    act(plain);
    await gone(secured);
    t.strictSame(secured.log.lines, [], `${how}: it wants nothing more`);
  }
});

t.test('the deadline of the handshake, the end of the server, and who makes room', async (t) => {
  const hello = await clientHello(t);
  const acts: Readonly<Record<string, (connection: Connection) => void>> = {
    check: (connection) => {
      connection.check(connection.nextCheckMs);
    },
    shutDown: (connection) => {
      connection.shutDown();
    },
    giveUp: (connection) => {
      connection.giveUp();
    },
    drop: (connection) => {
      connection.drop('shutdown');
    },
  };
  for (const [what, act] of Object.entries(acts)) {
    for (const bytes of [Buffer.alloc(0), hello.subarray(0, 20), hello]) {
      const fixture = await serve(t);
      const client = await connectRaw(t, fixture.port);
      client.send(bytes);
      await eventually(() => fixture.connections.length === 1, 'the connection');
      if (bytes === hello) await client.waitForBytes(100);
      else if (bytes.length > 0) await eventually(() => isTls(fixture.connections[0]), 'TLS');
      act(fixture.connections[0]!);
      await client.waitForEnd();
      await gone(fixture);
      const messages =
        what === 'check' && bytes.length > 0 ? ['TLS handshake failed: it took too long'] : [];
      t.strictSame(
        fixture.log.lines.map(({ message }) => message),
        messages,
        `${what} ${bytes.length}`,
      );
    }
  }
});

t.test('a refusal is told over TLS', async (t) => {
  const { port, host } = await serve(t, { refusal: new HandshakeError('full') });
  const client = await connectTls(t, port);
  client.send(upgradeText());
  await client.waitForEnd();
  t.match(client.received.toString(), /^HTTP\/1\.1 503 /);
  const plain = await connectRaw(t, port);
  plain.send(upgradeText());
  await plain.waitForEnd();
  t.match(
    plain.received.toString(),
    /^HTTP\/1\.1 503 /,
    'it is no port for this client, whatever it speaks',
  );
  t.match(host.refusals, [{ error: { rule: 'full' } }, { error: { rule: 'full' } }]);
});

t.test('a PROXY header comes before TLS', async (t) => {
  const requests: string[] = [];
  const mode: Mode = {
    name: 'test',
    delivery: 'messages',
    open: (session: Session) => void requests.push(session.remoteAddress),
  };
  const fixture = await serve(t, { mode, opening: { expectsProxyHeader: () => true } });
  const { port, host } = fixture;
  const header = 'PROXY TCP4 192.0.2.7 192.0.2.8 4000 443\r\n';
  for (const pieces of [[header], [header.slice(0, 9), header.slice(9)]]) {
    const plain = await connectRaw(t, port);
    plain.socket.removeAllListeners('data');
    let sent = 0;
    for (const piece of pieces) {
      plain.send(piece);
      sent += piece.length;
      // Each is a read of its own.
      await eventually(() => fixture.connections.at(-1)?.socket.bytesRead === sent, 'the read');
    }
    const client = await connectTls(t, port, { socket: plain.socket });
    await client.open();
  }
  t.strictSame(requests, ['192.0.2.7', '192.0.2.7']);
  const unknown = await connectRaw(t, port);
  unknown.socket.removeAllListeners('data');
  unknown.send('PROXY UNKNOWN\r\n');
  await (await connectTls(t, port, { socket: unknown.socket })).open();
  t.equal(requests[2], '127.0.0.1');
  const wrong = await connectRaw(t, port);
  wrong.send(await clientHello(t));
  await wrong.waitForEnd();
  t.match(host.refusals, [{ error: { rule: 'proxy-header' } }]);
});

t.test('a client must have a certificate that we trust', async (t) => {
  const alice = lasting('alice');
  const seen: UpgradeRequest[] = [];
  const mode: Mode = {
    ...echoMode,
    upgrade: (_session, request) => void seen.push(request),
  };
  const fixture = await serve(t, { mode, certificates: { ca: alice.cert } });
  const { port, log } = fixture;
  const good = await connectTls(t, port, alice);
  await good.open();
  t.match(seen, [{ tls: { version: 'TLSv1.3', certificate: { subject: 'CN=alice' } } }]);
  const wrong = await connectTls(t, port, lasting('mallory'));
  wrong.send(upgradeText());
  await wrong.waitForEnd();
  t.equal(wrong.receivedBytes, 0, 'not a byte of HTTP');
  const none = await connectTls(t, port);
  none.send(upgradeText());
  await none.waitUntil(() => none.errorCode !== null, 'the alert');
  t.equal(none.receivedBytes, 0);
  t.equal(none.errorCode, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
  t.strictSame(log.lines.map(({ message }) => message).sort(), [
    'TLS handshake failed: the client has sent no certificate, and one is required',
    "TLS handshake failed: the client's certificate is signed by no CA of ours, but by itself",
  ]);
  good.send(fromClient(textFrame('still there')));
  await good.waitForBytes(13);
});

/** A socket whose writes are held back, and leave together. */
class Held extends Duplex {
  isHeld = false;
  readonly #socket: Socket;
  #waiting: Buffer[] = [];

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.push(bytes));
  }

  override _read(): void {
    // What comes is passed on at once.
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#waiting.push(bytes);
    this.release();
    done();
  }

  release(): void {
    if (this.isHeld || this.#waiting.length === 0) return;
    this.#socket.write(Buffer.concat(this.#waiting));
    this.#waiting = [];
  }
}

t.test('each Ping has its Pong, though TLS says late what the kernel has taken', async (t) => {
  const fixture = await serve(t);
  const plain = await connectRaw(t, fixture.port);
  plain.socket.removeAllListeners('data');
  const held = new Held(plain.socket);
  const client = await connectTls(t, fixture.port, { socket: held });
  await client.open();
  held.isHeld = true;
  const names = Array.from({ length: 10 }, (_, index) => `ping ${index}`);
  // Each is a record of its own.
  for (const name of names)
    await new Promise((resolve) => client.socket.write(fromClient(pingFrame(name)), resolve));
  held.isHeld = false;
  held.release();
  const pongs = fromServer(...names.map((name) => pongFrame(name)));
  await client.waitForBytes(pongs.length);
  t.strictSame(client.received, Buffer.from(pongs));
  t.equal(fixture.host.traffic.blocked.size, 0, 'nobody has to wait for the client');
  t.equal(
    hasKernelTaken({ _handle: null } as unknown as Socket),
    false,
    'where Node does not tell',
  );
});

t.test('a broken record ends the session', async (t) => {
  const fixture = await serve(t);
  const plain = await connectRaw(t, fixture.port);
  plain.socket.removeAllListeners('data');
  const client = await connectTls(t, fixture.port, { socket: plain.socket });
  await client.open();
  // What the socket itself writes is not enciphered.
  plain.socket.write(Buffer.from(`\x17\x03\x03\x00\x20${'x'.repeat(32)}`, 'latin1'));
  await gone(fixture);
  t.match(fixture.host.ended, [
    { closeCode: 1006, closedBy: 'lost', error: /^ERR_SSL_DECRYPTION_FAILED/ },
  ]);
});

t.test('origins of the same scheme', async (t) => {
  const { port, host } = await serve(t, { route: { origin: 'same' } });
  const good = await connectTls(t, port);
  await good.open({ Host: 'localhost:1', Origin: 'https://localhost:1' });
  const other = await connectTls(t, port);
  other.send(upgradeText({ Host: 'localhost:1', Origin: 'http://localhost:1' }));
  await other.waitForEnd();
  t.match(host.refusals, [{ error: { rule: 'origin', notes: { scheme: 'https' } } }]);
});

t.test('how much of what was written the client has not read', async (t) => {
  const fixture = await serve(t, {
    limits: { outputPause: 2 ** 24, outputLimit: 2 ** 26, maxMessage: 2 ** 24 },
  });
  const client = await connectTls(t, fixture.port);
  await client.open();
  client.socket.pause();
  const [connection] = fixture.connections;
  const session = fixture.host.opened[0]!;
  session.send(new Uint8Array(8 * 1024 * 1024));
  await eventually(() => unsentBytes(connection!.socket) > 0, 'what waits');
  const { nowMs } = fixture.host.clock;
  connection!.outbox.stalledMs(nowMs);
  t.equal(connection!.outbox.stalledMs(nowMs + 1000), 1000, 'nothing moves');
  const before = unsentBytes(connection!.socket);
  client.socket.resume();
  await within(client.waitForBytes(1024 * 1024), 'a part');
  await eventually(() => unsentBytes(connection!.socket) < before, 'progress');
  await client.waitForBytes(8 * 1024 * 1024);
  await eventually(() => unsentBytes(connection!.socket) === 0, 'the rest');
});

t.test('without what Node has of it no certificate is a good one', async (t) => {
  const none = { _handle: null } as unknown as Parameters<typeof verifyErrorOf>[0];
  t.equal(verifyErrorOf(none), 'UNKNOWN');
  const handle = (error: unknown): Parameters<typeof verifyErrorOf>[0] =>
    ({ _handle: { verifyError: () => error } }) as unknown as Parameters<typeof verifyErrorOf>[0];
  t.equal(verifyErrorOf(handle(undefined)), null);
  t.equal(verifyErrorOf(handle(new Error('odd'))), 'odd');
});

t.test('what comes to sockets and phases for which it is nothing', async (t) => {
  const fixture = await serve(t);
  const { host, tls, port, connections } = fixture;
  let plain: Socket | undefined;
  const wrap = tls.wrap.bind(tls);
  t.intercept(tls, 'wrap', { value: (socket: Socket) => wrap((plain = socket)) });
  const client = await connectTls(t, port);
  await client.open();
  connections[0]!.secured();
  plain!.emit('error', new Error('of the plain socket'));
  await gone(fixture);
  t.match(host.ended, [{ closedBy: 'lost', error: 'of the plain socket' }]);
});
