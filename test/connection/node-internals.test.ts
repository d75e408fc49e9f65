import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import t, { type Test } from 'tap';
import {
  type SharedReads,
  findSharedReads,
  forgetPeerAddress,
  probeSharedReads,
  startReceiving,
  unsentBytes,
} from '../../src/connection/node-internals.js';
import { type SocketOwner, own } from '../../src/connection/socket.js';
import { onceAccepted } from '../fixtures/accepted-socket.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { eventually } from '../fixtures/within.js';

/** An owner that keeps what comes, and where it was. */
class Keeper implements SocketOwner {
  received = Buffer.alloc(0);
  readonly buffers = new Set<ArrayBufferLike>();
  hasEnded = false;
  isClosed = false;

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    this.buffers.add(bytes.buffer);
    this.received = Buffer.concat([this.received, bytes.subarray(start, end)]);
    // As unmasking does: nobody else may count on these bytes.
    bytes.fill(0xa5, start, end);
  }

  receiveEof(): void {
    this.hasEnded = true;
  }

  drained(): void {
    // Nothing waits here.
  }

  socketFailed(): void {
    // The client sees it.
  }

  socketClosed(): void {
    this.isClosed = true;
  }
}

async function startServer(t: Test, onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true, highWaterMark: 1 }, (socket) => {
    t.teardown(() => socket.destroy());
    onConnection(socket);
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

t.test('the symbols of the option onread are found on a socket', async (t) => {
  const found = findSharedReads()!;
  t.equal(found.buffer.description, 'kBuffer');
  t.equal(found.callback.description, 'kBufferCb');
  t.equal(found.bytes.length, 256 * 1024);
  t.equal(found.bytes.byteOffset, 0, 'not a part of a pool that others use');
});

t.test('a version of Node that names them otherwise has no shared reads', async (t) => {
  const buffer = Symbol('kBuffer');
  t.equal(findSharedReads({}), null);
  t.equal(findSharedReads({ [buffer]: null }), null);
  t.equal(findSharedReads({ [Symbol('kBufferCb')]: null }), null);
  t.match(findSharedReads({ [buffer]: null, [Symbol('kBufferCb')]: null }), { buffer });
});

t.test('the probe finds that shared reads work here', async (t) => {
  const found = findSharedReads()!;
  t.equal(await probeSharedReads(found), found);
  t.ok(await probeSharedReads(), 'without help as well');
  t.equal(await probeSharedReads(null), null);
});

t.test('the probe leaves no socket behind', async (t) => {
  const countSockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name.includes('TCP')).length;
  await eventually(() => countSockets() === 0, 'sockets of the tests before');
  await probeSharedReads();
  await eventually(() => countSockets() === 0, 'the end of the sockets of the probe');
  t.notOk(process.getActiveResourcesInfo().includes('Timeout'), 'nor a timer');
});

t.test('the probe finds that shared reads do not work', async (t) => {
  const { buffer, callback, bytes } = findSharedReads()!;
  const cases: Record<string, SharedReads> = {
    'the bytes come by another way': { buffer: Symbol(), callback: Symbol(), bytes },
    'an internal is gone': {
      buffer,
      callback,
      get bytes(): never {
        throw new TypeError('not a function');
      },
    },
  };
  for (const [name, found] of Object.entries(cases)) {
    t.equal(await probeSharedReads(found), null, name);
  }
});

t.test('the probe takes an error of its socket for a no, and a write for nothing', async (t) => {
  onceAccepted(t, (socket) => {
    socket.emit('drain');
    socket.destroy(new Error('reset'));
  });
  t.equal(await probeSharedReads(), null);
});

t.test('the probe does not wait for ever', async (t) => {
  // The end of the stream is never told, and time goes faster.
  onceAccepted(t, (socket) => {
    socket.removeAllListeners('end');
  });
  const { setTimeout: realSetTimeout } = globalThis;
  const asked: number[] = [];
  t.intercept(globalThis, 'setTimeout', {
    value: (callback: () => void, ms: number) => {
      asked.push(ms);
      return realSetTimeout(callback, 10);
    },
  });
  t.equal(await probeSharedReads(), null);
  t.ok(asked.includes(1000), 'but for a second');
});

