import { Buffer } from 'node:buffer';
import dns from 'node:dns';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Server as NetServer, connect } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { MemoryAccount } from '../../src/budget/memory-account.js';
import { Connection } from '../../src/connection/connection.js';
import { ConfigError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import { loadKernel } from '../../src/protocol/kernel/kernel.js';
import type { Mode } from '../../src/session/mode.js';
import { LoginCounters } from '../../src/server/auth/authenticator.js';
import { onePassword } from '../fixtures/logins.js';
import type { ListenAddress } from '../../src/net/socket-address.js';
import { type PageRules, type PageSource, textAnswer } from '../../src/http/page-source.js';
import type { ServedMode } from '../../src/server/router.js';
import type { AccessOptions, ServerOptions } from '../../src/server/server-options.js';
import { Server } from '../../src/server/server.js';
import type { PlaceRule, ServerGroup } from '../../src/server/server-group.js';
import { onceAccepted } from '../fixtures/accepted-socket.js';
import { sessionOf } from '../fixtures/extensions.js';
import { askHttp } from '../fixtures/ask-http.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import {
  MORE,
  type TestFrame,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  textFrame,
} from '../fixtures/frames.js';
import { DEFAULT_LIMITS, upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { RawClient, connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { connectTls, tlsContext } from '../fixtures/tls.js';
import { CertificateWatch } from '../../src/server/tls/certificate-watch.js';
import { ServerTls } from '../../src/server/tls/server-tls.js';
import { eventually } from '../fixtures/within.js';

const fromClient = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, true);
const fromServer = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, false);

const SHUTTING_DOWN = fromServer(closeFrame(1001, 'the server is shutting down'));

const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

const LOCAL_ONLY: AccessOptions = {
  allowedHosts: 'auto',
  allow: [],
  deny: [],
  trustProxy: [],
  trustProxyHeader: 'x-forwarded-for',
};

type Changes = Partial<Omit<ServerOptions, 'log' | 'limits' | 'served'>> & {
  readonly served?: Partial<ServedMode>;
  readonly limits?: Partial<ServerOptions['limits']>;
};

interface Fixture {
  readonly server: Server;
  readonly log: KeptLog;
}

function make(changes: Changes = {}): Fixture {
  const log = new KeptLog();
  return { server: new Server(optionsOf(changes, log)), log };
}

function optionsOf(changes: Changes, log: KeptLog): ServerOptions {
  return {
    listen: [LOOPBACK],
    head: DEFAULT_LIMITS,
    subprotocol: 'first',
    maxFragments: 1000,
    admission: { maxConnections: 100, maxConnectionsPerAddress: 0 },
    drainTimeout: 10_000,
    ...changes,
    served: [{ path: null, mode: echoMode, origin: 'any', extensions: [], ...changes.served }],
    limits: {
      outputPause: 100_000,
      outputLimit: 400_000,
      maxMessage: 1000,
      handshakeTimeout: 10_000,
      messageTimeout: 0,
      sendTimeout: 30_000,
      pingInterval: 0,
      pongTimeout: 0,
      idleTimeout: 0,
      closeTimeout: 5000,
      ...changes.limits,
    },
    log,
  };
}

async function start(t: Test, changes: Changes = {}): Promise<Fixture> {
  const fixture = make(changes);
  t.teardown(() => {
    fixture.server.stopNow();
  });
  await fixture.server.start();
  return fixture;
}

const portOf = ({ urls }: Server, index = 0): number => Number(new URL(urls[index]!).port);

async function openOne(t: Test, server: Server): Promise<RawClient> {
  const client = await connectRaw(t, portOf(server));
  await client.open();
  return client;
}

/** Clients that connect one after the other, so that their order is known. */
async function connectMany(t: Test, server: Server, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let index = 0; index < count; index++) {
    const client = await connectRaw(t, portOf(server));
    client.send(upgradeText());
    clients.push(client);
  }
  for (const client of clients) {
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    client.forget();
  }
  return clients;
}

/** Answers the server's Close, and goes. */
async function answerClose(client: RawClient): Promise<void> {
  await client.waitForBytes(SHUTTING_DOWN.length);
  client.send(fromClient(closeFrame(1001)));
  await client.waitForEnd();
  await client.finish();
}

/** The listening sockets of this process, from now on. */
function captureListening(t: Test): readonly NetServer[] {
  const listening: NetServer[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own this
  const { listen } = NetServer.prototype;
  t.intercept(NetServer.prototype, 'listen', {
    value: function (this: NetServer, ...args: Parameters<typeof listen>) {
      listening.push(this);
      return listen.apply(this, args);
    },
  });
  return listening;
}

/** Timers that keep the process up. */
function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

t.test('the open sessions', async (t) => {
  const { server } = await start(t);
  t.equal(server.sessions.size, 0);
  await openOne(t, server);
  await openOne(t, server);
  t.equal(server.sessions.size, 2);
  t.equal(new Set(server.sessions).size, 2);
});

t.test('it says where it listens', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.sock');
  const { server, log } = await start(t, {
    listen: [LOOPBACK, LOOPBACK, { kind: 'unix', path: file }],
  });
  const [one, other, unix] = server.urls;
  t.match(one, /^ws:\/\/127\.0\.0\.1:[1-9]\d*$/);
  t.match(other, /^ws:\/\/127\.0\.0\.1:[1-9]\d*$/);
  t.not(one, other);
  t.equal(unix, `unix:${file}`);
  t.strictSame(
    log.find('listening'),
    server.urls.map((address) => ({
      level: 'info',
      message: 'listening',
      fields: { address, mode: 'echo' },
    })),
  );
});

t.test('before it starts it listens nowhere', async (t) => {
  const { server, log } = make();
  t.strictSame(server.urls, []);
  t.equal(server.connectionCount, 0);
  t.strictSame(log.lines, []);
});

t.test('every address is served', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.sock');
  const { server, log } = await start(t, { listen: [LOOPBACK, { kind: 'unix', path: file }] });
  const tcp = await openOne(t, server);
  const socket = connect({ path: file, allowHalfOpen: true });
  await once(socket, 'connect');
  const unix = new RawClient(socket);
  t.teardown(() => socket.destroy());
  await unix.open();
  t.equal(server.connectionCount, 2);

  for (const [client, peer] of [
    [tcp, `127.0.0.1:${tcp.port}`],
    [unix, 'unix'],
  ] as const) {
    client.send(fromClient(textFrame('hello'), closeFrame(1000)));
    await client.waitForEnd();
    t.equal(hexOf(client.received), hexOf(fromServer(textFrame('hello'), closeFrame(1000))));
    await client.finish();
    const isOurs = ({ fields }: { fields: object }): boolean =>
      (fields as { peer?: string }).peer === peer;
    await eventually(() => log.find('session ended').some(isOurs), 'the line in the log');
    const [line] = log.find('session ended').filter(isOurs);
    t.match(line, {
      level: 'info',
      fields: { mode: 'echo', path: '/chat', code: 1000, in: { messages: 1, bytes: 5 } },
    });
    t.match(log.find('session opened').at(0), { level: 'debug', fields: { path: '/chat' } });
  }
  t.equal(server.connectionCount, 0);
});

