/**
 * Little that becomes much: compressed messages that are made to exhaust memory or time. Each is
 * answered, or refused with 1009, in bounded memory and beside a healthy peer that is served as ever.
 *
 * The limit is the default one: 16 MiB a message.
 */
import { createHash } from 'node:crypto';
import { SMALL_BYTES } from '../../src/extensions/permessage-deflate/message-output.js';
import t, { type Test } from 'tap';
import {
  NodeDecompressor,
  RFC_PAYLOADS,
  makeMessage,
  repeated,
  storedBlock,
  storedWire,
} from '../fixtures/deflate.js';
import {
  type ExtensionClient,
  clientDeflate,
  openForgetful,
  openWithExtensions,
} from '../fixtures/extension-client.js';
import { MORE, closeFrame, encodeFrames } from '../fixtures/frames.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { bytesOfHex } from '../fixtures/hex.js';
import { KIB, MIB, STEADY_MEMORY, assertGrowth } from '../fixtures/memory-growth.js';
import { countEchoes } from '../fixtures/meanwhile.js';
import { BINARY, FIN, FrameCutter, RSV1, quickFrame } from '../fixtures/quick-frames.js';
import { startTwist, type TwistProcess } from '../fixtures/twist-process.js';

t.setTimeout(150_000);

const skip = process.platform !== 'linux' && 'needs /proc';

const LIMIT_BYTES = 16 * MIB;

/** 64 MiB of zeros in 65 KB. */
const BOMB = clientDeflate.encode(Buffer.alloc(64 * MIB));

const TOO_BIG = Buffer.from(
  encodeFrames([closeFrame(1009, `message is over the limit of ${LIMIT_BYTES} bytes`)], false),
);

const compressed = (payload: Uint8Array): Buffer => quickFrame(FIN | RSV1 | BINARY, payload);

/** Sends what a peer would send on any day, so that the runtime has what it needs for it. */
async function warmUp(t: Test, twist: TwistProcess): Promise<void> {
  for (const length of [1000, 100_000, 100_000, 100_000, 2 * MIB]) {
    const client = await openForgetful(t, twist.port);
    const message = makeMessage('json', length);
    client.send([BINARY, message]);
    const { payload } = await client.next();
    if (Buffer.compare(payload, message) !== 0) throw new Error('another message came back');
    await client.close();
  }
}

/** A server and what it has by itself. */
async function startWarm(t: Test, flags: readonly string[] = []): Promise<TwistProcess> {
  const twist = await startTwist(t, flags, { nodeArgs: STEADY_MEMORY });
  await warmUp(t, twist);
  return twist;
}

async function assertTooBig(
  t: Test,
  twist: TwistProcess,
  clients: readonly ExtensionClient[],
  before: Uint8Array = Buffer.alloc(0),
): Promise<void> {
  for (const { raw } of clients) await raw.waitForEnd();
  const expected = Buffer.concat([before, TOO_BIG]);
  t.ok(
    clients.every(({ raw }) => raw.received.equals(expected)),
    `1009 for each of ${clients.length}, and nothing else`,
  );
  for (const { raw } of clients) await raw.finish();
  for (const { raw } of clients) {
    const { closedBy, code, rule } = await twist.waitForPeer(raw);
    if (closedBy !== 'server' || code !== 1009 || rule !== 'message-too-big')
      t.fail(`the log says ${String(closedBy)}, ${String(code)}, ${String(rule)}`);
  }
}

/** Somebody else was served again and again while it lasted. */
function assertServed(t: Test, echoes: number): void {
  t.ok(echoes >= 3, `${echoes} messages were echoed to somebody else meanwhile`);
}

t.test('one bomb', { skip }, async (t) => {
  const twist = await startWarm(t);
  await besideHealthyPeer(t, twist, async () => {
    const client = await openForgetful(t, twist.port);
    await assertGrowth(t, twist, 2 * LIMIT_BYTES, async () => {
      client.raw.send(compressed(BOMB));
      await client.raw.waitForEnd();
    });
    await assertTooBig(t, twist, [client]);
  });
});