for (const isShared of [true, false]) {
  t.test(isShared ? 'shared reads' : "the event 'data'", async (t) => {
    const sharedReads = isShared ? findSharedReads() : null;
    const keepers: Keeper[] = [];
    const sockets: Socket[] = [];
    const port = await startServer(t, (socket) => {
      const keeper = new Keeper();
      keepers.push(keeper);
      sockets.push(socket);
      own(socket, keeper);
      startReceiving(socket, sharedReads);
    });
    const connectOne = async (): Promise<[RawClient, Keeper, Socket]> => {
      const client = await connectRaw(t, port);
      await eventually(() => keepers.length > 0, 'the connection');
      return [client, keepers.pop()!, sockets.pop()!];
    };

    const [one, oneKeeper, oneSocket] = await connectOne();
    const [other, otherKeeper] = await connectOne();
    const sent = Buffer.alloc(1_000_000, 'twist');
    one.send(sent);
    other.send('other');
    await eventually(() => oneKeeper.received.length === sent.length, 'all bytes');
    await eventually(() => otherKeeper.received.length === 5, 'all bytes');
    t.ok(oneKeeper.received.equals(sent), 'the bytes are the same');
    t.equal(otherKeeper.received.toString(), 'other');

    const all = new Set([...oneKeeper.buffers, ...otherKeeper.buffers]);
    if (isShared) t.strictSame([...all], [sharedReads!.bytes.buffer], 'all in the one buffer');
    else t.notOk(all.has(findSharedReads()!.bytes.buffer));

    oneSocket.pause();
    one.send('more');
    other.send('!');
    await eventually(() => otherKeeper.received.length === 6, 'the other goes on');
    t.equal(oneKeeper.received.length, sent.length, 'a paused socket is not read from');
    oneSocket.resume();
    await eventually(() => oneKeeper.received.length === sent.length + 4, 'the rest');

    one.socket.end();
    await eventually(() => oneKeeper.hasEnded, "the peer's FIN");
    t.notOk(oneKeeper.isClosed, 'our side is still open');
    oneSocket.end('last words');
    await one.waitForClose();
    t.equal(one.received.toString(), 'last words');
    await eventually(() => oneKeeper.isClosed, 'the end of the socket');
  });
}

t.test('unsent bytes: as libuv counts them, or else as the stream does', async (t) => {
  const socket = new FakeSocket();
  socket._handle = { writeQueueSize: 7 };
  socket.writableLength = 100;
  t.equal(unsentBytes(socket.asSocket), 7);
  socket._handle = { writeQueueSize: 0 };
  t.equal(unsentBytes(socket.asSocket), 0);
  socket._handle = {} as { writeQueueSize: number };
  t.equal(unsentBytes(socket.asSocket), 100);
  socket._handle = null;
  t.equal(unsentBytes(socket.asSocket), 100);
});

t.test('unsent bytes of a real socket go down while a write is under way', async (t) => {
  const accepted: Socket[] = [];
  const port = await startServer(t, (socket) => {
    accepted.push(socket);
  });
  const client = await connectRaw(t, port, { isPaused: true });
  await eventually(() => accepted.length > 0, 'the connection');
  const socket = accepted[0]!;
  t.equal(unsentBytes(socket), 0);
  const bytes = Buffer.alloc(32 * 1024 * 1024);
  socket.write(bytes);
  t.equal(socket.writableLength, bytes.length, 'the stream counts whole writes');
  t.ok(unsentBytes(socket) > 0 && unsentBytes(socket) < bytes.length, 'libuv counts bytes');
  const before = unsentBytes(socket);
  client.socket.resume();
  await eventually(() => unsentBytes(socket) < before, 'progress');
  await eventually(() => unsentBytes(socket) === 0, 'the end of the write');
  t.pass('nothing is unsent at the end');
});

t.test('a peer’s address is forgotten, and asked for again', async (t) => {
  const accepted: Socket[] = [];
  const port = await startServer(t, (socket) => {
    accepted.push(socket);
  });
  const client = await connectRaw(t, port);
  await eventually(() => accepted.length > 0, 'the connection');
  const socket = accepted[0]!;
  const keptAddress = (): unknown => (socket as unknown as { _peername?: object })._peername;
  forgetPeerAddress(socket);
  t.equal(socket.remotePort, client.port);
  t.type(keptAddress(), 'object', 'a socket keeps what it was asked for');
  forgetPeerAddress(socket);
  t.equal(keptAddress(), undefined);
  t.equal(socket.remotePort, client.port, 'which is no loss');
});

t.test('a socket without such a copy is left as it is', async (t) => {
  const socket = new FakeSocket();
  forgetPeerAddress(socket.asSocket);
  t.notOk('_peername' in socket);
});