t.test('an extension that is not used is logged', async (t) => {
  const picky = { name: 'x-picky', create: () => sessionOf({ enabled: false }) };
  const { server, log } = await start(t, { served: { extensions: [picky] } });
  const client = await connectRaw(t, portOf(server));
  client.send(upgradeText({ 'Sec-WebSocket-Extensions': 'x-picky' }));
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  t.notMatch(client.received.toString('latin1'), /sec-websocket-extensions/i);
  t.match(log.find('extension declined'), [
    { level: 'debug', fields: { extension: 'x-picky', why: 'offer' } },
  ]);
});

t.test('the options reach the connections', async (t) => {
  const { server, log } = await start(t, {
    served: { origin: 'same' },
    subprotocol: ['b', 'a'],
    head: { ...DEFAULT_LIMITS, maxHeaders: 8 },
    limits: { maxMessage: 3 },
    maxFragments: 2,
  });
  const answerTo = async (text: string): Promise<string> => {
    const client = await connectRaw(t, portOf(server));
    client.send(text);
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    return client.received.toString('latin1');
  };
  t.match(await answerTo(upgradeText({ Origin: 'http://elsewhere.example' })), /^HTTP\/1\.1 403 /);
  t.match(await answerTo(upgradeText({ A: '1', B: '2', C: '3', D: '4' })), /^HTTP\/1\.1 431 /);
  const protocols = { 'Sec-WebSocket-Protocol': 'a, b' };
  t.match(await answerTo(upgradeText(protocols)), /\r\nSec-WebSocket-Protocol: b\r\n/);
  await eventually(() => log.find('handshake refused: origin not allowed').length === 1, 'the log');

  const cases: readonly [TestFrame[], number][] = [
    [[textFrame('abcd')], 1009],
    [[textFrame('', MORE), continuationFrame('', MORE), continuationFrame('')], 1008],
  ];
  for (const [frames, code] of cases) {
    const client = await openOne(t, server);
    client.send(fromClient(...frames));
    await client.waitForEnd();
    t.equal(client.received.readUInt16BE(2), code);
  }
});

t.test('a mode that takes pieces gets pieces, of messages of any size', async (t) => {
  const sizes: number[] = [];
  const mode: Mode = {
    name: 'counting',
    delivery: 'chunks',
    chunk: (session, _opcode, _bytes, begin, end, _isFirst, isLast) => {
      sizes.push(end - begin);
      if (isLast) session.sendRange(1, Buffer.from('done'));
    },
  };
  const { server, log } = await start(t, { served: { path: '/chat', mode } });
  t.match(log.find('listening'), [{ fields: { mode: '/chat=counting' } }]);
  const client = await openOne(t, server);
  client.send(fromClient(binaryFrame(new Uint8Array(5000))));
  await client.waitForBytes(6);
  t.equal(hexOf(client.received), hexOf(fromServer(textFrame('done'))));
  t.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    5000,
  );
});

t.test('it works without shared reads', async (t) => {
  onceAccepted(t, (socket) => {
    // The first socket is the probe's.
    socket.destroy(new Error('reset'));
  });
  const { server, log } = await start(t);
  t.match(log.find('shared reads do not work on this version of Node'), [{ level: 'debug' }]);
  const client = await openOne(t, server);
  client.send(fromClient(textFrame('a')));
  await client.waitForBytes(3);
  t.equal(hexOf(client.received), hexOf(fromServer(textFrame('a'))));
});

t.test('503: no room for one more, until one goes', async (t) => {
  const { server, log } = await start(t, {
    admission: { maxConnections: 1, maxConnectionsPerAddress: 0 },
  });
  const first = await openOne(t, server);
  const second = await connectRaw(t, portOf(server));
  second.send(upgradeText());
  await second.waitForEnd();
  t.match(second.received.toString(), /^HTTP\/1\.1 503 Service Unavailable\r\nRetry-After: 5\r\n/);
  t.match(log.find('handshake refused: no more connections are taken now'), [
    { level: 'info', fields: { status: 503, rule: 'full', peer: `127.0.0.1:${second.port}` } },
  ]);
  await second.finish();
  await first.finish();
  await eventually(() => server.connectionCount === 0, 'the ends of both');
  await openOne(t, server);
  t.equal(server.connectionCount, 1);
});

t.test('429: too many of one address', async (t) => {
  const { server, log } = await start(t, {
    admission: { maxConnections: 100, maxConnectionsPerAddress: 1 },
  });
  await openOne(t, server);
  const second = await connectRaw(t, portOf(server));
  second.send(upgradeText());
  await second.waitForEnd();
  t.match(second.received.toString(), /^HTTP\/1\.1 429 /);
  t.match(log.find('handshake refused: too many connections from this address'), [
    { fields: { rule: 'too-many-connections-from-address' } },
  ]);
});

t.test('far above the limit a connection is dropped, which the log tells', async (t) => {
  const time = { nowMs: 1000 };
  t.intercept(performance, 'now', { value: () => time.nowMs });
  const { server, log } = await start(t, {
    admission: { maxConnections: 0, maxConnectionsPerAddress: 0 },
  });
  const clients: RawClient[] = [];
  for (let index = 0; index < 64; index++) clients.push(await connectRaw(t, portOf(server)));
  await eventually(() => server.connectionCount === 64, 'the connections');
  const last = await connectRaw(t, portOf(server));
  await clients[0]!.waitForEnd();
  t.equal(clients[0]!.receivedBytes, 0, 'the oldest');
  last.send(upgradeText());
  await last.waitForEnd();
  t.match(last.received.toString(), /^HTTP\/1\.1 503 /);
  t.match(log.find('connections dropped: too many are open'), [
    { level: 'warn', fields: { connections: 65, dropped: 1 } },
  ]);
  for (const client of clients.slice(1, 3)) {
    await connectRaw(t, portOf(server));
    await client.waitForEnd();
  }
  t.equal(log.find('connections dropped: too many are open').length, 1, 'no flood of lines');
});

t.test(
  'a TCP socket whose peer has reset it already is nobody: dropped before a byte is read',
  async (t) => {
    const listening = captureListening(t);
    const { server, log } = await start(t);
    const socket = new FakeSocket();
    socket.remoteAddress = socket.remotePort = undefined;
    listening.at(-1)!.emit('connection', socket.asSocket);
    t.strictSame(socket.calls, ['destroy']);
    t.strictSame(socket.eventNames(), []);
    t.equal(server.connectionCount, 0);
    t.match(log.find('connection was reset before it was accepted'), [{ level: 'debug' }]);
  },
);

