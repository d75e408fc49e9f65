/**
 * Compression while things go wrong around it: connections that are cut, a server that stops, peers
 * that come and go by the thousand, and compressors that are taken away. What the others get stays
 * right, and everything is given back.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket, type ClientOptions } from 'ws';
import { makeMessage } from '../fixtures/deflate.js';
import { clientDeflate, openForgetful, openWithExtensions } from '../fixtures/extension-client.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { MIB, STEADY_MEMORY, assertGrowth } from '../fixtures/memory-growth.js';
import { BINARY, FIN, RSV1, quickFrame } from '../fixtures/quick-frames.js';
import type { RawClient } from '../fixtures/raw-client.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { startTwist, type TwistProcess } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(150_000);

const skip = process.platform !== 'linux' && 'needs /proc';

const compressed = (message: Uint8Array): Buffer =>
  quickFrame(FIN | RSV1 | BINARY, clientDeflate.encode(message));

function assertNoDefect(t: Test, twist: TwistProcess): void {
  t.strictSame(
    twist.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    'nothing is an error of ours',
  );
}

t.test('connections that are cut while their messages are at work', { skip }, async (t) => {
  const twist = await startTwist(t);
  // What takes many slices to decompress, many to compress, or both; and one that is cut itself.
  const frames = [
    compressed(makeMessage('zeros', 12 * MIB)),
    compressed(makeMessage('json', 4 * MIB)),
    quickFrame(FIN | BINARY, makeMessage('random', 4 * MIB)),
    Buffer.concat([compressed(makeMessage('json', 300_000)), compressed(randomBytes(300_000))]),
    compressed(makeMessage('json', 4 * MIB)).subarray(0, 100_000),
  ];
  await besideHealthyPeer(t, twist, async (healthy) => {
    const clients: RawClient[] = [];
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        frames.map(async (bytes, index) => {
          const client = await openForgetful(t, twist.port);
          clients.push(client.raw);
          const { socket } = client.raw;
          await new Promise((resolve) => socket.write(bytes, resolve));
          // Some are cut when the system has taken the message, others when it is at work for sure.
          if ((round + index) % 3 !== 0) await sleep((round * 7) % 40);
          socket.resetAndDestroy();
          await client.raw.waitForClose();
        }),
      );
      await healthy.roundTrips(1);
    }
    for (const client of clients) {
      const { closedBy, code } = await twist.waitForPeer(client);
      if (closedBy !== 'lost' || code !== 1006) t.fail(`${String(closedBy)} ${String(code)}`);
    }
    t.equal(clients.length, 60, 'all are gone, and the log says so');

    // Those who stay are not given what belongs to others.
    const message = makeMessage('json', 4 * MIB, 1);
    const client = await openForgetful(t, twist.port);
    client.send([BINARY, message]);
    t.equal(Buffer.compare((await client.next()).payload, message), 0, 'a large message is right');
    await client.close();
  });
  assertNoDefect(t, twist);
  t.equal(await twist.stop(), 0, 'the server is well');
});

t.test('a cut connection does not disturb those in line behind it', { skip }, async (t) => {
  const twist = await startTwist(t);
  await besideHealthyPeer(t, twist, async () => {
    for (let round = 0; round < 5; round++) {
      const clients = await Promise.all(
        Array.from({ length: 6 }, () => openForgetful(t, twist.port)),
      );
      const messages = clients.map((_, index) => makeMessage('json', MIB + index, index));
      for (const [index, client] of clients.entries()) client.send([BINARY, messages[index]!]);
      for (const client of clients.filter((_, index) => index % 2 === 0)) {
        await sleep(5);
        client.raw.socket.resetAndDestroy();
      }
      for (const [index, client] of clients.entries()) {
        if (index % 2 === 0) continue;
        const { payload } = await client.next();
        if (Buffer.compare(payload, messages[index]!) !== 0) t.fail(`message ${index} is another`);
        await client.close();
      }
    }
  });
  assertNoDefect(t, twist);
  t.equal(await twist.stop(), 0, 'the server is well');
});

/** A client of other make, which compresses everything and checks what it gets by itself. */
async function openWs(
  t: Test,
  twist: TwistProcess,
  options: ClientOptions = {},
  path = '/',
): Promise<WebSocket> {
  const socket = new WebSocket(`${twist.url}${path}`, {
    perMessageDeflate: { threshold: 0 },
    ...options,
  });
  t.teardown(() => {
    socket.terminate();
  });
  await within(once(socket, 'open'), 'the connection');
  if (!socket.extensions.includes('permessage-deflate')) throw new Error('not agreed on');
  return socket;
}

const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

t.test('a server that stops while large messages are at work', { skip }, async (t) => {
  const twist = await startTwist(t);
  const each = 4;
  const messages = Array.from({ length: each }, (_, seed) => makeMessage('json', 6 * MIB, seed));
  const digests = messages.map(digest);
  const sockets = await Promise.all(Array.from({ length: 4 }, () => openWs(t, twist)));
  const ends = sockets.map(async (socket) => {
    const received: string[] = [];
    socket.on('message', (data) => received.push(digest(data as Buffer)));
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    return { received, code, reason: reason.toString() };
  });
  const first = within(
    Promise.race(sockets.map((socket) => once(socket, 'message'))),
    'the first echo',
  );
  for (const socket of sockets) for (const message of messages) socket.send(message);
  await first;
  twist.signal('SIGTERM');
  const ended = await within(Promise.all(ends), 'the ends');
  t.equal(await within(twist.ended, 'the end of the server'), 0, 'it ends well');
  let count = 0;
  for (const { received, code, reason } of ended) {
    t.strictSame(received, digests.slice(0, received.length), 'what came is right, in order');
    t.strictSame([code, reason], [1001, 'the server is shutting down'], 'then 1001');
    count += received.length;
  }
  t.ok(count >= 1 && count < sockets.length * each, `${count} messages were echoed`);
  const lines = twist.log.filter(({ msg }) => msg === 'session ended');
  t.equal(
    lines.reduce((sum, { out }) => sum + (out as { messages: number }).messages, 0),
    count,
    'those that were sent came',
  );
  t.ok(
    lines.every(({ closedBy, code }) => closedBy === 'server' && code === 1001),
    'nobody was dropped',
  );
  assertNoDefect(t, twist);
});

