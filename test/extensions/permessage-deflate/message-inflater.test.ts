import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { InvalidPayloadError, MessageTooBigError } from '../../../src/errors.js';
import { MessageDeflater } from '../../../src/extensions/permessage-deflate/message-deflater.js';
import {
  MessageInflater,
  type InflaterOptions,
} from '../../../src/extensions/permessage-deflate/message-inflater.js';
import {
  ALL_CONTENTS,
  HELLO,
  NodeCompressor,
  RFC_PAYLOADS,
  SLICE_BYTES,
  TAIL_BYTES,
  copied,
  makeMessage,
  makeShared,
  referenceInflateAll,
  repeated,
  storedBlock,
  type TestShared,
} from '../../fixtures/deflate.js';
import { CountedTurns } from '../../fixtures/counted-turns.js';
import { bytesOfHex, hexOf } from '../../fixtures/hex.js';
import { Mismatches } from '../../fixtures/mismatches.js';

const KIB = 1024;
const MIB = 1024 * 1024;
const MANY = 64 * MIB;

const KINDS = [
  ['handle', true],
  ['public', false],
] as const;

const DEFAULTS: InflaterOptions = { windowBits: 15, hasTakeover: true, maxRatio: 0 };

const make = (options: Partial<InflaterOptions> = {}, shared = makeShared()): MessageInflater =>
  new MessageInflater({ ...DEFAULTS, ...options }, shared, shared.slicedWork.makeShare());

function atOnce(result: Uint8Array | Promise<Uint8Array>): Uint8Array {
  if (result instanceof Promise) throw new Error('it did not come at once');
  return result;
}

function later(result: Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
  if (!(result instanceof Promise)) throw new Error('it came at once');
  return result;
}

/** What comes of a message, whether it is thrown or rejected. */
async function outcome(
  inflater: MessageInflater,
  wire: Uint8Array,
  maxBytes = MANY,
): Promise<unknown> {
  try {
    return await copied(inflater.inflate(wire, maxBytes));
  } catch (error) {
    return error;
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/** A message on the wire, of a compressor without history. */
const deflated = (message: Uint8Array, level = 6): Uint8Array =>
  deflateRawSync(message, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

/** Noise in blocks without compression. */
const stored = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / 65_535) }, (_, index) =>
    storedBlock(bytes.subarray(index * 65_535, (index + 1) * 65_535)),
  );

/** "Hello" in a block with BFINAL, and nothing in one. */
const FINAL_HELLO = bytesOfHex('f3 48 cd c9 c9 07 00');
const FINAL_EMPTY = bytesOfHex('03 00');
const OPEN_HELLO = Buffer.concat([RFC_PAYLOADS.oneBlock, TAIL_BYTES]);

/** A message of which exactly a hundred times as much comes out, over 1 MiB. */
function makeRatioBomb(): { readonly wire: Uint8Array; readonly messageBytes: number } {
  // Zeros, and as much noise behind them as it takes.
  for (let zeroBytes = 2 * MIB; ; zeroBytes++) {
    const head = Buffer.concat([deflated(makeMessage('zeros', zeroBytes), 1), TAIL_BYTES]);
    const noiseBytes = (zeroBytes - 100 * (head.length + 5 + 1)) / 99;
    if (!Number.isInteger(noiseBytes)) continue;
    const noise = makeMessage('random', noiseBytes);
    const wire = Buffer.concat([head, storedBlock(noise), bytesOfHex('00')]);
    return { wire, messageBytes: zeroBytes + noiseBytes };
  }
}
const ratioBomb = makeRatioBomb();
const sizeBomb = deflated(makeMessage('zeros', 64 * MIB), 6);

const BAD_DATA = { name: 'InvalidPayloadError', rule: 'deflate-data', closeCode: 1007 };

