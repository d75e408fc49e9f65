/**
 * What breaks servers: floods, hogs and peers that do not read. In each case memory stays bounded, a
 * healthy peer beside it is served, and everything is given back in the end.
 *
 * Memory is what the system says of the process. A bound is the limit in question, twice, and a slack
 * for the runtime itself, which has nothing to do with the number of bytes that are sent.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { POLICY_RULES, PROTOCOL_RULES } from '../../src/errors.js';
import { closeFrame, encodeFrames, readFrames } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { KIB, MIB, STEADY_MEMORY, assertGrowth, mib } from '../fixtures/memory-growth.js';
import { BINARY, CONTINUATION, FIN, PING, quickFrame } from '../fixtures/quick-frames.js';
import { type RawClient, connectRaw, openRaw } from '../fixtures/raw-client.js';
import { startTwist, type TwistProcess } from '../fixtures/twist-process.js';
import { eventually, standstill } from '../fixtures/within.js';

t.setTimeout(120_000);

/** The most that one read brings, and so the most that arrives behind a decision to stop reading. */
const READ_BYTES = 256 * KIB;

const isLinux = process.platform === 'linux';

/** A message in fragments of one byte each. */
function oneByteFragments(payload: Uint8Array): Buffer {
  const frameBytes = 7;
  const bytes = Buffer.alloc(payload.length * frameBytes);
  for (let index = 0; index < payload.length; index++) {
    const at = index * frameBytes;
    const isLast = index === payload.length - 1;
    bytes[at] = (index === 0 ? BINARY : CONTINUATION) | (isLast ? FIN : 0);
    bytes[at + 1] = 0x81;
    bytes[at + 6] = payload[index]!;
  }
  return bytes;
}

/** Runs a fault that may cost twice a limit. */
async function assertWithin(
  t: Test,
  twist: TwistProcess,
  limitBytes: number,
  fault: () => Promise<void>,
): Promise<void> {
  await assertGrowth(t, twist, 2 * limitBytes, fault);
}

const CLOSE = encodeFrames([closeFrame(1000)], true);

async function closeRaw(client: RawClient): Promise<void> {
  client.send(CLOSE);
  await client.waitForEnd();
  await client.finish();
}

t.test('a million fragments of one byte', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const count = 1_000_000;
  const twist = await startTwist(t, ['--max-fragments', String(count)], {
    nodeArgs: STEADY_MEMORY,
  });
  const echoFragments = async (length: number): Promise<void> => {
    const payload = randomBytes(length);
    const client = await openRaw(t, twist.port);
    client.send(oneByteFragments(payload));
    await client.waitForBytes(length + (length < 65_536 ? 4 : 10));
    const [echo] = readFrames(client.received);
    t.equal(Buffer.compare(echo!.payload, payload), 0, `${length} bytes come back as they were`);
    await closeRaw(client);
  };
  await echoFragments(50_000);
  await besideHealthyPeer(t, twist, async () => {
    // A message of 1 MB, and the same as its echo.
    await assertWithin(t, twist, 2 * count, () => echoFragments(count));
  });
});

t.test('fragments without end', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const limit = 262_144;
  const twist = await startTwist(t, [], { nodeArgs: STEADY_MEMORY });
  const empty = quickFrame(CONTINUATION, new Uint8Array(0));
  const endless = async (): Promise<void> => {
    const client = await openRaw(t, twist.port);
    client.send(quickFrame(BINARY, new Uint8Array(0)));
    client.send(Buffer.alloc(limit * empty.length, empty));
    await client.waitForEnd();
    t.strictSame(
      client.received,
      Buffer.from(encodeFrames([closeFrame(1008, POLICY_RULES['too-many-fragments'])], false)),
      'too many even when they are empty',
    );
    await client.finish();
    t.match(await twist.waitForPeer(client), { code: 1008, rule: 'too-many-fragments' });
  };
  await besideHealthyPeer(t, twist, async () => {
    // The first time V8 loads its compilers, which take more than this ever does.
    await endless();
    await assertWithin(t, twist, 0, endless);
  });
});

