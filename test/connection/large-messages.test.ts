/** Large messages over real sockets: what is read into its place, and sent back from there. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import t, { type Test } from 'tap';
import { Connection } from '../../src/connection/connection.js';
import { probeSharedReads } from '../../src/connection/node-internals.js';
import { CloseCode } from '../../src/protocol/close.js';
import { echoMode } from '../../src/modes/echo.js';
import type { Mode } from '../../src/session/mode.js';
import { modeWith } from '../fixtures/connection-bench.js';
import { closeFrame, encodeFrames } from '../fixtures/frames.js';
import { maskedFrame, noise, plainFrame } from '../fixtures/large-frames.js';
import { BINARY, CONTINUATION, FIN, PING } from '../fixtures/quick-frames.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { emptyPool } from '../fixtures/slabs.js';
import { type HostOptions, NO_KEEPALIVE, TestHost, arrivalOf } from '../fixtures/test-host.js';
import { connectTls, tlsContext } from '../fixtures/tls.js';
import { eventually } from '../fixtures/within.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const PONG = FIN | 0xa;

const LIMITS = {
  ...NO_KEEPALIVE,
  maxMessage: 16 * MIB,
  outputPause: MIB,
  outputLimit: 64 * MIB,
};

interface Fixture {
  readonly host: TestHost;
  readonly connections: Connection[];
  connect(): Promise<RawClient>;
}

interface Options extends HostOptions {
  readonly mode?: Mode;
  readonly isTls?: boolean;
}

async function serve(t: Test, { mode, isTls = false, ...options }: Options = {}): Promise<Fixture> {
  const host = new TestHost(mode ?? echoMode, {
    limits: LIMITS,
    sharedReads: await probeSharedReads(),
    ...(isTls ? { tls: tlsContext() } : {}),
    ...options,
  });
  const connections: Connection[] = [];
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, highWaterMark: 1 },
    (socket: Socket) => {
      const connection = new Connection(socket, { ...arrivalOf(socket), isTls }, host);
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
  const { port } = server.address() as AddressInfo;
  const connect = async (): Promise<RawClient> => {
    const client = isTls ? await connectTls(t, port) : await connectRaw(t, port);
    await client.open();
    return client;
  };
  return { host, connections, connect };
}

/** When all clients are gone nothing is charged but free slabs. */
async function assertAllGone(t: Test, { host, connections }: Fixture): Promise<void> {
  await eventually(
    () => host.closed.length === connections.length,
    'the end of all connections',
    () => host.closed.length,
  );
  emptyPool(host.slabPool);
  t.equal(host.memory.bytes, 0, 'no memory is held');
}

async function expectBytes(t: Test, client: RawClient, expected: Uint8Array): Promise<void> {
  await client.waitForBytes(expected.length);
  t.ok(client.received.equals(expected), `${expected.length} bytes are as they were`);
  client.forget();
}

async function close(t: Test, client: RawClient): Promise<void> {
  client.send(encodeFrames([closeFrame(1000)], true));
  await expectBytes(t, client, encodeFrames([closeFrame(1000)], false));
  await client.finish();
}

const message = (payload: Uint8Array): Buffer => maskedFrame(FIN | BINARY, payload);
const answer = (payload: Uint8Array): Buffer => plainFrame(FIN | BINARY, payload);

for (const isTls of [false, true]) {
  const over = isTls ? ', over TLS' : '';
  t.test(`large messages come back as they were${over}`, async (t) => {
    const fixture = await serve(t, { isTls });
    const client = await fixture.connect();
    for (const bytes of [300 * KIB, MIB, 64 * KIB, 5 * MIB, 65_537, 16 * MIB, 33_000]) {
      const payload = noise(bytes, bytes);
      client.send(message(payload));
      await expectBytes(t, client, answer(payload));
    }
    await close(t, client);
    await assertAllGone(t, fixture);
  });

  t.test(`two clients at a time get their own bytes${over}`, async (t) => {
    const fixture = await serve(t, { isTls });
    const clients = [await fixture.connect(), await fixture.connect()];
    await Promise.all(
      clients.map(async (client, index) => {
        for (let round = 0; round < 12; round++) {
          const payload = noise(1000 * index + round, (round + index + 1) * 131 * KIB + round);
          const wire = message(payload);
          const third = Math.floor(wire.length / 3);
          for (let at = 0; at < wire.length; at += third) {
            client.send(wire.subarray(at, at + third));
            await new Promise(setImmediate);
          }
          await expectBytes(t, client, answer(payload));
        }
        await close(t, client);
      }),
    );
    await assertAllGone(t, fixture);
  });
}

t.test('one byte over the limit is refused before it is stored', async (t) => {
  const fixture = await serve(t);
  const client = await fixture.connect();
  client.send(message(new Uint8Array(16 * MIB + 1)).subarray(0, 500 * KIB));
  await client.waitForEnd();
  t.equal(client.received.readUInt16BE(2), CloseCode.MessageTooBig);
  t.equal(fixture.host.slabPool.freeMessageBytes, 0);
  await client.finish();
  await assertAllGone(t, fixture);
});