for (const [kind, isSync] of KINDS) {
  const shared = (): TestShared => makeShared(isSync);

  t.test(`${kind}: all examples of RFC 7692 §7.2.3, with takeover`, async (t) => {
    const { oneBlock, sharedWindow, noCompression, finalBlock, twoBlocks, empty } = RFC_PAYLOADS;
    for (const windowBits of [8, 9, 10, 11, 12, 13, 14, 15]) {
      const inflater = make({ windowBits }, shared());
      for (const [name, wire, text] of [
        ['§7.2.3.1', oneBlock, 'Hello'],
        ['§7.2.3.2', sharedWindow, 'Hello'],
        ['§7.2.3.3', noCompression, 'Hello'],
        ['§7.2.3.2 behind §7.2.3.3', sharedWindow, 'Hello'],
        ['§7.2.3.6', empty, ''],
        ['§7.2.3.2 behind §7.2.3.6', sharedWindow, 'Hello'],
        ['§7.2.3.4', finalBlock, 'Hello'],
        ['§7.2.3.1 behind §7.2.3.4', oneBlock, 'Hello'],
        ['§7.2.3.5', twoBlocks, 'Hello'],
        ['§7.2.3.2 behind §7.2.3.5', sharedWindow, 'Hello'],
      ] as const) {
        t.equal(Buffer.from(atOnce(inflater.inflate(wire, 5))).toString(), text, name);
      }
      inflater.close();
    }
  });

  t.test(`${kind}: the examples without takeover`, async (t) => {
    const { oneBlock, sharedWindow, noCompression, finalBlock, twoBlocks, empty } = RFC_PAYLOADS;
    const inflater = make({ hasTakeover: false }, shared());
    for (const wire of [oneBlock, noCompression, finalBlock, twoBlocks, oneBlock]) {
      t.equal(Buffer.from(atOnce(inflater.inflate(wire, 5))).toString(), 'Hello', hexOf(wire));
      t.equal(atOnce(inflater.inflate(empty, 0)).length, 0);
    }
    t.match(await outcome(inflater, sharedWindow), BAD_DATA, 'there is nothing it may refer to');
  });

  t.test(`${kind}: a payload of no bytes is a message of no bytes`, async (t) => {
    const inflater = make({}, shared());
    t.equal(atOnce(inflater.inflate(new Uint8Array(0), 0)).length, 0);
    t.equal(Buffer.from(atOnce(inflater.inflate(RFC_PAYLOADS.oneBlock, 5))).toString(), 'Hello');
    t.equal(atOnce(inflater.inflate(new Uint8Array(0), 0)).length, 0);
    const { sharedWindow } = RFC_PAYLOADS;
    t.equal(Buffer.from(atOnce(inflater.inflate(sharedWindow, 5))).toString(), 'Hello');
  });

  t.test(`${kind}: messages of a peer with history`, async (t) => {
    const messages = [
      ...[0, 1, 2, 5, 125, 126, 127, 1000, 65_535, 65_536, 65_537],
      ...[SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 2 * SLICE_BYTES, 2 * SLICE_BYTES + 1],
    ].flatMap((size) => ALL_CONTENTS.map((content) => makeMessage(content, size)));
    for (const windowBits of [9, 12, 15]) {
      for (const level of [0, 1, 9]) {
        const peer = new NodeCompressor({ windowBits, level });
        const inflater = make({ windowBits }, shared());
        const mismatches = new Mismatches();
        for (const message of messages) {
          const wire = await peer.compress(message);
          const back = await copied(inflater.inflate(wire, message.length));
          mismatches.compare(isSame(back, message), true, () => `${message.length} bytes`);
        }
        mismatches.assertNone(t, messages.length, `level ${level}, ${windowBits} bits`);
        await peer.close();
        inflater.close();
      }
    }
  });

  t.test(`${kind}: large messages`, async (t) => {
    for (const content of isSync ? ALL_CONTENTS : (['json'] as const)) {
      for (const size of [MIB - 1, MIB, MIB + 1, 16 * MIB]) {
        const message = makeMessage(content, size);
        const all = shared();
        const inflater = make({}, all);
        const wire = deflated(message, 1);
        t.ok(isSame(await copied(inflater.inflate(wire, size)), message), `${content}, ${size}`);
        t.ok(isSame(await copied(inflater.inflate(wire, size)), message), 'and once more');
        await nextTurn();
        t.ok(all.room.inflated.bytes.length <= MIB, 'what is large is given back');
        inflater.close();
      }
    }
  });

  t.test(`${kind}: what comes out is as long as a buffer, or nearly`, async (t) => {
    for (const bufferBytes of [SLICE_BYTES, 2 * SLICE_BYTES, MIB]) {
      for (const more of [-2, -1, 0, 1, 2]) {
        const zeros = makeMessage('zeros', bufferBytes + more);
        const noise = makeMessage('random', bufferBytes + more);
        for (const [message, wire] of [
          [zeros, deflated(zeros)],
          [noise, Buffer.concat([...stored(noise), bytesOfHex('00')])],
        ] as const) {
          const inflater = make({}, shared());
          const back = [
            await copied(inflater.inflate(wire, message.length)),
            await copied(inflater.inflate(RFC_PAYLOADS.oneBlock, 5)),
          ];
          t.ok(
            isSame(Buffer.concat(back), Buffer.concat([message, HELLO])),
            `${bufferBytes} and ${more}`,
          );
          inflater.close();
        }
      }
    }
  });

  // ---- BFINAL (RFC 7692 §7.2.3.4)

  t.test(`${kind}: final blocks, wherever they are`, async (t) => {
    const { sharedWindow, finalBlock } = RFC_PAYLOADS;
    for (const [name, parts, text] of [
      ['at the end, with the header of an empty block', [finalBlock], 'Hello'],
      ['at the end', [FINAL_HELLO], 'Hello'],
      ['at the beginning', [FINAL_HELLO, OPEN_HELLO, sharedWindow], 'HelloHelloHello'],
      ['in the middle', [OPEN_HELLO, FINAL_HELLO, RFC_PAYLOADS.oneBlock], 'HelloHelloHello'],
      ['all', [FINAL_HELLO, FINAL_HELLO, FINAL_HELLO], 'HelloHelloHello'],
      ['many', new Array<Uint8Array>(900).fill(FINAL_HELLO), 'Hello'.repeat(900)],
      ['an empty one', [FINAL_EMPTY], ''],
      ['empty ones', [FINAL_EMPTY, FINAL_EMPTY, OPEN_HELLO, FINAL_EMPTY], 'Hello'],
      ['a stored one', [storedBlock(HELLO, true), RFC_PAYLOADS.noCompression], 'HelloHello'],
      // The tail is put back as it is, and here its first bits end the block.
      ['one that the tail ends', [FINAL_HELLO.subarray(0, 6)], 'Hello'],
    ] as const) {
      const inflater = make({}, shared());
      const all = [Buffer.concat(parts), RFC_PAYLOADS.oneBlock, sharedWindow];
      const back: string[] = [];
      for (const wire of all) {
        back.push(Buffer.from(await copied(inflater.inflate(wire, MANY))).toString());
      }
      t.strictSame(back, [text, 'Hello', 'Hello'], name);
      inflater.close();
    }
  });

  t.test(`${kind}: a final block that ends where a buffer ends, or nearly`, async (t) => {
    const noise = makeMessage('random', 3 * SLICE_BYTES);
    for (const [name, headBytes] of [
      // Two blocks, each with five bytes before it.
      ['what goes in', SLICE_BYTES - 10],
      ['what comes out', SLICE_BYTES],
    ] as const) {
      for (const more of [-3, -2, -1, 0, 1, 2, 3]) {
        const first = Math.min(65_535, (headBytes + more) >> 1);
        const second = Math.min(65_535, headBytes + more - first);
        const third = headBytes + more - first - second;
        const bytes = (from: number, length: number): Uint8Array =>
          noise.subarray(from, from + length);
        const wire = Buffer.concat([
          storedBlock(bytes(0, first)),
          ...(third > 0 ? [storedBlock(bytes(first, third))] : []),
          storedBlock(bytes(first + third, second), true),
          FINAL_HELLO,
          ...stored(bytes(0, 70_000)),
          FINAL_HELLO,
          RFC_PAYLOADS.oneBlock,
        ]);
        const expected = Buffer.concat([
          bytes(0, headBytes + more),
          HELLO,
          bytes(0, 70_000),
          HELLO,
          HELLO,
        ]);
        const inflater = make({}, shared());
        const back = await copied(inflater.inflate(wire, MANY));
        t.ok(isSame(back, expected), `${name}: ${more}`);
        const next = await copied(inflater.inflate(RFC_PAYLOADS.sharedWindow, 5));
        t.equal(Buffer.from(next).toString(), 'Hello', 'and what follows');
        inflater.close();
      }
    }
  });

  t.test(`${kind}: a final block ends what may be referred to`, async (t) => {
    const { sharedWindow } = RFC_PAYLOADS;
    const within = make({}, shared());
    t.match(await outcome(within, Buffer.concat([FINAL_HELLO, sharedWindow])), BAD_DATA);
    const second = make({}, shared());
    atOnce(second.inflate(RFC_PAYLOADS.oneBlock, 5));
    t.match(await outcome(second, Buffer.concat([FINAL_HELLO, sharedWindow])), BAD_DATA);
    const next = make({}, shared());
    t.equal(Buffer.from(atOnce(next.inflate(FINAL_HELLO, 5))).toString(), 'Hello');
    t.match(await outcome(next, sharedWindow), BAD_DATA);
  });

  // ---- What is wrong

  t.test(`${kind}: what cannot be decompressed is 1007`, async (t) => {
    for (const garbage of [
      '07',
      '00 05 00 fa fe 48 65 6c 6c 6f 00',
      'f2 00 11 00 00',
      'ff ff ff ff ff ff ff ff',
      '48 65 6c 6c 6f 20 77 6f 72 6c 64',
      // A good message, and garbage behind its final block.
      'f3 48 cd c9 c9 07 00 ff ff',
    ]) {
      const inflater = make({}, shared());
      const error = await outcome(inflater, bytesOfHex(garbage));
      t.ok(error instanceof InvalidPayloadError, garbage);
      t.match(error, BAD_DATA);
      t.throws(() => inflater.inflate(bytesOfHex(garbage), MANY), InvalidPayloadError, 'at once');
      inflater.close();
    }
  });

  t.test(`${kind}: garbage in the middle of a large message`, async (t) => {
    const noise = makeMessage('random', 3 * SLICE_BYTES);
    const inflater = make({}, shared());
    const wire = Buffer.concat([...stored(noise), bytesOfHex('ff ff')]);
    await t.rejects(later(inflater.inflate(wire, MANY)), BAD_DATA);
    inflater.close();
  });

  t.test(`${kind}: exactly the largest message, and one byte more`, async (t) => {
    for (const size of [
      0,
      1,
      5,
      1000,
      SLICE_BYTES - 1,
      SLICE_BYTES,
      SLICE_BYTES + 1,
      MIB,
      3 * MIB,
    ]) {
      for (const content of ALL_CONTENTS) {
        const wire = deflated(makeMessage(content, size), 1);
        const name = `${content} of ${size}`;
        const whole = await outcome(make({}, shared()), wire, size);
        t.equal((whole as Uint8Array).length, size, name);
        if (size === 0) continue;
        const error = await outcome(make({}, shared()), wire, size - 1);
        t.ok(error instanceof MessageTooBigError, `${name} is too much for ${size - 1}`);
        t.match(error, { rule: 'message-too-big', closeCode: 1009, limitBytes: size - 1 });
      }
    }
  });

  t.test(`${kind}: the limit is that of the message, not of each stream in it`, async (t) => {
    const wire = Buffer.concat([FINAL_HELLO, FINAL_HELLO, RFC_PAYLOADS.oneBlock]);
    const whole = await outcome(make({}, shared()), wire, 15);
    t.equal(Buffer.from(whole as Uint8Array).toString(), 'HelloHelloHello');
    for (const maxBytes of [0, 4, 5, 9, 10, 14]) {
      t.match(await outcome(make({}, shared()), wire, maxBytes), { limitBytes: maxBytes });
    }
    const inflater = make({}, shared());
    for (const maxBytes of [15, 15, 16, 100, 15]) {
      const back = Buffer.from(atOnce(inflater.inflate(wire, maxBytes))).toString();
      t.equal(back, 'HelloHelloHello', 'nor do messages add up');
    }
  });

  t.test(`${kind}: a bomb of 64 MiB in 65 KB`, async (t) => {
    t.ok(sizeBomb.length < 70_000, `${sizeBomb.length} bytes`);
    for (const maxBytes of [1000, MIB, 16 * MIB]) {
      const all = shared();
      const inflater = make({}, all);
      let largestBytes = 0;
      let isOver = false;
      const watch = (): void => {
        largestBytes = Math.max(largestBytes, all.room.inflated.bytes.length);
        if (!isOver) setImmediate(watch);
      };
      setImmediate(watch);
      const error = await outcome(inflater, sizeBomb, maxBytes);
      isOver = true;
      t.ok(error instanceof MessageTooBigError);
      t.match(error, { limitBytes: maxBytes });
      t.ok(
        largestBytes <= Math.max(maxBytes, MIB) + SLICE_BYTES,
        `${largestBytes} bytes of room for ${maxBytes}`,
      );
      // What comes in counts too, and a few bytes of it for more.
      const most = (maxBytes + 16 * sizeBomb.length) / SLICE_BYTES + 2;
      t.ok(all.slicedWork.sliceCount <= most, 'nor was more looked at');
      await nextTurn();
      t.ok(all.room.inflated.bytes.length <= MIB);
      inflater.close();
    }
  });

  t.test(`${kind}: exactly the largest ratio, and what is beyond it`, async (t) => {
    const { wire, messageBytes } = ratioBomb;
    const maxRatio = 100;
    t.equal(messageBytes, wire.length * maxRatio);
    const whole = await outcome(make({ maxRatio }, shared()), wire);
    t.equal((whole as Uint8Array).length, messageBytes, 'exactly the ratio');
    const error = await outcome(make({ maxRatio: maxRatio - 1 }, shared()), wire);
    t.ok(error instanceof MessageTooBigError, 'beyond it');
    t.match(error, { limitBytes: Math.max(MIB, wire.length * (maxRatio - 1)) });
    const free = await outcome(make({ maxRatio: 0 }, shared()), wire);
    t.equal((free as Uint8Array).length, messageBytes, 'no ratio');
  });

  t.test(`${kind}: up to 1 MiB there is no ratio`, async (t) => {
    const wire = (size: number): Uint8Array => deflated(makeMessage('zeros', size));
    const allowed = await outcome(make({ maxRatio: 1 }, shared()), wire(MIB));
    t.equal((allowed as Uint8Array).length, MIB);
    const error = await outcome(make({ maxRatio: 1 }, shared()), wire(MIB + 1));
    t.ok(error instanceof MessageTooBigError);
    t.match(error, { limitBytes: MIB }, 'this is the limit that it met');
  });

  // ---- Others

  t.test(`${kind}: the payload is only needed during the call`, async (t) => {
    for (const content of ALL_CONTENTS) {
      const message = makeMessage(content, 5 * SLICE_BYTES + 77);
      const payload = Buffer.from(deflated(message));
      const pending = later(make({}, shared()).inflate(payload, MANY));
      payload.fill(0xee);
      t.ok(isSame(await copied(pending), message), content);
    }
  });

  t.test(`${kind}: messages of many connections do not mix, large or small`, async (t) => {
    const all = shared();
    const peers = await Promise.all(
      [1, 2, 3, 4].map(async (seed) => {
        const peer = new NodeCompressor();
        const messages = [0, 1, 2].map((round) =>
          Buffer.concat([
            makeMessage('json', (5 - seed) * SLICE_BYTES, seed + round),
            makeMessage('random', 100_000, seed),
          ]),
        );
        const wires: Uint8Array[] = [];
        for (const message of messages) wires.push(await peer.compress(message));
        await peer.close();
        return { seed, messages, wires, inflater: make({}, all) };
      }),
    );
    let turnCount = 0;
    let isOver = false;
    const small = makeMessage('json', 3000, 9);
    const smallWire = deflated(small);
    const other = make({ hasTakeover: false }, all);
    const tick = (): void => {
      if (isOver) return;
      turnCount++;
      // Small messages come in between, and use the scratch buffer.
      void copied(other.inflate(smallWire, 3000)).then((back) => {
        if (!isSame(back, small)) t.fail('the small one');
        setImmediate(tick);
      });
    };
    setImmediate(tick);
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        peers.map(async ({ seed, messages, wires, inflater }) => {
          const back = await inflater.inflate(wires[round]!, MANY);
          t.ok(isSame(back, messages[round]!), `${seed}, ${round}`);
        }),
      );
    }
    isOver = true;
    t.ok(turnCount > 0, `others had ${turnCount} turns`);
  });

  t.test(`${kind}: there and back, with both directions at work`, async (t) => {
    const all = shared();
    const pairs = [1, 2].map((seed) => ({
      seed,
      deflater: new MessageDeflater(
        { windowBits: 15, level: 3, hasTakeover: true },
        all,
        all.slicedWork.makeShare(),
      ),
      inflater: make({}, all),
    }));
    for (let round = 0; round < 12; round++) {
      for (const { seed, deflater, inflater } of pairs) {
        const message = makeMessage('json', round % 4 === 3 ? 300_000 : 2000, seed + round);
        // What one direction made is used by the other as it is, like an echo does.
        const wire = await deflater.deflate(message);
        const back = await inflater.inflate(wire, MANY);
        t.ok(isSame(back, message), `${seed}, ${round}`);
      }
    }
    const large = makeMessage('json', 500_000);
    const wire = await copied(pairs[0]!.deflater.deflate(large));
    const inflated = await pairs[0]!.inflater.inflate(wire, MANY);
    const echoed = await copied(pairs[1]!.deflater.deflate(inflated));
    t.ok(isSame(await pairs[1]!.inflater.inflate(echoed, MANY), large), 'a large echo');
  });

  t.test(`${kind}: a connection that ends in the middle of a message`, async (t) => {
    const all = shared();
    const message = makeMessage('json', 6 * SLICE_BYTES);
    const wire = deflated(message);
    const inflater = make({}, all);
    const pending = later(inflater.inflate(wire, MANY));
    const behind = copied(make({}, all).inflate(wire, MANY));
    await nextTurn();
    inflater.close();
    t.equal((await pending).length, 0, 'nobody waits for it any more');
    t.ok(isSame(await behind, message), 'those behind it are not touched');
    inflater.close();
    make({}, all).close();
  });
}