t.test('lengths that are only declared', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const twist = await startTwist(t, [], { nodeArgs: STEADY_MEMORY });
  const cases = [
    [2n ** 63n, 1002, PROTOCOL_RULES['length-top-bit']],
    [2n ** 40n, 1009, 'message is over the limit of 16777216 bytes'],
  ] as const;
  const declare = async (connections: number): Promise<void> => {
    for (const [length, code, reason] of cases) {
      const expected = Buffer.from(encodeFrames([closeFrame(code, reason)], false));
      const clients = await Promise.all(
        Array.from({ length: connections }, () => openRaw(t, twist.port)),
      );
      for (const client of clients) client.send(encodeFrames([{ opcode: 2, length }], true));
      for (const client of clients) await client.waitForEnd();
      t.ok(
        clients.every(({ received }) => received.equals(expected)),
        `${length} gets ${code}`,
      );
      await Promise.all(clients.map((client) => client.finish()));
    }
    // The largest that is allowed, of which one byte comes: 1.6 GB are declared in all.
    const clients = await Promise.all(
      Array.from({ length: connections }, () => openRaw(t, twist.port)),
    );
    const header = encodeFrames([{ opcode: 2, length: 2n ** 24n, payload: 'x' }], true);
    for (const client of clients) client.send(header);
    // When another connection was answered all of that was read.
    await closeRaw(await openRaw(t, twist.port));
    await Promise.all(clients.map((client) => client.finish()));
  };
  await declare(20);
  await besideHealthyPeer(t, twist, async () => {
    // What 100 open connections cost, 16 KiB each, and nothing for what they declare.
    await assertWithin(t, twist, 100 * 16 * KIB, () => declare(100));
  });
});

t.test('Pings from a peer that does not read', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const count = 100_000;
  const twist = await startTwist(t, [], { nodeArgs: STEADY_MEMORY });
  const pings = (length: number): Buffer => {
    const bytes = Buffer.alloc(length * 131, quickFrame(PING, Buffer.alloc(125, 'p')));
    for (let index = 0; index < length; index++) bytes.writeUInt32BE(index + 1, index * 131 + 6);
    return bytes;
  };
  const flood = async (length: number, hold: () => Promise<void>): Promise<void> => {
    const client = await openRaw(t, twist.port, { isPaused: true });
    client.send(pings(length));
    await eventually(() => client.unsentBytes === 0, 'all Pings to be taken');
    await hold();
    client.socket.resume();
    const newest = Buffer.alloc(4);
    newest.writeUInt32BE(length);
    const pong = Buffer.concat([Buffer.of(0x8a, 125), newest, Buffer.alloc(121, 'p')]);
    await client.waitUntil(() => client.received.subarray(-127).equals(pong), 'the newest Pong');
    const numbers = readFrames(client.received).map(({ payload }) =>
      Buffer.from(payload).readUInt32BE(),
    );
    t.ok(
      numbers.every((number, index) => index === 0 || number > numbers[index - 1]!),
      `${numbers.length} Pongs for ${length} Pings, in order, the newest at last`,
    );
    await closeRaw(client);
  };
  await flood(count / 10, () => Promise.resolve());
  await besideHealthyPeer(t, twist, async (healthy) => {
    // What one read brings, and the answers to it.
    await assertWithin(t, twist, 2 * READ_BYTES, () => flood(count, () => healthy.roundTrips(5)));
  });
});

/** Sends the same bytes again and again, each time when the system has taken those before. */
class Sender {
  /** How many times the bytes were taken. */
  taken = 0;
  readonly done: Promise<void>;

  constructor({ socket }: RawClient, bytes: Uint8Array, count: number) {
    this.done = new Promise((resolve) => {
      const sendNext = (): void => {
        if (this.taken === count) resolve();
        else
          socket.write(bytes, () => {
            this.taken++;
            sendNext();
          });
      };
      sendNext();
    });
  }
}

