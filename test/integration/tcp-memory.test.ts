/**
 * The proxy between two sides of which one does not read: nothing piles up in between, and others do
 * not notice. The figures are those of docs/tcp.md.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { MIB, STEADY_MEMORY, memoryGrowth, mib } from '../fixtures/memory-growth.js';
import { openRaw } from '../fixtures/raw-client.js';
import { type TcpTarget, startTarget } from '../fixtures/tcp-target.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, standstill, within } from '../fixtures/within.js';

const GIB = 1024 ** 3;
const CHUNK = Buffer.alloc(MIB, 'x');

/** What one session may hold beside the output pause: a block of 256 KiB on its way and one that fills, each way. */
const SESSION_BYTES = MIB;

async function startProxy(
  t: Test,
  target: TcpTarget,
  flags: readonly string[] = [],
): Promise<TwistProcess> {
  const args = ['serve', '--tcp', target.address, '--listen', '127.0.0.1:0'];
  return await startServing(t, {
    args: [...args, '--log-format', 'json', ...flags],
    nodeArgs: STEADY_MEMORY,
  });
}

/** Sends so many bytes, as fast as they are taken; returns how many were taken at last. */
class Flood {
  sentBytes = 0;

  constructor(socket: Socket, bytes: number) {
    const send = (): void => {
      while (this.sentBytes < bytes) {
        this.sentBytes += CHUNK.length;
        if (!socket.write(CHUNK)) {
          socket.once('drain', send);
          return;
        }
      }
    };
    send();
  }
}

/** The header of one message of a gibibyte, masked with zeros. */
const GIB_HEADER = Buffer.from('82ff000000004000000000000000', 'hex');

/** A client may know of its session before the target does of its connection. */
async function reached(target: TcpTarget, connections: number): Promise<void> {
  await eventually(() => target.sockets.size === connections, 'the connections to the target');
}

t.test('a client that never reads, while its target sends a gibibyte', async (t) => {
  const target = await startTarget(t, () => undefined);
  const twist = await startProxy(t, target);
  let flood: Flood | null = null;
  const growth = await memoryGrowth(twist, async () => {
    const client = await openRaw(t, twist.port);
    client.socket.pause();
    await reached(target, 1);
    for (const socket of target.sockets) flood = new Flood(socket, GIB);
    await standstill(() => flood!.sentBytes, 'the target to be stopped');
  });
  t.ok(growth < 32 * MIB, `memory grew by ${mib(growth)}`);
  t.ok(flood!.sentBytes < GIB, `it was stopped after ${mib(flood!.sentBytes)}`);
});

t.test('a target that never reads, while its client sends a gibibyte in one message', async (t) => {
  const target = await startTarget(t, (socket) => socket.pause());
  const twist = await startProxy(t, target);
  let flood: Flood | null = null;
  const growth = await memoryGrowth(twist, async () => {
    const client = await openRaw(t, twist.port);
    client.socket.write(GIB_HEADER);
    flood = new Flood(client.socket, GIB);
    await standstill(() => flood!.sentBytes, 'the client to be stopped');
  });
  t.ok(growth < 32 * MIB, `memory grew by ${mib(growth)}`);
  t.ok(flood!.sentBytes < GIB, `it was stopped after ${mib(flood!.sentBytes)}`);
});

t.test('a message larger than memory may hold goes through', async (t) => {
  let received = 0;
  const target = await startTarget(t, (socket) => {
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
  });
  const twist = await startProxy(t, target);
  const growth = await memoryGrowth(twist, async () => {
    const client = await openRaw(t, twist.port);
    client.socket.write(GIB_HEADER);
    const flood = new Flood(client.socket, GIB);
    await standstill(() => received, 'all of it');
    t.equal(flood.sentBytes, GIB);
  });
  t.equal(received, GIB);
  t.ok(growth < 32 * MIB, `memory grew by ${mib(growth)}`);
});

t.test('five hundred sessions at once, of which nobody reads', async (t) => {
  const SESSIONS = 500;
  const PAUSE_BYTES = 64 * 1024;
  const target = await startTarget(t, (socket) => socket.pause());
  const twist = await startProxy(t, target, ['--output-pause', `${PAUSE_BYTES}`]);
  const growth = await memoryGrowth(twist, async () => {
    for (let index = 0; index < SESSIONS; index++) {
      const client = await openRaw(t, twist.port);
      client.socket.pause();
      client.socket.write(GIB_HEADER);
      for (let part = 0; part < 8; part++) client.socket.write(CHUNK);
    }
    await reached(target, SESSIONS);
    const floods = [...target.sockets].map((socket) => new Flood(socket, GIB));
    const sent = (): number => floods.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    await standstill(sent, 'everybody to be stopped');
  });
  const bound = SESSIONS * (PAUSE_BYTES + SESSION_BYTES);
  t.ok(growth < bound, `memory grew by ${mib(growth)}, less than ${mib(bound)}`);
});

t.test('a quiet session beside one that floods', async (t) => {
  const target = await startTarget(t, (socket) => {
    socket.once('data', (first: Buffer) => {
      if (first.toString() === 'flood') {
        socket.resume();
        const send = (): void => {
          while (socket.write(CHUNK));
        };
        socket.on('drain', send);
        send();
      } else {
        socket.write(first);
        socket.on('data', (chunk) => socket.write(chunk));
      }
    });
  });
  const twist = await startProxy(t, target);
  const flooded = new WebSocket(twist.url);
  t.teardown(() => {
    flooded.terminate();
  });
  let floodedBytes = 0;
  flooded.on('message', (data: Buffer) => {
    floodedBytes += data.length;
  });
  await within(once(flooded, 'open'), 'the session');
  flooded.send('flood');
  const quiet = new WebSocket(twist.url);
  t.teardown(() => {
    quiet.terminate();
  });
  await within(once(quiet, 'open'), 'the other session');
  for (let round = 0; round < 200; round++) {
    quiet.send(`round ${round}`);
    const [data] = (await within(once(quiet, 'message'), 'the answer')) as [Buffer];
    if (data.toString() !== `round ${round}`) t.fail(`another answer: ${data.toString()}`);
  }
  t.ok(floodedBytes > 10 * MIB, `beside ${mib(floodedBytes)}`);
});