t.test('who may not connect takes no place, and gets its 403 when it asks', async (t) => {
  const { server } = await start(t, {
    admission: { maxConnections: 1, maxConnectionsPerAddress: 0 },
    access: {
      allowedHosts: 'any',
      allow: [],
      deny: ['127.0.0.2/32'],
      trustProxy: [],
      trustProxyHeader: 'x-forwarded-for',
    },
  });
  const connectDenied = async (): Promise<RawClient> => {
    const socket = connect({
      port: portOf(server),
      localAddress: '127.0.0.2',
      allowHalfOpen: true,
    });
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return new RawClient(socket);
  };
  const first = await connectDenied();
  for (let index = 0; index < 80; index++) await connectDenied();
  await first.waitForEnd();
  t.equal(first.receivedBytes, 0, 'the oldest of too many');
  const denied = await connectDenied();
  await openOne(t, server);
  denied.send(upgradeText());
  await denied.waitForEnd();
  t.match(denied.received.toString(), /^HTTP\/1\.1 403 [^]*\naddress not allowed\n$/);
});

t.test('when all places are taken, who has said nothing yet makes room', async (t) => {
  const { server } = await start(t, {
    admission: { maxConnections: 3, maxConnectionsPerAddress: 0 },
  });
  const open = await openOne(t, server);
  const silent = await connectRaw(t, portOf(server));
  const slow = await connectRaw(t, portOf(server));
  slow.send('GET / HTTP/1.1\r\n');
  await eventually(() => server.connectionCount === 3, 'the connections');
  await openOne(t, server);
  await silent.waitForEnd();
  await openOne(t, server);
  await slow.waitForEnd();
  t.equal(silent.receivedBytes + slow.receivedBytes, 0);
  const late = await connectRaw(t, portOf(server));
  late.send(upgradeText());
  await late.waitForEnd();
  t.match(late.received.toString(), /^HTTP\/1\.1 503 /, 'nobody is left who could be spared');
  t.notOk(open.hasEnded);
});

t.test('unfinished handshakes have limits of their own, in all and per address', async (t) => {
  const { server } = await start(t, {
    handshakes: { maxHandshakes: 3, maxHandshakesPerAddress: 2 },
  });
  const open = await openOne(t, server);
  const clients: RawClient[] = [];
  for (let index = 0; index < 4; index++) clients.push(await connectRaw(t, portOf(server)));
  const [first, second, third] = clients;
  await first!.waitForEnd();
  await second!.waitForEnd();
  third!.send(upgradeText());
  await third!.waitUntil(() => third!.received.includes('\r\n\r\n'), 'the answer');
  t.match(third!.received.toString(), /^HTTP\/1\.1 101 /);
  t.notOk(open.hasEnded);
});

t.test('deadlines are looked at, of those connections whose time has come', async (t) => {
  const time = { nowMs: 1000, tick: (): void => undefined };
  const { clearInterval: realClearInterval } = globalThis;
  t.intercept(performance, 'now', { value: () => time.nowMs });
  t.intercept(globalThis, 'setInterval', {
    value: (callback: () => void) => {
      time.tick = callback;
      return 1;
    },
  });
  t.intercept(globalThis, 'clearInterval', {
    value: (timer: NodeJS.Timeout | 1) => {
      // The server of a test before this one may still be stopping.
      if (timer !== 1) realClearInterval(timer);
    },
  });
  const { server } = await start(t, { limits: { handshakeTimeout: 5000 } });
  const open = await openOne(t, server);
  const slow = await connectRaw(t, portOf(server));
  slow.send('GET / HT');
  const silent = await connectRaw(t, portOf(server));
  const echo = async (): Promise<void> => {
    open.send(fromClient(textFrame('still here')));
    await open.waitForBytes(12);
    open.forget();
  };
  await eventually(() => server.connectionCount === 3, 'the connections');
  // By then the other's bytes have been read too.
  await echo();
  time.nowMs = 5999;
  time.tick();
  await echo();
  t.equal(slow.receivedBytes, 0);
  t.equal(server.connectionCount, 3);
  time.nowMs = 6000;
  time.tick();
  await slow.waitForEnd();
  t.match(slow.received.toString(), /^HTTP\/1\.1 408 Request Timeout\r\n/);
  await silent.waitForEnd();
  t.equal(silent.receivedBytes, 0);
  await echo();
  t.notOk(open.hasEnded);
});

t.test('without connections there is no timer', async (t) => {
  const { server } = await start(t);
  const before = countTimers();
  const client = await openOne(t, server);
  t.equal(countTimers(), before + 1, 'one for all');
  const other = await openOne(t, server);
  t.equal(countTimers(), before + 1);
  await client.finish();
  await other.finish();
  let after = NaN;
  await eventually(() => {
    after = countTimers();
    return server.connectionCount === 0;
  }, 'the ends of both');
  t.equal(after, before);
});

t.test('an error of a listening socket is logged', async (t) => {
  const listening = captureListening(t);
  const { log } = await start(t);
  const error = new Error('EMFILE');
  listening.at(-1)!.emit('error', error);
  t.match(log.find('listener failed'), [{ level: 'error', fields: { err: error } }]);
});

// ---- When it cannot start

t.test('all addresses or none', async (t) => {
  const listening = captureListening(t);
  const file = path.join(makeTempDir(t), 'a-name-that-is-too-long'.repeat(5));
  const { server, log } = make({ listen: [LOOPBACK, { kind: 'unix', path: file }] });
  await t.rejects(server.start(), ConfigError);
  t.strictSame(server.urls, []);
  t.strictSame(log.find('listening'), []);
  // The first one was the probe's.
  t.equal(listening.length, 2);
  t.notOk(listening[1]!.listening);
});

t.test('a port that is taken', async (t) => {
  const { server } = await start(t);
  const second = make({ listen: [{ ...LOOPBACK, port: portOf(server) }] });
  await t.rejects(second.server.start(), { code: 'EADDRINUSE' });
});

t.test(
  'what is to be done once the addresses are taken: before the log says so, or never',
  async (t) => {
    const fixture = make();
    t.teardown(() => {
      fixture.server.stopNow();
    });
    await fixture.server.start(() => {
      t.equal(fixture.server.urls.length, 1, 'clients may come already');
      fixture.log.info({}, 'begun');
      return Promise.resolve();
    });
    const messages = fixture.log.lines.map(({ message }) => message);
    t.same(messages.slice(-2), ['begun', 'listening']);
    const failing = make();
    await t.rejects(
      failing.server.start(() => Promise.reject(new Error('not today'))),
      { message: 'not today' },
    );
    t.same(failing.server.urls, []);
  },
);

