/**
 * No client has more than its share of the server: beside one that keeps it busy, others are served while that goes on, and
 * memory has its bound. What is looked at is counts and order; how long anything takes is the machine's affair.
 */
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { SMALL_BYTES } from '../../src/extensions/permessage-deflate/message-output.js';
import { askHttp } from '../fixtures/ask-http.js';
import { makeMessage, repeated } from '../fixtures/deflate.js';
import { clientDeflate, openForgetful } from '../fixtures/extension-client.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { bytesOfHex } from '../fixtures/hex.js';
import { KIB, MIB, STEADY_MEMORY, assertGrowth } from '../fixtures/memory-growth.js';
import { countEchoes } from '../fixtures/meanwhile.js';
import { BINARY, FIN, FrameCutter, RSV1, TEXT, quickFrame } from '../fixtures/quick-frames.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(150_000);

const skip = process.platform !== 'linux' && 'needs /proc';

const LIMIT_BYTES = 16 * MIB;

/** The least work for the most to do: a frame for each byte. */
const SMALLEST = quickFrame(FIN | TEXT, Buffer.from('x'));
const SMALLEST_ECHO_BYTES = 3;

/** Two blocks without a byte in them, and 11.5 bytes of tables each (RFC 1951 §3.2.7). */
const EMPTY_DYNAMIC = bytesOfHex('04c0810800000000207feb47001c880000000000f2b77e');

/** A client that floods; what comes back is counted and not kept. */
async function openFlood(t: Test, port: number): Promise<RawClient> {
  const client = await connectRaw(t, port);
  await client.open();
  client.socket.on('data', () => {
    const { receivedBytes } = client;
    client.forget();
    client.receivedBytes = receivedBytes;
  });
  return client;
}

t.test('beside a flood of the smallest messages', async (t) => {
  const once = Math.floor((32 * MIB) / SMALLEST.length);
  const flood = Buffer.from(repeated(SMALLEST, once));
  // So often that it takes a second or two.
  const times = 16;
  const count = times * once;
  const twist = await startTwist(t);
  const client = await openFlood(t, twist.port);
  const echoes = await countEchoes(
    t,
    twist,
    () => {
      for (let sent = 0; sent < times; sent++) client.send(flood);
    },
    () => client.receivedBytes >= count * SMALLEST_ECHO_BYTES,
  );
  t.ok(echoes >= 30, `${echoes} messages were echoed to somebody else meanwhile`);
  t.equal(client.receivedBytes, count * SMALLEST_ECHO_BYTES, 'and the flood is answered');
});

t.test('beside compressed messages that are nothing but work, from 20 connections', async (t) => {
  const connections = 20;
  // So many that it takes a second or two: on a machine that others use, the other client has its pauses as well.
  const count = 8;
  const payload = Buffer.concat([
    repeated(EMPTY_DYNAMIC, Math.floor((120 * KIB) / EMPTY_DYNAMIC.length)),
    bytesOfHex('00'),
  ]);
  const message = quickFrame(FIN | RSV1 | TEXT, payload);
  const twist = await startTwist(t);
  let answered = 0;
  const empty: boolean[] = [];
  const clients = await Promise.all(
    Array.from({ length: connections }, () => openForgetful(t, twist.port)),
  );
  for (const { raw } of clients) {
    const cutter = new FrameCutter(({ payload }) => {
      empty.push(payload.length <= 1);
      answered++;
    });
    raw.socket.on('data', (chunk: Buffer) => {
      cutter.receive(chunk);
    });
  }
  const echoes = await countEchoes(
    t,
    twist,
    () => {
      for (const { raw } of clients) raw.send(repeated(message, count));
    },
    () => answered >= connections * count,
  );
  t.ok(echoes >= 300, `${echoes} messages were echoed to somebody else meanwhile`);
  t.strictSame(
    empty,
    Array.from({ length: connections * count }, () => true),
    'and each has its empty answer',
  );
});