t.test('handle: 100,000 final blocks in one message are done in slices', async (t) => {
  const shared = makeShared();
  const inflater = make({}, shared);
  const back = await later(inflater.inflate(repeated(FINAL_EMPTY, 100_000), MANY));
  t.equal(back.length, 0);
  // A reset counts as a kilobyte.
  const { sliceCount } = shared.slicedWork;
  t.ok(sliceCount > 500 && sliceCount < 1000, `${sliceCount} slices`);
  t.equal(Buffer.from(await inflater.inflate(RFC_PAYLOADS.oneBlock, 5)).toString(), 'Hello');
});

t.test('public: so many final blocks are too many', async (t) => {
  const error = await outcome(make({}, makeShared(false)), repeated(FINAL_EMPTY, 100_000));
  t.match(error, BAD_DATA);
});

t.test('handle: while the turn lasts it is done at once, more is done in slices', async (t) => {
  const atEase = make({ hasTakeover: false }, makeShared(true, 0, new CountedTurns()));
  for (const content of ALL_CONTENTS) {
    const message = makeMessage(content, 3 * MIB);
    t.ok(isSame(atOnce(atEase.inflate(deflated(message, 1), MANY)), message), content);
    await nextTurn();
  }
  const shared = makeShared();
  const inflater = make({ hasTakeover: false }, shared);
  const slices = async (wire: Uint8Array): Promise<number> => {
    await nextTurn();
    const before = shared.slicedWork.sliceCount;
    await copied(inflater.inflate(wire, MANY));
    return shared.slicedWork.sliceCount - before;
  };
  t.equal(await slices(deflated(HELLO)), 1);
  const zeros = async (size: number): Promise<number> =>
    await slices(deflated(makeMessage('zeros', size)));
  t.equal(await zeros(SLICE_BYTES - 8 * KIB), 1);
  t.equal(await zeros(SLICE_BYTES + 1), 2);
  const many = await zeros(8 * SLICE_BYTES);
  t.ok(many === 8 || many === 9, `${many} slices`);
  // Many small blocks: it is what goes in that takes its time.
  const empties = repeated(bytesOfHex('00 00 00 ff ff'), 200_000);
  const sliceCount = await slices(empties);
  t.ok(sliceCount >= 7, `${sliceCount} slices for a megabyte that is nothing`);
});