t.test('who connected before a later address failed is let go', async (t) => {
  const { server } = make({ listen: [LOOPBACK, { ...LOOPBACK, host: 'nowhere.invalid' }] });
  let client: RawClient | null = null;
  const { lookup } = dns;
  // The name is looked up while the first address is served already.
  t.intercept(dns, 'lookup', {
    value: (...args: Parameters<typeof lookup>) => {
      if (args[0] !== 'nowhere.invalid') {
        lookup(...args);
        return;
      }
      const answer = args.at(-1) as (error: Error) => void;
      void connectRaw(t, portOf(server)).then(async (connected) => {
        client = connected;
        await eventually(() => server.connectionCount === 1, 'the connection');
        answer(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }));
      });
    },
  });
  await t.rejects(server.start(), { code: 'ENOTFOUND' });
  await client!.waitForEnd();
  await eventually(() => server.connectionCount === 0, 'the end of the connection');
  t.strictSame(server.urls, []);
});

t.test('told to stop before it has begun, it does not begin', async (t) => {
  const listening = captureListening(t);
  const { server, log } = make({ listen: [LOOPBACK, LOOPBACK] });
  const started = server.start();
  await server.stop();
  await started;
  t.ok(listening.every((one) => !one.listening));
  t.strictSame(
    log.lines.map(({ message }) => message),
    ['stopping', 'stopped'],
  );
});

// ---- Other options while it runs

/** The first line of what a handshake is answered with. */
async function answerTo(t: Test, server: Server, target: string): Promise<string> {
  const client = await connectRaw(t, portOf(server));
  client.send(upgradeText({}, `GET ${target} HTTP/1.1`));
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  await client.finish();
  return client.received.toString().split('\r\n', 1)[0]!;
}

t.test('other options hold for handshakes from then on, and sessions go on', async (t) => {
  const changes = { served: { path: '/a' } };
  const access = { ...LOCAL_ONLY, allowedHosts: 'any' } as const;
  const { server } = await start(t, changes);
  const client = await connectRaw(t, portOf(server));
  client.send(upgradeText({}, 'GET /a HTTP/1.1'));
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  client.forget();
  server.reconfigure(optionsOf({ ...changes, served: { path: '/b' } }, new KeptLog()));
  t.match(await answerTo(t, server, '/a'), / 404 /);
  t.match(await answerTo(t, server, '/b'), / 101 /);
  server.reconfigure(optionsOf({ access: { ...access, deny: ['127.0.0.1/32'] } }, new KeptLog()));
  t.match(await answerTo(t, server, '/b'), / 403 /);
  server.reconfigure(optionsOf({ access: { ...access, allowedHosts: ['a'] } }, new KeptLog()));
  t.match(await answerTo(t, server, '/b'), / 421 /);
  client.send(fromClient(textFrame('a')));
  await client.waitForBytes(3);
  t.ok(client.received.equals(fromServer(textFrame('a'))), 'it has a session still');
  server.reconfigure(optionsOf({ drainDelay: 1, drainTimeout: 1 }, new KeptLog()));
  await server.stop();
});

t.test('other options before the start', async (t) => {
  const { server } = make({ served: { path: '/a' } });
  t.teardown(() => {
    server.stopNow();
  });
  server.reconfigure(optionsOf({ served: { path: '/b' } }, new KeptLog()));
  await server.start();
  t.match(await answerTo(t, server, '/b'), / 101 /);
});

const reasonOf = (client: RawClient): string => client.received.subarray(4).toString();

t.test('a reload keeps sessions that would not open again, or ends them', async (t) => {
  const access = { ...LOCAL_ONLY, allowedHosts: 'any' } as const;
  const nobody = { ...access, deny: ['127.0.0.0/8'] };
  for (const what of ['keep', 'end'] as const) {
    const { server, log } = await start(t, { recheck: what, access });
    const client = await openOne(t, server);
    await server.recheck();
    server.reconfigure(optionsOf({ recheck: what, access: nobody }, new KeptLog()));
    await server.recheck();
    if (what === 'end') {
      await client.waitForBytes(4);
      t.equal(client.received.readUInt16BE(2), 1008);
      t.equal(reasonOf(client), 'this address is not allowed any more');
      t.match(log.find('sessions closed that are not allowed any more'), [
        { fields: { sessions: 1 } },
      ]);
    } else {
      client.send(fromClient(textFrame('a')));
      await client.waitForBytes(3);
      t.ok(client.received.equals(fromServer(textFrame('a'))));
    }
    server.stopNow();
  }
});

t.test('a handshake that is decided on during a reload', async (t) => {
  const access = { ...LOCAL_ONLY, allowedHosts: 'any' } as const;
  for (const [what, changes, answer] of [
    ['keep', { served: { path: '/b' } }, / 101 /],
    ['end', { served: { path: '/b' } }, / 404 /],
    ['keep', { access: { ...access, deny: ['127.0.0.0/8'] } }, / 403 /],
  ] as const) {
    let agree: () => void = () => undefined;
    let isAsked = false;
    const slow: Mode = {
      ...echoMode,
      upgrade: async () => {
        isAsked = true;
        await new Promise<void>((resolve) => {
          agree = resolve;
        });
      },
    };
    const served = { path: '/a', mode: slow };
    const { server } = await start(t, { recheck: what, access, served });
    const client = await connectRaw(t, portOf(server));
    client.send(upgradeText({}, 'GET /a HTTP/1.1'));
    await eventually(() => isAsked, 'the question');
    server.reconfigure(
      optionsOf(
        {
          recheck: what,
          access,
          ...changes,
          served: { mode: slow, path: '/a', ...('served' in changes ? changes.served : {}) },
        },
        new KeptLog(),
      ),
    );
    agree();
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    t.match(client.received.toString(), answer);
    server.stopNow();
  }
});

t.test('once: one session and no other', async (t) => {
  const { server } = await start(t);
  const counts: number[] = [];
  server.sessionsChanged = (open) => counts.push(open);
  server.serveOnce();
  t.match(await answerTo(t, server, 'nonsense'), / 400 /, 'that is no session');
  const client = await openOne(t, server);
  t.match(await answerTo(t, server, '/'), / 503 /);
  client.send(fromClient(closeFrame(1000)));
  await client.waitForEnd();
  await client.finish();
  await eventually(() => counts.length === 2, 'its end');
  t.strictSame(counts, [1, 0]);
  t.match(await answerTo(t, server, '/'), / 503 /);
});