t.test('twenty of the largest messages at once', { skip }, async (t) => {
  const count = 20;
  const twist = await startTwist(t, [], { nodeArgs: STEADY_MEMORY });
  // What the runtime needs for it.
  const first = await openForgetful(t, twist.port);
  for (const bytes of [100_000, 2 * MIB, LIMIT_BYTES]) {
    first.send([BINARY, Buffer.alloc(bytes, 'first ')]);
    await first.next();
  }
  await first.close();

  const message = (index: number): Buffer => Buffer.alloc(LIMIT_BYTES, `bomb ${index}. `);
  const frames = Array.from({ length: count }, (_, index) =>
    quickFrame(FIN | RSV1 | BINARY, clientDeflate.encode(message(index))),
  );
  const clients = await Promise.all(
    Array.from({ length: count }, () => openForgetful(t, twist.port)),
  );
  const good = await openForgetful(t, twist.port);
  const answers: Buffer[] = [];
  for (const [index, { raw }] of clients.entries()) {
    const cutter = new FrameCutter(({ payload }) => {
      answers[index] = Buffer.from(payload);
    });
    raw.socket.on('data', (chunk: Buffer) => {
      cutter.receive(chunk);
    });
  }
  const answered = (): number => Object.keys(answers).length;
  const text = makeMessage('json', 200 * KIB);
  let served = 0;
  const waiting: number[] = [];
  // One inflated message, and what it is compressed to; of the others what a small message may have, each way.
  await assertGrowth(t, twist, 2 * LIMIT_BYTES + count * 2 * SMALL_BYTES, async () => {
    for (const [index, { raw }] of clients.entries()) raw.send(frames[index]!);
    while (answered() < count) {
      good.send([TEXT, text]);
      const { payload } = await good.next();
      if (Buffer.compare(payload, text) !== 0) throw new Error('another message came back');
      waiting.push(count - answered());
      served++;
    }
  });
  t.ok(waiting[0]! > 0, `a good client is served before the last ${waiting[0]} bombs`);
  t.ok(served >= 5, `${served} times while they are at work`);
  const wrong = answers.flatMap((answer, index) =>
    Buffer.compare(clientDeflate.decode(answer), message(index)) === 0 ? [] : [index],
  );
  t.strictSame(wrong, [], 'all come back as they were');
});

/** What the metrics say of clients that are there, and of what they make the server hold. */
async function gauges(t: Test, twist: TwistProcess): Promise<Record<string, number>> {
  const line = twist.log.find(({ msg }) => msg === 'admin endpoint');
  const port = Number(new URL(String(line!['address'])).port);
  const { body } = await askHttp(t, port, '/metrics');
  const wanted =
    /^(twist_(?:connections|sessions|queued_bytes|backpressure_sessions|deflate_memory_bytes|deflate_contexts)(?:\{[^}]*\})?) (\S+)$/gm;
  return Object.fromEntries([...body.matchAll(wanted)].map(([, name, value]) => [name!, +value!]));
}

t.test('whoever leaves while it waits for its turn leaves nothing behind', { skip }, async (t) => {
  const count = Math.floor((8 * MIB) / SMALLEST.length);
  const flood = Buffer.from(repeated(SMALLEST, count));
  const twist = await startTwist(t, ['--admin', '0']);
  await besideHealthyPeer(t, twist, async () => {
    const before = await gauges(t, twist);
    t.ok(Object.keys(before).length >= 5, 'the gauges are there');

    const resetting = await Promise.all(Array.from({ length: 10 }, () => openFlood(t, twist.port)));
    for (const client of resetting) client.send(flood);
    await eventually(
      () => resetting.every(({ receivedBytes }) => receivedBytes > 0),
      'the first answers',
    );
    for (const { socket } of resetting) socket.resetAndDestroy();
    for (const client of resetting) {
      const line = await twist.waitForPeer(client);
      if (line['closedBy'] === 'server') t.fail(`the log says ${JSON.stringify(line)}`);
    }

    const ending = await Promise.all(Array.from({ length: 5 }, () => openFlood(t, twist.port)));
    const part = flood.subarray(0, (count >> 3) * SMALLEST.length);
    for (const { socket } of ending) socket.end(part);
    for (const client of ending) await client.waitForClose();
    t.strictSame(
      ending.map(({ receivedBytes }) => receivedBytes >= (count >> 3) * SMALLEST_ECHO_BYTES),
      ending.map(() => true),
      'whoever has sent all and its FIN has all answers',
    );

    let after: Record<string, number> = {};
    let isSame = false;
    for (let round = 0; round < 50 && !isSame; round++) {
      after = await gauges(t, twist);
      isSame = JSON.stringify(after) === JSON.stringify(before);
    }
    t.strictSame(after, before, 'nothing is held');
  });
});

t.test('beside targets that flood', async (t) => {
  const floods = 8;
  const bytes = 64 * MIB;
  const chunk = Buffer.alloc(256 * KIB, 'flood');
  const pour = (socket: Socket): void => {
    let left = bytes;
    const write = (): void => {
      while (left > 0) {
        left -= chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', write);
    write();
  };
  const target = await startTarget(t, (socket) => {
    socket.once('data', (first: Buffer) => {
      if (first.toString() === 'pour') pour(socket);
      else {
        socket.write(first);
        socket.pipe(socket);
      }
    });
  });
  const args = ['serve', '--tcp', target.address, '--listen', '127.0.0.1:0'];
  const twist = await startServing(t, { args: [...args, '--log-format', 'json'] });
  const clients = await Promise.all(Array.from({ length: floods }, () => openFlood(t, twist.port)));
  const begin = (): void => {
    for (const { socket } of clients) socket.write(quickFrame(FIN | BINARY, Buffer.from('pour')));
  };
  // With the headers of its messages it is a little more.
  const isDone = (): boolean => clients.every(({ receivedBytes }) => receivedBytes >= bytes);
  const echoes = await countEchoes(t, twist, begin, isDone);
  t.ok(echoes >= 3, `${echoes} messages came back to somebody else meanwhile`);
});