t.test('a hundred bombs at once', { skip }, async (t) => {
  const count = 100;
  const twist = await startWarm(t);
  await besideHealthyPeer(t, twist, async (healthy) => {
    const clients = await Promise.all(
      Array.from({ length: count }, () => openForgetful(t, twist.port)),
    );
    // One at a time has memory for its message; the others hold what a small message may have, and what came.
    await assertGrowth(t, twist, 2 * LIMIT_BYTES + count * 2 * SMALL_BYTES, async () => {
      const bytes = compressed(BOMB);
      const begin = (): void => {
        for (const { raw } of clients) raw.send(bytes);
      };
      const isDone = (): boolean => clients.every(({ raw }) => raw.hasEnded);
      const echoes = await countEchoes(t, twist, begin, isDone);
      assertServed(t, echoes);
      await healthy.roundTrips(1);
    });
    await assertTooBig(t, twist, clients);
  });
});

t.test('bomb after bomb', { skip }, async (t) => {
  const twist = await startWarm(t);
  await besideHealthyPeer(t, twist, async () => {
    // The memory of the one before is garbage that the runtime may not have collected.
    await assertGrowth(t, twist, 4 * LIMIT_BYTES, async () => {
      for (let count = 0; count < 20; count++) {
        const client = await openForgetful(t, twist.port);
        client.raw.send(compressed(BOMB));
        await assertTooBig(t, twist, [client]);
      }
    });
  });
});

t.test('a bomb in fragments', { skip }, async (t) => {
  const twist = await startWarm(t);
  await besideHealthyPeer(t, twist, async () => {
    const client = await openForgetful(t, twist.port);
    const half = BOMB.length >> 1;
    await assertGrowth(t, twist, 2 * LIMIT_BYTES, async () => {
      client.sendFrames(
        { opcode: BINARY, rsv: 4, payload: BOMB.subarray(0, half), ...MORE },
        { opcode: 9, payload: 'between' },
        { opcode: 0, payload: BOMB.subarray(half) },
      );
      await client.raw.waitForEnd();
    });
    // They may come together.
    const pong = Buffer.concat([bytesOfHex('8a07'), Buffer.from('between')]);
    await assertTooBig(t, twist, [client], pong);
  });
});

/** A message of 1 MiB that compresses to 1 KB, and its number. */
function smallBomb(number: number): Buffer {
  const message = Buffer.alloc(MIB);
  message.writeUInt32BE(number);
  return message;
}

t.test('many small bombs in one segment', { skip }, async (t) => {
  const count = 200;
  const twist = await startWarm(t);
  const bytes = Buffer.concat(
    Array.from({ length: count }, (_, number) =>
      compressed(clientDeflate.encode(smallBomb(number))),
    ),
  );
  t.ok(bytes.length < 256 * KIB, `${count} messages in ${bytes.length} bytes`);
  await besideHealthyPeer(t, twist, async () => {
    // With history: what comes back can only be read in order.
    const client = await openWithExtensions(t, twist.port, 'permessage-deflate', [clientDeflate]);
    const answers: Uint8Array[] = [];
    const cutter = new FrameCutter(({ first, payload }) => {
      if (first === (FIN | RSV1 | BINARY)) answers.push(payload);
    });
    client.raw.socket.on('data', (chunk: Buffer) => {
      cutter.receive(chunk);
    });
    // One message is at work in each direction, and one or two wait to be compressed. All others are
    // garbage, which the runtime collects when there are some 60 MiB of it.
    await assertGrowth(t, twist, 4 * LIMIT_BYTES, async () => {
      const begin = (): void => {
        client.raw.send(bytes);
      };
      const echoes = await countEchoes(t, twist, begin, () => answers.length === count);
      assertServed(t, echoes);
    });
    const decompressor = new NodeDecompressor();
    const wrong: number[] = [];
    for (const [number, answer] of answers.entries()) {
      const message = await decompressor.decompress(answer);
      if (Buffer.compare(message, smallBomb(number)) !== 0) wrong.push(number);
    }
    await decompressor.close();
    t.strictSame(wrong, [], 'all come back as they were, in order');
    client.raw.forget();
    client.raw.send(encodeFrames([closeFrame(1000)], true));
    await client.raw.waitForEnd();
    await client.raw.finish();
    const counted = { messages: count, bytes: count * MIB };
    t.match(await twist.waitForPeer(client.raw), { in: counted, out: counted, code: 1000 });
  });
});