t.test(
  'a client that leaves during its handshake is in the log of a search for faults',
  async (t) => {
    const { server, log } = await start(t);
    const client = await connectRaw(t, portOf(server));
    client.send('GET / HTTP/1.1\r\n');
    await eventually(() => server.connectionCount === 1, 'the connection');
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.socket.resetAndDestroy();
    const find = (): unknown[] => log.find('client left during the handshake');
    await eventually(() => find().length === 1, 'the line');
    t.match(find(), [{ level: 'debug', fields: { how: /ECONNRESET|end/ } }]);
  },
);

t.test('once: of two that are decided on the first one wins', async (t) => {
  const agree: (() => void)[] = [];
  const slow: Mode = {
    ...echoMode,
    upgrade: () =>
      new Promise<void>((resolve) => {
        agree.push(resolve);
      }),
  };
  const { server } = await start(t, { served: { mode: slow } });
  server.serveOnce();
  const clients = [await connectRaw(t, portOf(server)), await connectRaw(t, portOf(server))];
  for (const client of clients) client.send(upgradeText());
  await eventually(() => agree.length === 2, 'both questions');
  for (const one of agree) one();
  const answers: string[] = [];
  for (const client of clients) {
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    answers.push(client.received.toString().slice(9, 12));
  }
  t.strictSame(answers.sort(), ['101', '503']);
});

// ---- The stop

t.test('a stop without connections', async (t) => {
  const { server, log } = await start(t);
  const port = portOf(server);
  const before = countTimers();
  await server.stop();
  t.equal(countTimers(), before, 'no timer keeps the process up');
  t.match(log.find('stopping'), [{ level: 'info', fields: { connections: 0, drainMs: 10_000 } }]);
  t.match(log.find('stopped'), [{ level: 'info' }]);
  const socket = connect(port, '127.0.0.1');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ECONNREFUSED');
});

t.test('a stop: 1001 to all, and it is over when all are gone', async (t) => {
  const { server, log } = await start(t);
  const clients = await connectMany(t, server, 3);
  const stopped = server.stop();
  await Promise.all(clients.map(answerClose));
  await stopped;
  t.equal(server.connectionCount, 0);
  t.ok(clients.every(({ received }) => received.equals(SHUTTING_DOWN)));
  t.match(log.find('session ended').length, 3);
  for (const { fields } of log.find('session ended')) {
    t.match(fields, { closedBy: 'server', code: 1001, reason: 'the server is shutting down' });
  }
  t.equal(log.lines.at(-1)!.message, 'stopped');
});

t.test('a second stop is the same stop', async (t) => {
  const { server, log } = await start(t);
  const [client] = await connectMany(t, server, 1);
  const first = server.stop();
  const second = server.stop();
  await answerClose(client!);
  await Promise.all([first, second]);
  await server.stop();
  t.equal(log.find('stopping').length, 1);
  t.equal(log.find('stopped').length, 1);
});

t.test('a stop is spread', async (t) => {
  const { server } = await start(t);
  const clients = await connectMany(t, server, 60);
  const stopped = server.stop();
  await clients[0]!.waitForBytes(SHUTTING_DOWN.length);
  t.equal(clients.at(-1)!.receivedBytes, 0, 'not yet');
  await Promise.all(clients.map(answerClose));
  await stopped;
});

t.test('503: while it stops nobody is let in', async (t) => {
  const { server } = await start(t);
  const [client] = await connectMany(t, server, 1);
  const late = await connectRaw(t, portOf(server));
  const silent = await connectRaw(t, portOf(server));
  await eventually(() => server.connectionCount === 3, 'the connections');
  const stopped = server.stop();
  for (const one of [late, silent]) {
    await one.waitForEnd();
    const answer = one.received.toString();
    t.match(answer, /^HTTP\/1\.1 503 [^]*the server is shutting down\n$/);
    t.match(answer, /\r\nRetry-After: 5\r\n/);
  }
  await answerClose(client!);
  await stopped;
});

t.test('told to stop, it is not ready at once, and serves on for the delay', async (t) => {
  const { server } = await start(t, { drainDelay: 60_000 });
  t.notOk(server.isDraining);
  const stopped = server.stop();
  t.ok(server.isDraining);
  const client = await openOne(t, server);
  client.send(fromClient(textFrame('a')));
  await client.waitForBytes(3);
  t.ok(client.received.equals(fromServer(textFrame('a'))));
  client.forget();
  server.endDelay();
  await answerClose(client);
  await stopped;
});

t.test('stopNow ends the delay too', async (t) => {
  const { server } = await start(t, { drainDelay: 60_000 });
  const stopped = server.stop();
  const client = await openOne(t, server);
  server.stopNow();
  await stopped;
  await client.waitForEnd();
});

t.test(
  'who waits in the queue of the system when it stops gets an answer, and no reset',
  async (t) => {
    const { server } = await start(t);
    const port = portOf(server);
    const early = await openOne(t, server);
    const late: Promise<RawClient>[] = [];
    for (let count = 0; count < 90; count++) late.push(connectRaw(t, port));
    // All of them are connected, as far as the system is concerned.
    const stopped = server.stop();
    for (const client of await Promise.all(late)) {
      client.send(upgradeText());
      await client.waitForEnd();
      t.match(client.received.toString(), /^HTTP\/1\.1 503 /);
    }
    await answerClose(early);
    await stopped;
  },
);

t.test('a stop waits for what a mode still does for a session that has ended', async (t) => {
  let finish: () => void = () => undefined;
  let isAsked = false;
  const slow: Mode = {
    name: 'slow',
    delivery: 'messages',
    close: async () => {
      isAsked = true;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      throw new Error('too late');
    },
  };
  const { server, log } = await start(t, { served: { mode: slow } });
  const client = await openOne(t, server);
  let isStopped = false;
  const stopped = server.stop().then(() => {
    isStopped = true;
  });
  await answerClose(client);
  await eventually(() => isAsked && server.connectionCount === 0, 'the end of the session');
  await new Promise(setImmediate);
  t.notOk(isStopped);
  finish();
  await stopped;
  t.match(log.find('failed after the end of a session'), [{ level: 'error' }]);
});

t.test('whoever is left when the time is over is dropped', async (t) => {
  const { server, log } = await start(t, { drainTimeout: 30 });
  const client = await openOne(t, server);
  await server.stop();
  await client.waitForEnd();
  t.ok(client.received.equals(SHUTTING_DOWN));
  t.match(log.find('session ended'), [
    { fields: { closedBy: 'server', code: 1001, rule: 'shutdown' } },
  ]);
});

t.test('stopNow drops everyone at once, and ends a stop that is under way', async (t) => {
  const { server, log } = await start(t);
  const clients = await connectMany(t, server, 60);
  const stopped = server.stop();
  server.stopNow();
  await Promise.all(clients.map((client) => client.waitForEnd()));
  await stopped;
  t.equal(server.connectionCount, 0);
  t.ok(log.find('session ended').every(({ fields }) => fields['rule'] === 'shutdown'));
});