t.test('when the turn is over, a message waits for the next one', async (t) => {
  for (const [, isSync] of KINDS) {
    const shared = makeShared(isSync);
    const inflater = make({ hasTakeover: false }, shared);
    shared.turns.spend(SLICE_BYTES);
    const wire = Uint8Array.from(RFC_PAYLOADS.oneBlock);
    const pending = later(inflater.inflate(wire, 5));
    wire.fill(0xee);
    t.ok(inflater.heldBytes > wire.length + 16 * KIB, `${inflater.heldBytes}`);
    t.equal(Buffer.from(await pending).toString(), 'Hello');
    inflater.close();
    t.same([inflater.heldBytes, shared.memory.bytes], [0, 0]);
  }
});

t.test('one large message at a time, and small ones overtake it', async (t) => {
  const shared = makeShared();
  const { room } = shared;
  const zeros = deflated(makeMessage('zeros', 16 * MIB), 6);
  const large = Array.from({ length: 5 }, () => make({}, shared));
  let doneCount = 0;
  const all = large.map(async (inflater) => {
    const { length } = await inflater.inflate(zeros, 16 * MIB);
    t.equal(length, 16 * MIB);
    doneCount++;
  });
  const small = deflated(makeMessage('json', 50_000));
  const overtaking = make({ hasTakeover: false }, shared);
  for (let count = 0; count < 10; count++) {
    t.equal((await copied(overtaking.inflate(small, 50_000))).length, 50_000);
    const ownBytes = large.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    t.ok(ownBytes < 5 * 400 * KIB, 'those that wait are small');
  }
  t.ok(doneCount < 5, `${doneCount} large ones are through`);
  await Promise.all(all);
  await nextTurn();
  await nextTurn();
  t.equal(room.waitingCount, 0);
  for (const inflater of [...large, overtaking]) inflater.close();
  t.equal(shared.memory.bytes, 0, 'the room as well');
});

