import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import t, { type Test } from 'tap';
import { loopTurns } from '../../src/budget/turns.js';
import {
  CROWDED_READ_BYTES,
  type SharedReads,
  descriptorOf,
  findSharedReads,
  peerOf,
  probeSharedReads,
  startReceiving,
  unsentBytes,
} from '../../src/connection/node-internals.js';
import { type SocketOwner, own } from '../../src/connection/socket.js';
import { SLAB_BYTES } from '../../src/protocol/slabs/slab.js';
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
  t.equal(found.generator.description, 'kBufferGen');
  t.equal(found.bytes.length, SLAB_BYTES);
  t.equal(found.bytes.byteOffset, 0, 'not a part of a pool that others use');
});

t.test('a version of Node that names them otherwise has no shared reads', async (t) => {
  const names = ['kBuffer', 'kBufferCb', 'kBufferGen'];
  const [buffer, callback, generator] = names.map((name) => Symbol(name));
  const internals = (symbols: readonly symbol[]): object =>
    Object.fromEntries(symbols.map((symbol) => [symbol, null]));
  t.equal(findSharedReads({}), null);
  for (const missing of [buffer, callback, generator]) {
    const others = [buffer!, callback!, generator!].filter((symbol) => symbol !== missing);
    t.equal(findSharedReads(internals(others)), null, String(missing));
  }
  const all = internals([buffer!, callback!, generator!]);
  t.match(findSharedReads(all), { buffer, callback, generator });
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
  const found = findSharedReads()!;
  const cases: Record<string, SharedReads> = {
    'the bytes come by another way': { ...found, buffer: Symbol(), callback: Symbol() },
    'an internal is gone': {
      ...found,
      get bytes(): never {
        throw new TypeError('not a function');
      },
    },
  };
  for (const [name, broken] of Object.entries(cases)) {
    t.equal(await probeSharedReads(broken), null, name);
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

/** How large the buffer of each read is that follows reads of these sizes. */
class Reads {
  readonly #found = findSharedReads()!;
  readonly #socket = new FakeSocket();

  constructor(owner: SocketOwner = new Keeper()) {
    own(this.#socket.asSocket, owner);
    Object.assign(this.#socket, { _handle: { useUserBuffer: () => undefined } });
    startReceiving(this.#socket.asSocket, this.#found);
  }

  get #internals(): Record<symbol, unknown> {
    return this.#socket as unknown as Record<symbol, unknown>;
  }

  get bytes(): Uint8Array {
    return this.#internals[this.#found.buffer] as Uint8Array;
  }

  /** As Node does it. @returns how much the next read may bring */
  read(count = this.bytes.length): number {
    const { callback, generator, buffer } = this.#found;
    const take = this.#internals[callback] as (count: number, bytes: Uint8Array) => boolean;
    t.equal(take.call(this.#socket.asSocket, count, this.bytes), true);
    const next = (this.#internals[generator] as () => Uint8Array | undefined)();
    if (next !== undefined) this.#internals[buffer] = next;
    return this.bytes.length;
  }

  /** Whether the next read comes to the buffer that all share. */
  get isShared(): boolean {
    return this.bytes.buffer === this.#found.bytes.buffer && this.bytes.byteOffset === 0;
  }
}

t.test('how much is read at once depends on who else reads much', async (t) => {
  const small = CROWDED_READ_BYTES;
  const large = SLAB_BYTES;
  t.teardown(() => {
    loopTurns.isCrowded = false;
  });
  const reads = new Reads();
  t.equal(reads.bytes.length, small, 'at first');
  t.equal(reads.read(small - 1), small, 'one that does not fill it wants no more');
  t.equal(reads.read(), large, 'alone, and there is more than fits');
  t.equal(reads.read(), large);
  t.equal(reads.read(small), large);
  t.equal(reads.read(10), large);
  loopTurns.isCrowded = true;
  t.equal(reads.read(10), large, 'a small read is no matter');
  t.equal(reads.read(small), small, 'one among many');
  t.equal(reads.read(), small);
  loopTurns.isCrowded = false;
  t.equal(reads.read(small - 1), small);
  t.equal(reads.read(), large, 'alone again');
  const other = new Reads();
  t.equal(other.bytes.length, small);
  t.equal(other.read(10), small, 'each by itself');
  t.ok(reads.isShared && other.isShared, 'in the one buffer');
});

t.test('an owner may say where to read to, and how much is still decided here', async (t) => {
  const small = CROWDED_READ_BYTES;
  const large = SLAB_BYTES;
  t.teardown(() => {
    loopTurns.isCrowded = false;
  });
  class Placer extends Keeper {
    target: Uint8Array | null | undefined = undefined;
    readonly asked: number[] = [];

    readTarget(maxBytes: number): Uint8Array | null | undefined {
      this.asked.push(maxBytes);
      return this.target;
    }
  }
  const placer = new Placer();
  const reads = new Reads(placer);
  t.equal(reads.read(10), small, 'where the last read went');
  const place = (placer.target = new Uint8Array(1000));
  reads.read(10);
  t.equal(reads.bytes, place);
  t.equal(reads.read(20), 1000);
  const next = (placer.target = new Uint8Array(500));
  loopTurns.isCrowded = true;
  reads.read();
  t.equal(reads.bytes, next, 'the next place');
  placer.target = null;
  t.equal(reads.read(), small, 'one among many');
  t.ok(reads.isShared);
  placer.target = new Uint8Array(10);
  loopTurns.isCrowded = false;
  reads.read();
  placer.target = null;
  t.equal(reads.read(), large, 'and alone');
  t.ok(reads.isShared);
  t.strictSame(placer.asked, [large, large, large, small, small, large, large]);
  placer.target = undefined;
  t.equal(reads.read(10), large);
});

t.test('Node reads into the place that an owner says, and elsewhere after it', async (t) => {
  const place = new Uint8Array(100).fill(1);
  class Placer extends Keeper {
    target: Uint8Array | null | undefined = place;

    readTarget(): Uint8Array | null | undefined {
      return this.target;
    }
  }
  const placer = new Placer();
  const found = findSharedReads()!;
  const port = await startServer(t, (socket) => {
    own(socket, placer);
    startReceiving(socket, found);
  });
  const client = await connectRaw(t, port);
  client.send('abc');
  await eventually(() => placer.received.length === 3, 'the first read');
  t.strictSame(placer.buffers, new Set([found.bytes.buffer]));
  placer.buffers.clear();
  client.send('d'.repeat(250));
  await eventually(() => placer.received.length === 253, 'three reads');
  t.strictSame(placer.buffers, new Set([place.buffer]));
  placer.buffers.clear();
  placer.target = null;
  client.send('e');
  await eventually(() => placer.received.length === 254, 'one more there');
  client.send('f');
  await eventually(() => placer.received.length === 255, 'one elsewhere');
  t.strictSame(placer.buffers, new Set([place.buffer, found.bytes.buffer]));
  t.equal(placer.received.toString(), `abc${'d'.repeat(250)}ef`);
});

t.test('Node reads into a buffer that has grown, and into one that is small again', async (t) => {
  t.teardown(() => {
    loopTurns.isCrowded = false;
  });
  class Measurer extends Keeper {
    /** Size of the buffer that was read into last. */
    length = 0;
    receivedBytes = 0;

    override receiveBytes(bytes: Uint8Array, start: number, end: number): void {
      this.length = bytes.length;
      this.receivedBytes += end - start;
    }
  }
  const keeper = new Measurer();
  const port = await startServer(t, (socket) => {
    own(socket, keeper);
    startReceiving(socket, findSharedReads());
  });
  const client = await connectRaw(t, port);
  const megabyte = Buffer.alloc(1024 * 1024);
  let sent = 0;
  for (const [isCrowded, length] of [
    [false, SLAB_BYTES],
    [true, CROWDED_READ_BYTES],
    [false, SLAB_BYTES],
  ] as const) {
    loopTurns.isCrowded = isCrowded;
    for (let count = 0; count < 50 && keeper.length !== length; count++) {
      client.send(megabyte);
      sent += megabyte.length;
      await eventually(() => keeper.receivedBytes === sent, 'all bytes');
    }
    t.equal(keeper.length, length);
  }
});

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

t.test('the peer of a socket, which keeps no copy of its address', async (t) => {
  const accepted: Socket[] = [];
  const port = await startServer(t, (socket) => {
    accepted.push(socket);
  });
  const client = await connectRaw(t, port);
  await eventually(() => accepted.length > 0, 'the connection');
  const socket = accepted[0]!;
  t.strictSame(peerOf(socket, 'tcp'), { remoteAddress: '127.0.0.1', remotePort: client.port });
  t.notOk((socket as unknown as { _peername?: object })._peername);
});

t.test('the handle of a socket does not tell its peer', async (t) => {
  const ENOTCONN = -107;
  const withHandle = (handle: object): Socket =>
    Object.assign(new FakeSocket(), { _handle: handle }).asSocket;
  const refusing = withHandle({ getpeername: () => ENOTCONN });
  t.match(peerOf(refusing, 'tcp'), { remotePort: 51_234 }, 'the socket may know');
  Object.assign(refusing, { remoteAddress: undefined });
  t.equal(peerOf(refusing, 'tcp'), null);
  t.strictSame(
    peerOf(withHandle({}), 'tcp'),
    { remoteAddress: '203.0.113.7', remotePort: 51_234 },
    'the socket does',
  );
  const fill = (name: object): number => {
    Object.assign(name, { address: '::ffff:192.0.2.9', family: 'IPv6', port: 7 });
    return 0;
  };
  const mapped = peerOf(withHandle({ getpeername: fill }), 'tcp');
  t.strictSame(mapped, { remoteAddress: '192.0.2.9', remotePort: 7 });
});

t.test('the descriptor of a socket: its own, that of what TLS is around, or none', async (t) => {
  const cases: readonly (readonly [object | null | undefined, number])[] = [
    [{ fd: 5 }, 5],
    [{ fd: 5, _parent: { fd: 7 } }, 7],
    [{ fd: 5, _parent: {} }, 5],
    [{}, -1],
    [null, -1],
    [undefined, -1],
  ];
  for (const [handle, descriptor] of cases)
    t.equal(descriptorOf({ _handle: handle } as unknown as Socket), descriptor);
});