t.test('stopNow without a stop', async (t) => {
  const { server } = await start(t);
  const client = await openOne(t, server);
  server.stopNow();
  await client.waitForEnd();
  const word = encodeFrames([closeFrame(1001, 'the server is shutting down')], false);
  t.equal(hexOf(client.received), hexOf(word));
  await client.finish();
  await eventually(() => server.connectionCount === 0, 'the end');
});

t.test('pages are served beside, where the directory has nothing', async (t) => {
  const directory = makeTempDir(t);
  writeFileSync(path.join(directory, 'hello.txt'), 'hello');
  const page = { showsAll: true, hasControls: false };
  const served = { path: '/echo', page };
  const pages = (rules: PageRules): PageSource => ({
    takes: ({ target }) => rules.findPage(target) !== null,
    answer: ({ path: asked, head }) => {
      const terms = rules.findPage(asked);
      if (head.headers.some(({ name }) => name === 'x-fail')) throw new Error('no page today');
      return textAnswer(200, terms === page ? 'a page' : 'none');
    },
  });
  const get = (name: string, header = ''): string =>
    `GET /${name} HTTP/1.1\r\nHost: h\r\n${header}\r\n`;
  for (const staticDir of [null, directory]) {
    const { server, log } = await start(t, { served, pages, staticDir });
    const client = await connectRaw(t, portOf(server));
    client.send(get('echo') + get('echo').replace('GET', 'HEAD') + get('echo', 'X-Fail: 1\r\n'));
    await client.waitUntil(() => client.received.includes('internal error'), 'the answers');
    const answers = client.received.toString('latin1');
    t.match(
      answers,
      /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\na page\nHTTP\/1\.1 200 OK\r\n.*\r\n\r\nHTTP\/1\.1 500 /s,
    );
    t.equal(
      answers.match(/Content-Security-Policy: default-src 'none'/g)?.length,
      staticDir === null ? 3 : 2,
    );
    t.match(log.find(staticDir === null ? 'page request' : 'file request'), [
      { level: 'debug', fields: { path: '/echo', status: 200 } },
    ]);
    const none = await connectRaw(t, portOf(server));
    none.send(get('other', 'Connection: close\r\n'));
    await none.waitForEnd();
    t.match(
      none.received.toString('latin1'),
      staticDir === null ? /^HTTP\/1\.1 426 / : /^HTTP\/1\.1 404 /,
    );
    if (staticDir === null) continue;
    client.send(get('hello.txt'));
    await client.waitUntil(() => client.received.toString('latin1').endsWith('hello'), 'the file');
  }
});

t.test('--static: files are served beside, and a wrong directory is refused at once', async (t) => {
  const directory = makeTempDir(t);
  writeFileSync(path.join(directory, 'hello.txt'), 'hello');
  const { server, log } = await start(t, { staticDir: directory });
  const client = await connectRaw(t, portOf(server));
  const get = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: h\r\n\r\n`;
  client.send(get('hello.txt') + get('nothing') + upgradeText());
  await client.waitUntil(() => client.received.includes('Sec-WebSocket-Accept'), 'the upgrade');
  const answer = client.received.toString('latin1');
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n.*\r\nKeep-Alive: timeout=10\r\n\r\nhello/s);
  t.match(answer, /helloHTTP\/1\.1 404 .*HTTP\/1\.1 101 /s);
  t.match(log.find('file request'), [
    { level: 'debug', fields: { path: '/hello.txt', status: 200 } },
    { level: 'debug', fields: { path: '/nothing', status: 404 } },
  ]);

  t.throws(() => make({ staticDir: path.join(directory, 'hello.txt') }), ConfigError);
  const { server: plain } = await start(t, { staticDir: null });
  const refused = await connectRaw(t, portOf(plain));
  refused.send(get('hello.txt'));
  await refused.waitForEnd();
  t.match(refused.received.toString('latin1'), /^HTTP\/1\.1 426 /);
});

t.test(
  'hosts: of a listener that only this machine reaches, of a proxy, of a Unix socket',
  async (t) => {
    const file = path.join(makeTempDir(t), 'twist.sock');
    const unix = { kind: 'unix', path: file } as const;
    const EVERYWHERE = { ...LOOPBACK, host: '0.0.0.0' };
    const statusOf = async (
      access: Partial<AccessOptions>,
      listen: ListenAddress = LOOPBACK,
    ): Promise<string> => {
      const { server } = await start(t, {
        listen: [listen],
        access: { ...LOCAL_ONLY, ...access },
      });
      const socket = listen === unix ? connect(file) : connect(portOf(server), '127.0.0.1');
      await once(socket, 'connect');
      t.teardown(() => socket.destroy());
      const client = new RawClient(socket);
      client.send(upgradeText({ Host: 'evil.example' }));
      await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
      server.stopNow();
      return client.received.toString('latin1').slice(9, 12);
    };
    t.equal(await statusOf({}), '421');
    t.equal(await statusOf({}, EVERYWHERE), '101');
    t.equal(await statusOf({ allowedHosts: ['local'] }, EVERYWHERE), '421');
    t.equal(await statusOf({ allowedHosts: 'any' }), '101');
    t.equal(await statusOf({ allowedHosts: ['evil.example'] }), '101');
    t.equal(await statusOf({ trustProxy: ['127.0.0.1/32'] }), '101');
    t.equal(await statusOf({}, unix), '101');
  },
);

t.test('who connects through a trusted proxy counts by his own address', async (t) => {
  const { server, log } = await start(t, {
    admission: { maxConnections: 100, maxConnectionsPerAddress: 1 },
    access: {
      allowedHosts: 'any',
      allow: [],
      deny: ['198.51.100.0/24'],
      trustProxy: ['127.0.0.1/32'],
      trustProxyHeader: 'x-forwarded-for',
    },
  });
  const answerTo = async (address: string): Promise<string> => {
    const client = await connectRaw(t, portOf(server));
    client.send(upgradeText({ 'X-Forwarded-For': address }));
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    return client.received.toString('latin1').slice(9, 12);
  };
  t.equal(await answerTo('192.0.2.1'), '101');
  t.equal(await answerTo('192.0.2.2'), '101');
  t.equal(await answerTo('192.0.2.1'), '429');
  t.equal(await answerTo('198.51.100.7'), '403');
  const refusals = log.lines.filter(({ message }) => message.startsWith('handshake refused'));
  t.strictSame(
    refusals.map(({ fields }) => [fields['peer'], fields['rule']]),
    [
      ['192.0.2.1', 'too-many-connections-from-address'],
      ['198.51.100.7', 'address'],
    ],
  );
});

t.test('credentials are asked for when there is somebody who knows them', async (t) => {
  const { server } = await start(t, { auth: onePassword('ann:secret') });
  const client = await connectRaw(t, portOf(server));
  client.send(upgradeText());
  await client.waitForEnd();
  t.match(client.received.toString('latin1'), /^HTTP\/1\.1 401 .*\r\nWWW-Authenticate: Basic /s);
  const known = await connectRaw(t, portOf(server));
  await known.open({ Authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` });
});