t.test('one that ends while it waits for the room, or has it', async (t) => {
  const shared = makeShared();
  const message = makeMessage('zeros', 8 * MIB);
  const wire = deflated(message, 6);
  const inflaters = Array.from({ length: 5 }, () => make({}, shared));
  // None begins before all of them wait.
  const first = {};
  t.ok(shared.room.take(first));
  const all = inflaters.map((inflater) => copied(inflater.inflate(wire, 8 * MIB)));
  while (shared.room.waitingCount < 5) await nextTurn();
  shared.room.leave(first);
  t.equal(shared.room.waitingCount, 4, 'one of them has it');
  for (const index of [0, 2, 3]) inflaters[index]!.close();
  const sizes = (await Promise.all(all)).map(({ length }) => length);
  t.strictSame(sizes, [0, 8 * MIB, 0, 0, 8 * MIB]);
  for (const inflater of inflaters) inflater.close();
  await nextTurn();
  t.ok(shared.room.take({}), 'nobody has it');
});

// ---- Anything

t.test(
  'whatever comes, both kinds make the same of it, and it is a documented error',
  async (t) => {
    const base = Buffer.concat([
      deflated(makeMessage('json', 2000), 6),
      TAIL_BYTES,
      storedBlock(makeMessage('random', 50)),
      FINAL_HELLO,
      OPEN_HELLO,
      FINAL_EMPTY,
      deflated(makeMessage('zeros', 5000), 9),
    ]);
    const someWire = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc
        .record({
          from: fc.nat(base.length - 1),
          length: fc.integer({ min: 1, max: base.length }),
          changes: fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 3 }),
        })
        .map(({ from, length, changes }) => {
          const wire = Uint8Array.from(base);
          for (const [index, byte] of changes) wire[index] = byte;
          // Most of them begin where a block begins.
          return from % 3 === 0 ? wire.subarray(from, from + length) : wire.subarray(0, length);
        }),
      fc
        .array(fc.constantFrom(FINAL_HELLO, OPEN_HELLO, FINAL_EMPTY, storedBlock(HELLO, true)), {
          minLength: 1,
          maxLength: 8,
        })
        .map((parts) => Uint8Array.from(Buffer.concat([...parts, RFC_PAYLOADS.empty]))),
    );
    const seen = { good: 0, bad: 0, large: 0, proven: 0 };
    await fc.assert(
      fc.asyncProperty(someWire, fc.constantFrom(100, 3000, 100_000), async (wire, maxBytes) => {
        const [first, second] = await Promise.all(
          [true, false].map((isSync) => outcome(make({}, makeShared(isSync)), wire, maxBytes)),
        );
        if (first instanceof Uint8Array && second instanceof Uint8Array) {
          seen.good++;
          if (first.length > maxBytes) throw new Error('too long');
          if (!isSame(first, second)) throw new Error('not the same');
        } else if (first instanceof MessageTooBigError) {
          // The public way sees the end of the message before its size.
          if (second instanceof Uint8Array) throw new Error('not too big');
          seen.large++;
        } else {
          if (!(first instanceof InvalidPayloadError)) throw new Error(String(first));
          if (second instanceof Uint8Array) throw new Error('not bad');
          seen.bad++;
        }
        let reference: Uint8Array;
        try {
          reference = referenceInflateAll([wire]).output;
        } catch {
          return;
        }
        if (reference.length > maxBytes) return;
        seen.proven++;
        if (!isSame(first as Uint8Array, reference)) throw new Error('not what RFC 1951 says');
      }),
      { numRuns: 2000, seed: 7692 },
    );
    for (const [name, count] of Object.entries(seen)) t.ok(count > 50, `${name}: ${count}`);
  },
);