t.test('a peer that sends and does not read', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const payload = randomBytes(60_000);
  // More than both systems keep on the way: 32 MiB for the server to read is the most Linux does.
  const count = 1200;
  const message = quickFrame(FIN | BINARY, payload);
  const echo = encodeFrames([{ opcode: BINARY, payload }], false);
  const twist = await startTwist(t, [], { nodeArgs: STEADY_MEMORY });
  const warm = await openRaw(t, twist.port);
  await new Sender(warm, message, 100).done;
  await warm.waitForBytes(echo.length * 100);
  await closeRaw(warm);

  await besideHealthyPeer(t, twist, async (healthy) => {
    const client = await openRaw(t, twist.port, { isPaused: true });
    const sender = new Sender(client, message, count);
    // What may wait for the client, 1 MiB, and the read that was under way when that was reached.
    await assertWithin(t, twist, MIB + READ_BYTES, async () => {
      await standstill(() => sender.taken, 'the sender to be stopped');
      t.ok(sender.taken < count, `the client is stopped after ${mib(sender.taken * 60_000)}`);
      await healthy.roundTrips(5);
    });
    client.socket.resume();
    await sender.done;
    await client.waitForBytes(echo.length * count);
    const expected = createHash('sha256');
    for (let index = 0; index < count; index++) expected.update(echo);
    t.equal(
      createHash('sha256').update(client.received).digest('hex'),
      expected.digest('hex'),
      'when it reads at last, everything is there',
    );
    await closeRaw(client);
  });
});

t.test(
  'a peer that never reads again is dropped',
  { skip: !isLinux && 'needs /proc' },
  async (t) => {
    const twist = await startTwist(t, ['--send-timeout', '1s']);
    await besideHealthyPeer(t, twist, async () => {
      const client = await openRaw(t, twist.port, { isPaused: true });
      client.send(Buffer.alloc(64 * MIB, quickFrame(FIN | BINARY, randomBytes(60_000))));
      t.match(
        await twist.waitForPeer(client),
        { closedBy: 'server', code: 1008, rule: 'send-timeout' },
        'the log says why',
      );
      client.socket.resume();
      await client.waitForClose();
    });
  },
);

t.test('more output than may wait', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const flags = ['--output-pause', '64k', '--output-limit', '64k', '--max-message', '1k'];
  const twist = await startTwist(t, flags);
  await besideHealthyPeer(t, twist, async () => {
    const client = await openRaw(t, twist.port, { isPaused: true });
    client.send(Buffer.alloc(64 * MIB, quickFrame(FIN | BINARY, randomBytes(1000))));
    t.match(
      await twist.waitForPeer(client),
      { closedBy: 'server', code: 1008, rule: 'output-limit' },
      'the log says why',
    );
    client.socket.resume();
    await client.waitForClose();
  });
});

t.test('more echoes in one read than may wait, to a client that reads them all', async (t) => {
  const flags = ['--output-pause', '64k', '--output-limit', '64k', '--max-message', '1k'];
  const twist = await startTwist(t, flags);
  const client = await openRaw(t, twist.port);
  client.send(Buffer.alloc(3000 * 106, quickFrame(FIN | BINARY, randomBytes(100))));
  await closeRaw(client);
  t.match(
    await twist.waitForPeer(client),
    { in: { messages: 3000 }, out: { messages: 3000 }, code: 1000 },
    'it is not too slow',
  );
});