t.test('a connection that does not end keeps no server from stopping', async (t) => {
  const { server, log } = await start(t, { drainTimeout: 30 });
  const client = await openOne(t, server);
  const dropping = Reflect.getOwnPropertyDescriptor(Connection.prototype, 'drop')!;
  Object.defineProperty(Connection.prototype, 'drop', { ...dropping, value: () => undefined });
  t.teardown(() => Object.defineProperty(Connection.prototype, 'drop', dropping));
  await server.stop();
  Object.defineProperty(Connection.prototype, 'drop', dropping);
  t.match(log.find('stopped with connections that did not end'), [
    { level: 'error', fields: { connections: 1 } },
  ]);
  t.strictSame(log.find('stopped'), []);
  server.stopNow();
  await client.waitForEnd();
  await client.finish();
});

t.test('a mode that fails behind its session is in the log', async (t) => {
  const closed = async (): Promise<never> => {
    await new Promise(setImmediate);
    throw new Error('late');
  };
  const late: Mode = Object.assign({ name: 'late', delivery: 'messages' } as const, {
    close: closed,
  });
  const { server, log } = await start(t, { served: { mode: late } });
  const client = await openOne(t, server);
  client.send(encodeFrames([closeFrame(1000)], true));
  await client.waitForEnd();
  await client.finish();
  const find = (): readonly unknown[] => log.find('failed after the end of a session');
  await eventually(() => find().length > 0, 'the line');
  t.match(find(), [{ level: 'error', fields: { mode: 'late', err: { message: 'late' } } }]);
});

t.test('it says why no client should come', async (t) => {
  const memory = new MemoryAccount(1024 ** 3);
  const { server } = make({
    admission: { maxConnections: 1, maxConnectionsPerAddress: 0 },
    memory,
  });
  t.teardown(() => {
    server.stopNow();
  });
  t.strictSame(server.findProblems(), ['not listening yet']);
  t.equal(server.maxConnections, 1);
  await server.start();
  t.strictSame(server.findProblems(), []);
  memory.charge(1024 ** 3 - 1);
  t.strictSame(server.findProblems(), ['short of memory (maxMemory)']);
  memory.release(1024 ** 3 - 1);
  t.strictSame(server.findProblems(), []);
  const client = await openOne(t, server);
  t.ok(server.nowMs > 0);
  t.match(server.counters.routes, [{ mode: 'echo', path: null, sessions: { started: 1 } }]);
  t.strictSame(server.findProblems(), ['full: all connections are taken (maxConnections)']);
  await client.finish();
  await eventually(() => server.connectionCount === 0, 'its end');
  t.strictSame(server.findProblems(), []);
  await server.stop();
  t.strictSame(server.findProblems(), ['draining: the server is shutting down']);
});

/** TLS with a certificate that stays as it is. */
function makeTls(): ServerTls {
  const log = new KeptLog();
  const context = tlsContext({}, log);
  const watch = new CertificateWatch({ files: [], read: async () => context.set, context, log });
  return new ServerTls({ context, watch, openKeyLog: null });
}

t.test('an address speaks TLS if there is a certificate, unless it is told not to', async (t) => {
  const tls = makeTls();
  const unix = path.join(makeTempDir(t), 'twist.sock');
  const { server } = await start(t, {
    tls,
    listen: [
      LOOPBACK,
      { ...LOOPBACK, tls: true },
      { ...LOOPBACK, tls: false },
      { kind: 'unix', path: unix },
    ],
  });
  t.match(server.urls, [/^wss:/, /^wss:/, /^ws:/, `unix:${unix}`]);
  const clients: RawClient[] = [];
  for (const url of server.urls.slice(0, 3)) {
    const port = Number(new URL(url).port);
    const client = url.startsWith('wss:') ? await connectTls(t, port) : await connectRaw(t, port);
    await client.open();
    client.send(fromClient(textFrame('hello')));
    await client.waitForBytes(7);
    clients.push(client);
  }
  t.equal(server.sessions.size, 3);
  const stopped = server.stop();
  for (const client of clients) {
    await client.waitForBytes(7 + SHUTTING_DOWN.length);
    client.send(fromClient(closeFrame(1001)));
    await client.waitForEnd();
    await client.finish();
  }
  await stopped;
});

t.test(
  'a load balancer hears whether clients may come, also when all places are taken',
  async (t) => {
    const problems: string[] = [];
    const { server, log } = await start(t, {
      admission: { maxConnections: 2, maxConnectionsPerAddress: 0 },
      access: { ...LOCAL_ONLY, allow: ['192.0.2.0/24'] },
      health: { path: '/healthz/', findProblems: () => problems },
    });
    const port = portOf(server);
    const ask = async (): Promise<number> => (await askHttp(t, port, '/healthz')).status;
    t.equal(await ask(), 200);
    problems.push('recording failed');
    t.equal(await ask(), 503);
    problems.pop();
    t.equal((await askHttp(t, port, '/')).status, 403, 'others are not let in');
    t.equal(server.counters.refused.size, 1);
    t.equal(log.lines.filter(({ message }) => message.startsWith('handshake refused')).length, 1);
    t.equal(server.sessions.size, 0);
  },
);

t.test('the place that a load balancer takes to ask does not count', async (t) => {
  const { server } = await start(t, {
    admission: { maxConnections: 2, maxConnectionsPerAddress: 0 },
    health: { path: '/healthz', findProblems: () => [] },
  });
  const port = portOf(server);
  const ask = async (): Promise<number> => {
    const { status } = await askHttp(t, port, '/healthz');
    await eventually(() => server.connectionCount === server.sessions.size, 'its end');
    return status;
  };
  await openOne(t, server);
  t.equal(await ask(), 200, 'it has the last place');
  const last = await openOne(t, server);
  t.equal(await ask(), 503, 'there is no place');
  await last.finish();
  await eventually(() => server.connectionCount === 1, 'its end');
  t.equal(await ask(), 200);
});