t.test('fragments of all sizes, with Pings between them', async (t) => {
  const fixture = await serve(t);
  const client = await fixture.connect();
  const payload = noise(1, 3 * MIB);
  const cuts = [0, 10, 300_010, 300_010, 310_000, 2 * MIB, 2 * MIB + 40_000, payload.length];
  const frames = cuts.slice(1).flatMap((end, index) => {
    const first = index === 0 ? BINARY : CONTINUATION;
    const fin = end === payload.length ? FIN : 0;
    return [
      maskedFrame(PING, Buffer.from(`${index}`)),
      maskedFrame(fin | first, payload.subarray(cuts[index], end)),
    ];
  });
  const pongs = cuts.slice(1).map((_, index) => plainFrame(PONG, Buffer.from(`${index}`)));
  for (let round = 0; round < 3; round++) {
    client.send(Buffer.concat(frames));
    await expectBytes(t, client, Buffer.concat([...pongs, answer(payload)]));
  }
  await close(t, client);
  await assertAllGone(t, fixture);
});

t.test('a mode that wants no more in the middle of a message', async (t) => {
  const fixture = await serve(t);
  const client = await fixture.connect();
  const payload = noise(2, 4 * MIB);
  const wire = message(payload);
  client.send(wire.subarray(0, MIB));
  const [session] = fixture.host.opened;
  const [connection] = fixture.connections;
  await eventually(() => connection!.heldBytes >= MIB, 'the first part');
  session!.pause();
  client.send(wire.subarray(MIB));
  // Another client takes memory meanwhile.
  const other = await fixture.connect();
  const otherPayload = noise(3, 2 * MIB);
  other.send(message(otherPayload));
  await expectBytes(t, other, answer(otherPayload));
  session!.resume();
  await expectBytes(t, client, answer(payload));
  await close(t, client);
  await close(t, other);
  await assertAllGone(t, fixture);
});

t.test('clients that leave in the middle of a message', async (t) => {
  const fixture = await serve(t);
  const wire = message(noise(4, 4 * MIB));
  for (const leave of [
    (client: RawClient) => client.socket.resetAndDestroy(),
    (client: RawClient) => client.socket.destroy(),
    (client: RawClient) => client.socket.end(),
  ]) {
    const client = await fixture.connect();
    client.send(wire.subarray(0, 2 * MIB));
    const connection = fixture.connections.at(-1)!;
    await eventually(() => connection.heldBytes >= MIB, 'the first part');
    leave(client);
    await eventually(() => fixture.host.closed.length === fixture.connections.length, 'the end');
    t.equal(connection.heldBytes, connection.ownBytes);
    const other = await fixture.connect();
    const payload = noise(5, 4 * MIB);
    other.send(message(payload));
    await expectBytes(t, other, answer(payload));
    await close(t, other);
  }
  await assertAllGone(t, fixture);
});

t.test('a session that fails while a message comes, and a client that goes on', async (t) => {
  const fixture = await serve(t);
  const client = await fixture.connect();
  const wire = message(noise(6, 8 * MIB));
  client.send(wire.subarray(0, 2 * MIB));
  const [session] = fixture.host.opened;
  const [connection] = fixture.connections;
  await eventually(() => connection!.heldBytes >= MIB, 'the first part');
  session!.fail(new Error('mode'));
  t.ok(connection!.heldBytes > MIB, 'the socket may still read into it, so it counts');
  // Of the same size: it must not get the memory that the first one is still read into.
  const other = await fixture.connect();
  const payload = noise(7, 2 * MIB);
  const otherWire = message(payload);
  other.send(otherWire.subarray(0, MIB));
  await eventually(() => fixture.connections[1]!.heldBytes >= MIB, 'the first part of the other');
  client.send(wire.subarray(2 * MIB));
  await client.waitForEnd();
  t.equal(client.received.readUInt16BE(2), CloseCode.InternalError);
  other.send(otherWire.subarray(MIB));
  await expectBytes(t, other, answer(payload));
  await client.finish();
  await close(t, other);
  await assertAllGone(t, fixture);
});

t.test('a hundred messages need the memory of one', async (t) => {
  const fixture = await serve(t);
  const { memory, slabPool } = fixture.host;
  const client = await fixture.connect();
  const payload = noise(8, MIB);
  const wire = message(payload);
  const expected = answer(payload);
  const once = async (): Promise<void> => {
    client.send(wire);
    await client.waitForBytes(expected.length);
    t.ok(client.received.equals(expected));
    client.forget();
  };
  for (let round = 0; round < 3; round++) await once();
  const before = [memory.bytes, slabPool.freeMessageBytes];
  for (let round = 0; round < 100; round++) await once();
  t.ok(memory.bytes <= before[0]! + 3 * MIB, `${memory.bytes}, ${before[0]!}`);
  t.ok(slabPool.freeMessageBytes <= 6 * MIB, `${slabPool.freeMessageBytes}`);
  await close(t, client);
  await assertAllGone(t, fixture);
});

t.test('a message that a mode keeps to itself gives its memory back', async (t) => {
  let count = 0;
  const mode = modeWith({
    message: () => {
      count++;
    },
  });
  const fixture = await serve(t, { mode });
  const client = await fixture.connect();
  for (let round = 0; round < 5; round++) client.send(message(noise(round, 2 * MIB)));
  await eventually(() => count === 5, 'all messages');
  await close(t, client);
  await assertAllGone(t, fixture);
});