t.test('two thousand that come, compress and go', { skip }, async (t) => {
  const batch = 25;
  const twist = await startTwist(t, [], { nodeArgs: STEADY_MEMORY });
  const message = makeMessage('json', 10_000);
  const run = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += batch) {
      const visits = Array.from({ length: batch }, async (_, index) => {
        // With history on both sides, so that both contexts are kept as long as the connection.
        const client = await openWithExtensions(t, twist.port, 'permessage-deflate', [
          clientDeflate,
        ]);
        client.send([BINARY, message], [BINARY, message]);
        const { payload: echo } = await client.next();
        if (Buffer.compare(echo, message) !== 0) throw new Error('another message came back');
        // What refers to the first one is short.
        const { payload: second } = await client.nextFrame();
        if (second.length > 500) throw new Error(`${second.length} bytes for the second`);
        if (index % 3 === 0) {
          await client.close();
        } else {
          client.raw.socket.resetAndDestroy();
          await client.raw.waitForClose();
        }
      });
      await Promise.all(visits);
    }
  };
  // Until the allocator and the compiler have what they keep.
  await run(1000);
  await besideHealthyPeer(t, twist, async () => {
    // Each context that was left behind would be 0.3 MiB, 600 in all.
    await assertGrowth(t, twist, 2 * batch * 0.4 * MIB, () => run(2000));
  });
  assertNoDefect(t, twist);
  t.equal(await twist.stop(), 0, 'the server is well');
});

interface SentMessage {
  readonly payload: Uint8Array;
  readonly isBinary: boolean;
}

const describe = (payload: Uint8Array, isBinary: boolean): string =>
  `${isBinary ? 'binary' : 'text'} of ${payload.length} bytes, ${digest(payload)}`;

const SIZES = [0, 1, 31, 32, 200, 5000, 20_000, 70_000, 300_000] as const;

function randomMessages(random: SeededRandom, count: number): readonly SentMessage[] {
  return Array.from({ length: count }, () => {
    const content = random.pick(['json', 'json', 'zeros', 'random'] as const);
    const payload = makeMessage(content, random.below(random.pick(SIZES) + 1), random.below(4));
    return { payload, isBinary: content === 'random' || random.below(2) === 0 };
  });
}

/** What the clients ask for; all but the last one leave the server its history. */
const CLIENTS: readonly ClientOptions['perMessageDeflate'][] = [
  { threshold: 0 },
  { threshold: 0, serverMaxWindowBits: 9 },
  { threshold: 0, clientMaxWindowBits: 10, serverMaxWindowBits: 15 },
  { threshold: 0, clientNoContextTakeover: true },
  { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
];

t.test('compressors that are taken away', { skip }, async (t) => {
  const ratios = new Map<string, number>();
  for (const memory of ['0', '1m', '256m']) {
    await t.test(`--deflate-memory ${memory}`, async (t) => {
      const twist = await startTwist(t, ['--deflate-memory', memory]);
      const random = new SeededRandom(20_261_122);
      const count = 40;
      await besideHealthyPeer(t, twist, async () => {
        const peers = await Promise.all(
          Array.from({ length: 30 }, async (_, index) => {
            const perMessageDeflate = CLIENTS[index % CLIENTS.length]!;
            const socket = await openWs(t, twist, { perMessageDeflate }, `/${index}`);
            const received: string[] = [];
            socket.on('message', (data, isBinary) => {
              received.push(describe(data as Buffer, isBinary));
              if (received.length === count) socket.close(1000);
            });
            const same = { payload: makeMessage('json', 1000), isBinary: false };
            // The first one says the same thing again and again.
            const sent = index === 0 ? Array.from({ length: count }, () => same) : null;
            return {
              socket,
              sent: sent ?? randomMessages(random, count),
              received,
              closed: once(socket, 'close'),
            };
          }),
        );
        for (let number = 0; number < count; number++) {
          for (const { socket, sent } of peers) {
            const { payload, isBinary } = sent[number]!;
            socket.send(payload, { binary: isBinary });
          }
          // Everybody's turn comes before anybody's next message.
          if (number % 4 === 0) await sleep(5);
        }
        const codes = await within(Promise.all(peers.map(({ closed }) => closed)), 'all ends');
        t.ok(
          codes.every(([code]) => code === 1000),
          'all end well',
        );
        for (const [index, { sent, received }] of peers.entries()) {
          const expected = sent.map(({ payload, isBinary }) => describe(payload, isBinary));
          if (JSON.stringify(received) !== JSON.stringify(expected)) {
            t.strictSame(received, expected, `messages of peer ${index}`);
          }
        }
        await twist.waitForLogs(({ msg }) => msg === 'session ended', peers.length);
        const line = twist.log.find(({ path }) => path === '/0');
        const stats = line!['extensionStats'] as Record<string, { ratioOut: number }>;
        ratios.set(memory, stats['permessage-deflate']!.ratioOut);
      });
      assertNoDefect(t, twist);
      t.equal(await twist.stop(), 0, 'the server is well');
    });
  }
  t.comment(Object.fromEntries(ratios));
  t.ok(ratios.get('256m')! > 2 * ratios.get('0')!, 'history is what was taken away');
});