t.test('heads that trickle in', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const count = 200;
  const twist = await startTwist(t, ['--handshake-timeout', '1s']);
  await besideHealthyPeer(t, twist, async () => {
    const text = upgradeText({ Cookie: 'c'.repeat(2000) });
    const clients = await Promise.all(
      Array.from({ length: count }, async () => {
        const client = await connectRaw(t, twist.port);
        // Who has said nothing at all in the end is not worth an answer.
        client.send(text.charAt(0));
        return client;
      }),
    );
    let at = 1;
    const timer = setInterval(() => {
      for (const client of clients) client.send(text.charAt(at));
      at++;
    }, 50);
    t.teardown(() => {
      clearInterval(timer);
    });
    await Promise.all(clients.map((client) => client.waitForEnd()));
    clearInterval(timer);
    t.ok(
      clients.every(
        ({ received }) =>
          received.indexOf('HTTP/1.1 408 ') === 0 && received.includes('\r\nConnection: close\r\n'),
      ),
      'each is told that it took too long',
    );
    await Promise.all(clients.map((client) => client.finish()));
  });
});

t.test('a thousand resets', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const twist = await startTwist(t);
  /** What a client sends before it resets the connection. */
  const beginnings = [
    '',
    'GET / HT',
    upgradeText(),
    Buffer.concat([Buffer.from(upgradeText()), quickFrame(FIN | BINARY, randomBytes(100_000))]),
    Buffer.concat([
      Buffer.from(upgradeText()),
      quickFrame(BINARY, randomBytes(100_000)).subarray(0, 5000),
    ]),
  ];
  await besideHealthyPeer(t, twist, async () => {
    let resets = 0;
    while (resets < 1000) {
      const batch = Array.from({ length: 50 }, async () => {
        const beginning = beginnings[resets++ % beginnings.length]!;
        const socket = connect({ port: twist.port, host: '127.0.0.1' });
        await once(socket, 'connect');
        socket.write(beginning);
        // Half of them are cut at once, the others when the server has seen what they sent.
        if (resets % 2 === 0) await sleep(5);
        socket.resetAndDestroy();
        await once(socket, 'close');
      });
      await Promise.all(batch);
    }
    t.equal(resets, 1000, 'all were reset');
  });
  t.strictSame(
    twist.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    'none of them is an error of ours',
  );
  t.equal(await twist.stop(), 0, 'the server is well');
});

t.test('more connections than are allowed', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const limit = 50;
  const twist = await startTwist(t, ['--max-connections', String(limit)]);
  await besideHealthyPeer(t, twist, async (healthy) => {
    const admitted = await Promise.all(
      Array.from({ length: limit - 1 }, () => openRaw(t, twist.port)),
    );
    // As many again are told, one after the other; the healthy peer is one of those who are in.
    for (let count = 0; count < limit; count++) {
      const client = await connectRaw(t, twist.port);
      client.send(upgradeText());
      await client.waitForEnd();
      const answer = client.received.toString('latin1');
      if (!/^HTTP\/1\.1 503 [^]*\r\nRetry-After: \d+\r\n/.test(answer)) t.fail(answer);
      await client.finish();
    }
    t.equal(
      twist.log.filter(({ rule }) => rule === 'full').length,
      limit,
      'each is told and logged',
    );

    // A flood: nobody else gets in. Beyond what can be told, connections are only closed.
    const flood = await Promise.all(Array.from({ length: 400 }, () => connectRaw(t, twist.port)));
    for (const client of flood) client.send(upgradeText());
    await Promise.all(flood.map((client) => client.waitForEnd()));
    const told = flood.filter(({ received }) => received.includes('HTTP/1.1 503 '));
    const closed = flood.filter(({ receivedBytes }) => receivedBytes === 0);
    t.equal(told.length + closed.length, flood.length, 'nobody gets in');
    t.comment(`${told.length} of ${flood.length} were told`);
    t.ok(told.length > 0, 'some are told');
    await healthy.roundTrips(2);
    for (const client of flood) client.socket.destroy();

    await Promise.all(
      admitted.map(async (client) => {
        await closeRaw(client);
        await twist.waitForPeer(client);
      }),
    );
    for (const client of await Promise.all(admitted.map(() => openRaw(t, twist.port)))) {
      await closeRaw(client);
    }
    t.pass('afterwards there is room again');
  });
});