t.test('small bombs to a client that does not read', { skip }, async (t) => {
  // Echoes that are not compressed: 1 KB becomes 1 MiB.
  const count = 100;
  const twist = await startWarm(t, ['--deflate-threshold', '16m']);
  const bytes = Buffer.concat(
    Array.from({ length: count }, (_, number) =>
      compressed(clientDeflate.encode(smallBomb(number))),
    ),
  );
  await besideHealthyPeer(t, twist, async (healthy) => {
    const client = await openForgetful(t, twist.port);
    client.raw.socket.pause();
    // What may wait for the client is 1 MiB and one message; and one is on its way there.
    await assertGrowth(t, twist, 2 * 4 * MIB, async () => {
      client.raw.send(bytes);
      await healthy.roundTrips(20);
    });
    const hash = createHash('sha256');
    const expected = createHash('sha256');
    let expectedBytes = 0;
    for (let number = 0; number < count; number++) {
      const wire = storedWire(smallBomb(number));
      const header = Buffer.alloc(10);
      header.writeUInt16BE(((FIN | RSV1 | BINARY) << 8) | 127);
      header.writeUInt32BE(wire.length, 6);
      expected.update(header).update(wire);
      expectedBytes += header.length + wire.length;
    }
    const update = (chunk: Buffer): void => {
      hash.update(chunk);
    };
    client.raw.socket.on('data', update);
    client.raw.socket.resume();
    await client.raw.waitForBytes(expectedBytes);
    client.raw.socket.off('data', update);
    t.equal(
      hash.digest('hex'),
      expected.digest('hex'),
      'when it reads at last, everything is there',
    );
    t.equal(client.raw.receivedBytes, expectedBytes, 'and nothing more');
    client.raw.forget();
    client.raw.send(encodeFrames([closeFrame(1000)], true));
    await client.raw.waitForEnd();
    await client.raw.finish();
  });
});

/** Sends one message and counts what is echoed to somebody else until its answer is there. */
async function countBehind(
  t: Test,
  twist: TwistProcess,
  client: ExtensionClient,
  payload: Uint8Array,
): Promise<number> {
  const begin = (): void => {
    client.raw.send(compressed(payload));
  };
  return await countEchoes(t, twist, begin, () => client.raw.receivedBytes > 0);
}