t.test('in a group addresses are told and places are asked for', async (t) => {
  const told: unknown[] = [];
  const released: (string | null)[] = [];
  const rules: (PlaceRule | null)[] = [null, 'full', null];
  const group: ServerGroup = {
    worker: 2,
    reloadLog: new KeptLog(),
    listening: (lines) => told.push(...lines),
    reserve: (network, limits) => {
      told.push([network, limits]);
      return Promise.resolve(rules.shift() ?? null);
    },
    release: (network) => released.push(network),
  };
  const admission = { maxConnections: 100, maxConnectionsPerAddress: 5 };
  const asked: string[] = [];
  const auth = {
    counters: new LoginCounters(),
    authorize: ({ target }: { target: string }): string => {
      asked.push(target);
      return 'ann';
    },
  };
  const { server, log } = await start(t, { group, admission, auth });
  t.strictSame(told, [{ address: server.urls[0], mode: 'echo' }]);
  t.strictSame(log.find('listening'), []);
  const client = await openOne(t, server);
  t.strictSame(told.slice(1), [['127.0.0.1', admission]]);
  const refused = await connectRaw(t, portOf(server));
  refused.send(upgradeText());
  await refused.waitForEnd();
  t.match(refused.received.toString(), /^HTTP\/1\.1 503 /);
  t.strictSame(released, [], 'the one that it did not get is not given back');
  t.equal(asked.length, 1, 'who gets no place is not asked for a password');
  client.socket.destroy();
  await eventually(() => released.length === 1, 'the place');
  t.strictSame(released, ['127.0.0.1']);
  const denied = await connectRaw(t, portOf(server));
  denied.send(upgradeText({ Host: null }));
  await denied.waitForEnd();
  await eventually(() => released.length === 2, 'the place of a bad request');
});

t.test('a Unix socket of a group is not looked at: others listen there as well', async (t) => {
  const file = path.join(makeTempDir(t), 'socket');
  const other = new NetServer().listen(file);
  await once(other, 'listening');
  t.teardown(() => other.close());
  const group: ServerGroup = {
    worker: 1,
    reloadLog: new KeptLog(),
    listening: () => undefined,
    reserve: () => Promise.resolve(null),
    release: () => undefined,
  };
  const { server } = make({ group, listen: [{ kind: 'unix', path: file }] });
  // It is not a worker of node:cluster that listens here, so the system refuses.
  await t.rejects(server.start(), { code: 'EADDRINUSE' });
});

t.test('it takes no more connections than it is told, whatever its options say', async (t) => {
  const { server } = await start(t);
  t.equal(server.maxConnections, 100);
  server.limitConnections(1);
  t.equal(server.maxConnections, 1);
  await openOne(t, server);
  t.strictSame(server.findProblems(), ['full: all connections are taken (maxConnections)']);
  server.limitConnections(1000);
  t.equal(server.maxConnections, 100);
  t.strictSame(server.findProblems(), []);
});

t.test('memory of large messages goes back when nobody has needed it for a while', async (t) => {
  const now = performance.now.bind(performance);
  let laterMs = 0;
  t.intercept(performance, 'now', { value: () => now() + laterMs });
  const { server } = await start(t, { limits: { maxMessage: 300_000 } });
  const clients = [await openOne(t, server), await openOne(t, server)] as const;
  const send = async (client: RawClient): Promise<void> => {
    const frame = binaryFrame(new Uint8Array(300_000));
    const { receivedBytes } = client;
    client.send(fromClient(frame));
    await client.waitForBytes(receivedBytes + fromServer(frame).length);
  };
  const passes = async (ms: number): Promise<void> => {
    const nextMs = server.nowMs + ms;
    laterMs += ms;
    await eventually(() => server.nowMs >= nextMs, 'the clock');
  };
  await send(clients[0]);
  const { freeMessageBytes } = server;
  t.ok(freeMessageBytes >= 300_000, 'it is kept for the next one');
  await passes(5000);
  await send(clients[1]);
  t.ok(server.freeMessageBytes <= freeMessageBytes, 'which takes it');
  await passes(5000);
  t.ok(server.freeMessageBytes > 0, 'it was needed');
  await passes(5000);
  t.equal(server.freeMessageBytes, 0);
  await send(clients[1]);
  t.ok(server.freeMessageBytes > 0);
  for (const client of clients) client.socket.destroy();
  await eventually(() => server.connectionCount === 0, 'that all are gone');
  t.equal(server.freeMessageBytes, 0, 'without clients nobody needs it');
});

/** So many messages in one read, as they come from a client and as they go back. */
const READ = Array.from({ length: 100 }, (_, index) => textFrame(`grüße ${index}`));

/** Sends a read's messages and waits for all of them. */
async function echoRead(t: Test, client: RawClient): Promise<void> {
  const back = fromServer(...READ);
  client.send(fromClient(...READ));
  await client.waitForBytes(back.length);
  t.ok(client.received.equals(back));
  client.forget();
}

t.test('wasm: the kernel reads and sends back, unless it is switched off', async (t) => {
  const kernel = loadKernel()!;
  const calls: string[] = [];
  const echo = kernel.echo.bind(kernel);
  t.teardown(() => {
    kernel.echo = echo;
  });
  kernel.echo = (...args) => {
    calls.push('echo');
    return echo(...args);
  };
  for (const [wasm, isUsed] of [
    [undefined, true],
    [true, true],
    [false, false],
  ] as const) {
    const { server } = await start(t, { ...(wasm !== undefined && { wasm }) });
    const client = await openOne(t, server);
    calls.length = 0;
    await echoRead(t, client);
    t.equal(calls.length > 0, isUsed, String(wasm));
    t.equal([...server.sessions][0]!.bufferedAmount, 0);
    client.socket.destroy();
  }
});

t.test('wasm: clients that do not read, and reset, take none of it with them', async (t) => {
  const kernel = loadKernel()!;
  const { server } = await start(t, {
    limits: { outputPause: 1e6, outputLimit: 1e7, maxMessage: 100_000 },
  });
  const bystander = await openOne(t, server);
  const lots = fromClient(
    ...Array.from({ length: 100 }, () => binaryFrame(new Uint8Array(60_000))),
  );
  for (let round = 0; round < 3; round++) {
    const slow = await connectMany(t, server, 6);
    for (const client of slow) {
      client.socket.pause();
      client.send(lots);
    }
    const isStuck = (): boolean =>
      [...server.sessions].filter(({ bufferedAmount }) => bufferedAmount > 500_000).length === 6;
    await eventually(isStuck, 'all to be slow');
    t.ok(kernel.shelf.free.length < 4, 'they have some of its slabs');
    await echoRead(t, bystander);
    for (const client of slow) client.socket.resetAndDestroy();
    await eventually(() => server.connectionCount === 1, 'the end of the slow ones');
    t.equal(kernel.shelf.free.length, 4, 'all are back');
    await echoRead(t, bystander);
  }
});

t.test('wasm: over TLS the same', async (t) => {
  const { server } = await start(t, { tls: makeTls() });
  const client = await connectTls(t, portOf(server));
  await client.open();
  for (let round = 0; round < 5; round++) await echoRead(t, client);
  t.equal(loadKernel()!.shelf.free.length, 4);
  await client.finish();
});