t.test('blocks within blocks', { skip }, async (t) => {
  const twist = await startWarm(t);

  await t.test('100,000 empty final blocks', async (t) => {
    const emptyBlocks = (count: number): Uint8Array => repeated(bytesOfHex('0300'), count);
    const first = await openForgetful(t, twist.port);
    first.raw.send(compressed(emptyBlocks(10_000)));
    await first.next();
    await first.close();
    await besideHealthyPeer(t, twist, async () => {
      const client = await openForgetful(t, twist.port);
      await assertGrowth(t, twist, 2 * MIB, async () => {
        const echoes = await countBehind(t, twist, client, emptyBlocks(100_000));
        assertServed(t, echoes);
      });
      t.match(await client.next(), { opcode: BINARY, payload: { length: 0 } }, 'an empty message');
      client.raw.send(compressed(RFC_PAYLOADS.oneBlock));
      t.equal(
        Buffer.from((await client.next()).payload).toString(),
        'Hello',
        'the next one as well',
      );
      await client.close();
    });
  });

  await t.test('three million empty stored blocks', async (t) => {
    await besideHealthyPeer(t, twist, async () => {
      const client = await openForgetful(t, twist.port);
      const payload = repeated(storedBlock(new Uint8Array(0)), 3_000_000);
      // It is large on the wire: the message as it was put together, the buffer that it outgrew, and
      // the copy that is at work.
      await assertGrowth(t, twist, 3 * LIMIT_BYTES, async () => {
        const echoes = await countBehind(t, twist, client, payload);
        assertServed(t, echoes);
      });
      t.match(await client.next(), { opcode: BINARY, payload: { length: 0 } }, 'an empty message');
      await client.close();
    });
  });

  await t.test('16 MiB of stored blocks, which are a little more on the wire', async (t) => {
    await besideHealthyPeer(t, twist, async () => {
      const client = await openForgetful(t, twist.port);
      const message = makeMessage('random', LIMIT_BYTES);
      const blocks: Uint8Array[] = [];
      for (let at = 0; at < message.length; at += 65_535)
        blocks.push(storedBlock(message.subarray(at, at + 65_535)));
      const payload = Buffer.concat([...blocks, bytesOfHex('00')]);
      const echoes = await countBehind(t, twist, client, payload);
      assertServed(t, echoes);
      const { payload: echo } = await client.next();
      t.equal(Buffer.compare(echo, message), 0, 'as it was');
      await client.close();
    });
  });

  await t.test('a bomb in a bomb', async (t) => {
    await besideHealthyPeer(t, twist, async () => {
      const client = await openForgetful(t, twist.port);
      await assertGrowth(t, twist, 2 * MIB, async () => {
        client.send([BINARY, BOMB]);
        t.equal(Buffer.compare((await client.next()).payload, BOMB), 0, 'only one is opened');
      });
      await client.close();
    });
  });
});

t.test('more output for each byte than is allowed', { skip }, async (t) => {
  const ratio = 20;
  const twist = await startWarm(t, ['--deflate-max-ratio', String(ratio)]);
  await besideHealthyPeer(t, twist, async () => {
    const client = await openForgetful(t, twist.port);
    const zeros = Buffer.alloc(MIB);
    const json = makeMessage('json', 8 * MIB);
    t.ok(clientDeflate.encode(json).length * ratio > json.length, 'a message that compresses well');
    for (const [what, message] of [
      ['1 MiB of zeros are no bomb', zeros],
      ['a large message that is no bomb', json],
    ] as const) {
      client.send([BINARY, message]);
      t.equal(Buffer.compare((await client.next()).payload, message), 0, what);
    }
    await assertGrowth(t, twist, 2 * 2 * MIB, async () => {
      client.send([BINARY, Buffer.alloc(8 * MIB)]);
      t.equal(
        await client.closeText(),
        `1009 message is over the limit of ${MIB} bytes`,
        'a bomb below the limit',
      );
    });
    t.match(await twist.waitForPeer(client.raw), { code: 1009, rule: 'message-too-big' });
  });
});

t.test('16 MiB, and one byte more', { skip }, async (t) => {
  const twist = await startWarm(t);
  await besideHealthyPeer(t, twist, async () => {
    const client = await openForgetful(t, twist.port);
    const message = Buffer.alloc(LIMIT_BYTES, 'limit ');
    client.send([BINARY, message]);
    t.equal(Buffer.compare((await client.next()).payload, message), 0, 'the largest one');
    const larger = await openForgetful(t, twist.port);
    larger.send([BINARY, Buffer.concat([message, Buffer.of(0)])]);
    await assertTooBig(t, twist, [larger]);
    await client.close();
  });
  t.strictSame(
    twist.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    'none of it is an error of ours',
  );
});
