import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import t from 'tap';
import {
  type DeflaterOptions,
  MessageDeflater,
} from '../../../src/extensions/permessage-deflate/message-deflater.js';
import {
  ALL_CONTENTS,
  copied,
  HELLO,
  inflateAll,
  makeMessage,
  makeShared,
  NodeDecompressor,
  referenceInflateAll,
  RFC_PAYLOADS,
  SLICE_BYTES,
  type TestShared,
} from '../../fixtures/deflate.js';
import { CountedTurns } from '../../fixtures/counted-turns.js';
import { hexOf } from '../../fixtures/hex.js';

const KIB = 1024;
const MIB = 1024 * 1024;

const KINDS = [
  ['handle', true],
  ['public', false],
] as const;

const DEFAULTS: DeflaterOptions = { windowBits: 15, level: 3, hasTakeover: true };

const make = (options: Partial<DeflaterOptions> = {}, shared = makeShared()): MessageDeflater =>
  new MessageDeflater({ ...DEFAULTS, ...options }, shared, shared.slicedWork.makeShare());

/** A result that came at once. */
function atOnce(result: Uint8Array | Promise<Uint8Array>): Uint8Array {
  if (result instanceof Promise) throw new Error('it did not come at once');
  return result;
}

/** A result that did not. */
function later(result: Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
  if (!(result instanceof Promise)) throw new Error('it came at once');
  return result;
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

for (const [kind, isSync] of KINDS) {
  t.test(`${kind}: the examples of RFC 7692 §7.2.3 that a compressor may choose`, async (t) => {
    const { oneBlock, sharedWindow, empty } = RFC_PAYLOADS;
    for (const hasTakeover of [true, false]) {
      for (const windowBits of [8, 9, 15]) {
        for (const level of [1, 3, 6, 9]) {
          const deflater = make({ hasTakeover, windowBits, level }, makeShared(isSync));
          const name = `${hasTakeover ? 'takeover' : 'none'}, ${windowBits} bits, level ${level}`;
          const next = hasTakeover ? sharedWindow : oneBlock;
          t.equal(hexOf(atOnce(deflater.deflate(new Uint8Array(0)))), hexOf(empty), name);
          t.equal(hexOf(atOnce(deflater.deflate(HELLO))), hexOf(oneBlock), name);
          t.equal(hexOf(atOnce(deflater.deflate(HELLO))), hexOf(next), name);
          t.equal(hexOf(atOnce(deflater.deflate(new Uint8Array(0)))), hexOf(empty), name);
          t.equal(hexOf(atOnce(deflater.deflate(new Uint8Array(0)))), hexOf(empty), name);
          // By now there is more than one way to say it.
          const wire = hexOf(atOnce(deflater.deflate(HELLO)));
          t.equal(wire === hexOf(oneBlock), !hasTakeover, name);
          deflater.close();
        }
      }
    }
  });

  t.test(`${kind}: without takeover every message stands alone`, async (t) => {
    const deflater = make({ hasTakeover: false }, makeShared(isSync));
    const message = makeMessage('json', 300 * KIB);
    const wires = [
      await copied(deflater.deflate(message)),
      await copied(deflater.deflate(message.subarray(0, 500))),
      await copied(deflater.deflate(message)),
    ];
    t.equal(hexOf(wires[2]!), hexOf(wires[0]!));
    t.ok(isSame(inflateAll([wires[1]!]), message.subarray(0, 500)));
    t.ok(isSame(inflateAll([wires[2]!]), message));
  });

  t.test(`${kind}: sizes and contents, all that a peer reads`, async (t) => {
    const sizes = [
      ...[0, 1, 2, 3, 4, 5, 63, 64, 65, 125, 126, 127, 1000],
      ...[65_535, 65_536, 65_537, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1],
      ...[2 * SLICE_BYTES - 1, 2 * SLICE_BYTES, 2 * SLICE_BYTES + 1],
    ];
    for (const windowBits of isSync ? [8, 9, 12, 15] : [8, 15]) {
      for (const hasTakeover of [true, false]) {
        const deflater = make({ windowBits, hasTakeover }, makeShared(isSync));
        const messages: Uint8Array[] = [];
        const wires: Uint8Array[] = [];
        for (const size of sizes) {
          for (const content of ALL_CONTENTS) {
            const message = makeMessage(content, size);
            messages.push(message);
            wires.push(await copied(deflater.deflate(message)));
          }
        }
        const name = `${windowBits} bits, ${hasTakeover ? 'takeover' : 'none'}`;
        t.ok(isSame(inflateAll(wires), Buffer.concat(messages)), name);
        // The shortest: by a decoder that knows no zlib, and looks how far back it goes.
        const short = wires.slice(0, 13 * ALL_CONTENTS.length);
        const reference = referenceInflateAll(short);
        t.ok(isSame(reference.output, Buffer.concat(messages.slice(0, short.length))), name);
        t.ok(reference.maxDistance <= 1 << windowBits, `${name}: ${reference.maxDistance}`);
        t.ok(
          reference.blocks.every((block) => !block.isFinal),
          name,
        );
        deflater.close();
      }
    }
  });

  t.test(`${kind}: large messages`, async (t) => {
    for (const content of isSync ? ALL_CONTENTS : (['json'] as const)) {
      for (const size of [MIB - 1, MIB, MIB + 1, 16 * MIB]) {
        const shared = makeShared(isSync);
        const deflater = make({ level: 1 }, shared);
        const message = makeMessage(content, size);
        const wire = await copied(deflater.deflate(message));
        const again = await copied(deflater.deflate(message.subarray(0, 50_000)));
        const back = inflateAll([wire, again]);
        t.ok(isSame(back.subarray(0, size), message), `${content} of ${size}`);
        t.ok(isSame(back.subarray(size), message.subarray(0, 50_000)), 'and what follows');
        await nextTurn();
        t.ok(shared.room.deflated.bytes.length <= MIB, 'what is large is given back');
        deflater.close();
      }
    }
  });

  t.test(`${kind}: distances stay in the window that was agreed on`, async (t) => {
    const random = makeMessage('random', 700);
    const text = makeMessage('json', 700);
    for (const windowBits of [8, 9, 10, 11, 12]) {
      const deflater = make({ windowBits, level: 9 }, makeShared(isSync));
      const wires: Uint8Array[] = [];
      const messages: Uint8Array[] = [];
      // Much to be found, at all distances.
      for (let round = 0; round < 120; round++) {
        const message = Buffer.concat([
          random.subarray(round, round + 350),
          text.subarray(round * 3, round * 3 + 300),
        ]);
        messages.push(message);
        wires.push(await copied(deflater.deflate(message)));
      }
      const { output, maxDistance } = referenceInflateAll(wires);
      t.ok(isSame(output, Buffer.concat(messages)), `${windowBits} bits`);
      t.ok(maxDistance <= 1 << windowBits, `${maxDistance} in ${1 << windowBits}`);
      t.ok(maxDistance > 1 << (windowBits - 3), `${maxDistance} makes use of it`);
    }
  });
}

t.test('what comes out is as long as the shared buffer, or nearly', async (t) => {
  // Noise is stored, so a byte more that goes in is a byte more that comes out.
  const noise = makeMessage('random', SLICE_BYTES);
  const flushed = (length: number): number =>
    deflateRawSync(noise.subarray(0, length), {
      level: 3,
      finishFlush: constants.Z_SYNC_FLUSH,
      // With a buffer that gets full, it would not be that.
      chunkSize: 2 * SLICE_BYTES,
    }).length;
  const overheadBytes = flushed(SLICE_BYTES - 50) - (SLICE_BYTES - 50);
  for (let more = -10; more <= 10; more++) {
    const length = SLICE_BYTES - overheadBytes + more;
    const name = `a buffer and ${more}`;
    t.equal(flushed(length), SLICE_BYTES + more, name);
    const message = noise.subarray(0, length);
    const deflater = make();
    const wires = [await copied(deflater.deflate(message)), await copied(deflater.deflate(HELLO))];
    t.ok(isSame(inflateAll(wires), Buffer.concat([message, HELLO])), name);
    deflater.close();
  }
});

t.test('what comes out is as long as the large buffer, or nearly', async (t) => {
  const noise = makeMessage('random', MIB + 100);
  const shared = makeShared();
  const deflater = make({ hasTakeover: false, level: 1 }, shared);
  const seen = new Set<number>();
  // Each block of noise costs some bytes more than it has.
  const overhead = (await copied(deflater.deflate(noise.subarray(0, MIB)))).length + 4 - MIB;
  for (let length = MIB - overhead - 6; length <= MIB - overhead + 6; length++) {
    const message = noise.subarray(0, length);
    const wire = await copied(deflater.deflate(message));
    seen.add(wire.length + 4);
    t.ok(isSame(inflateAll([wire]), message), `${wire.length + 4}`);
  }
  t.ok(Math.min(...seen) < MIB && Math.max(...seen) > MIB, [...seen].join());
});

t.test('while the turn lasts it is done at once, more is done in slices', async (t) => {
  const endless = makeShared(true, 2 ** 30, new CountedTurns());
  const atEase = make({ hasTakeover: false }, endless);
  for (const content of ALL_CONTENTS) {
    const message = makeMessage(content, 3 * MIB);
    t.ok(isSame(inflateAll([atOnce(atEase.deflate(message))]), message), content);
    await nextTurn();
  }
  atEase.close();

  const shared = makeShared();
  const deflater = make({}, shared);
  const slices = async (length: number): Promise<number> => {
    await nextTurn();
    const before = shared.slicedWork.sliceCount;
    await copied(deflater.deflate(makeMessage('json', length)));
    return shared.slicedWork.sliceCount - before;
  };
  t.equal(await slices(0), 1);
  t.equal(await slices(SLICE_BYTES), 1);
  t.equal(await slices(SLICE_BYTES + 1), 2);
  t.equal(await slices(8 * SLICE_BYTES + 1), 9);
  deflater.close();
});

t.test('when the turn is over, a step is done at once, more waits', async (t) => {
  const shared = makeShared();
  const deflater = make({ hasTakeover: false }, shared);
  const message = makeMessage('json', 16 * KIB + 1);
  shared.turns.spend(SLICE_BYTES);
  t.ok(shared.turns.isOver);
  const step = message.subarray(1);
  t.ok(isSame(inflateAll([atOnce(deflater.deflate(step))]), step));
  const wire = await copied(later(deflater.deflate(message)));
  t.ok(isSame(inflateAll([wire]), message));
  deflater.close();
});

t.test('what is in the room stays there until it is compressed, and is not copied', async (t) => {
  const shared = makeShared();
  const { room, memory } = shared;
  const inflater = {};
  const message = makeMessage('json', 2 * MIB);
  room.take(inflater);
  room.inflated.makeRoom(0, message.length, message.length);
  room.inflated.bytes.set(message);
  room.leaveSoon(inflater);
  const deflaters = [1, 2].map(() => make({}, shared));
  const wires = deflaters.map((deflater) =>
    copied(later(deflater.deflate(room.inflated.bytes.subarray(0, message.length)))),
  );
  const [kept, copy] = deflaters.map(({ heldBytes }) => heldBytes);
  t.ok(kept! < MIB && copy! > message.length, 'only the second one has a copy');
  let isEntered = false;
  const next = {};
  room.wait(next, () => {
    isEntered = true;
    room.inflated.bytes.fill(0xee);
    room.leave(next);
  });
  for (const wire of await Promise.all(wires)) t.ok(isSame(inflateAll([wire]), message));
  await nextTurn();
  t.ok(isEntered);
  for (const deflater of deflaters) {
    deflater.close();
    t.equal(deflater.heldBytes, 0);
  }
  await nextTurn();
  t.ok(memory.bytes <= 2 * MIB, 'and nothing is left but what the room keeps');
});

t.test('the payload is only needed during the call', async (t) => {
  for (const isSync of [true, false]) {
    for (const content of ALL_CONTENTS) {
      const message = makeMessage(content, 5 * SLICE_BYTES + 77);
      const payload = Buffer.from(message);
      const pending = later(make({}, makeShared(isSync)).deflate(payload));
      payload.fill(0xee);
      t.ok(isSame(inflateAll([await copied(pending)]), message), content);
    }
  }
});

t.test('messages of many connections do not mix, large or small', async (t) => {
  const shared = makeShared();
  const peers = [1, 2, 3, 4].map((seed) => ({
    seed,
    deflater: make({}, shared),
    messages: [] as Uint8Array[],
    wires: [] as Uint8Array[],
  }));
  let turnCount = 0;
  let isOver = false;
  const tick = (): void => {
    if (isOver) return;
    turnCount++;
    // Small messages come in between, and use the scratch buffer.
    const small = makeMessage('random', 3000, turnCount % 7);
    const other = make({ hasTakeover: false }, shared);
    t.ok(isSame(inflateAll([atOnce(other.deflate(small))]), small));
    other.close();
    setImmediate(tick);
  };
  setImmediate(tick);
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      peers.map(async ({ seed, deflater, messages, wires }) => {
        const message = Buffer.concat([
          makeMessage('json', (5 - seed) * SLICE_BYTES, seed + round),
          makeMessage('random', 100_000, seed),
        ]);
        messages.push(message);
        const wire = await deflater.deflate(message);
        // Here it is still valid: until the next turn.
        wires.push(Uint8Array.from(wire));
      }),
    );
  }
  isOver = true;
  t.ok(turnCount > 0, `others had ${turnCount} turns`);
  for (const { seed, messages, wires } of peers) {
    t.ok(isSame(inflateAll(wires), Buffer.concat(messages)), `${seed}`);
  }
});

t.test('small messages of two connections in turns, and large ones between them', async (t) => {
  const shared = makeShared();
  const pairs = [1, 2].map((seed) => ({
    seed,
    deflater: make({}, shared),
    peer: new NodeDecompressor(),
  }));
  for (let round = 0; round < 20; round++) {
    for (const { seed, deflater, peer } of pairs) {
      const length = round % 5 === 4 ? 3 * SLICE_BYTES : 700;
      const message = makeMessage('json', length, seed * 100 + round);
      const wire = await copied(deflater.deflate(message));
      t.ok(isSame(await peer.decompress(wire), message), `${seed}, ${round}`);
    }
  }
  for (const { peer } of pairs) await peer.close();
});

// ---- Memory

t.test('how much memory a compressor takes (zconf.h)', async (t) => {
  for (const [windowBits, kib] of [
    [15, 256],
    [14, 192],
    [12, 144],
    [10, 132],
    [9, 130],
    // There is no smaller one.
    [8, 130],
  ] as const) {
    t.equal(make({ windowBits }).compressorBytes, kib * KIB, `${windowBits} bits`);
  }
});

t.test('a compressor is made when it is needed, and counted', async (t) => {
  const shared = makeShared();
  const deflater = make({}, shared);
  t.equal(shared.budget.liveCount, 0);
  t.equal(deflater.dropCompressor(), true, 'there is none');
  atOnce(deflater.deflate(HELLO));
  t.equal(shared.budget.liveBytes, 256 * KIB);
  atOnce(deflater.deflate(HELLO));
  t.equal(shared.budget.liveCount, 1);
  deflater.close();
  t.equal(shared.budget.liveCount, 0);
  t.equal(shared.budget.liveBytes, 0);
});

t.test('a dropped compressor is made anew, with nothing in its history', async (t) => {
  const shared = makeShared();
  const deflater = make({}, shared);
  const wires = [await copied(deflater.deflate(HELLO)), await copied(deflater.deflate(HELLO))];
  t.equal(deflater.dropCompressor(), true);
  shared.budget.release(deflater);
  wires.push(await copied(deflater.deflate(HELLO)));
  t.strictSame(wires.map(hexOf), [
    hexOf(RFC_PAYLOADS.oneBlock),
    hexOf(RFC_PAYLOADS.sharedWindow),
    hexOf(RFC_PAYLOADS.oneBlock),
  ]);
  t.equal(shared.budget.liveCount, 1);
  deflater.close();
});

t.test('with a budget of 0 nothing is kept, and everything can be read', async (t) => {
  const shared = makeShared(true, 0);
  const deflater = make({}, shared);
  const message = makeMessage('json', 2 * SLICE_BYTES);
  const wires: Uint8Array[] = [];
  for (const payload of [HELLO, message, HELLO, message]) {
    wires.push(await copied(deflater.deflate(payload)));
    t.equal(shared.budget.liveCount, 0);
  }
  t.equal(hexOf(wires[2]!), hexOf(RFC_PAYLOADS.oneBlock));
  t.ok(isSame(inflateAll(wires), Buffer.concat([HELLO, message, HELLO, message])));
});

t.test('in the middle of a message it is not dropped', async (t) => {
  const shared = makeShared(true, 300 * KIB);
  const deflater = make({}, shared);
  const other = make({}, shared);
  const message = makeMessage('json', 3 * SLICE_BYTES);
  const pending = copied(deflater.deflate(message));
  t.equal(deflater.dropCompressor(), false);
  const wire = Uint8Array.from(atOnce(other.deflate(HELLO)));
  t.equal(hexOf(wire), hexOf(RFC_PAYLOADS.oneBlock));
  t.equal(shared.budget.liveCount, 1, 'the other one gives way, when it is through');
  shared.budget.endPeriod();
  shared.budget.endPeriod();
  t.equal(shared.budget.liveCount, 1, 'however long it takes');
  t.ok(isSame(inflateAll([await pending]), message));
  t.equal(deflater.dropCompressor(), true);
  shared.budget.release(deflater);
});

// ---- The end

t.test('a connection that ends in the middle of a message', async (t) => {
  for (const isSync of [true, false]) {
    const shared = makeShared(isSync);
    const deflater = make({}, shared);
    const other = make({}, shared);
    const message = makeMessage('json', 6 * SLICE_BYTES);
    const pending = later(deflater.deflate(message));
    const behind = copied(other.deflate(message));
    await nextTurn();
    t.equal(shared.budget.liveCount, 2);
    deflater.close();
    t.equal(shared.budget.liveCount, 1, 'its memory is given back at once');
    t.equal(hexOf(await pending), '00', 'nobody waits for it any more');
    t.ok(isSame(inflateAll([await behind]), message), 'those behind it are not touched');
    other.close();
    t.equal(shared.budget.liveBytes, 0);
  }
});

t.test('a connection that ends before its turn, or without a message', async (t) => {
  const shared: TestShared = makeShared();
  const first = make({}, shared);
  const second = make({}, shared);
  const message = makeMessage('json', 2 * SLICE_BYTES);
  const wire = copied(first.deflate(message));
  const pending = later(second.deflate(message));
  second.close();
  make({}, shared).close();
  t.ok(isSame(inflateAll([await wire]), message));
  t.equal(hexOf(await pending), '00');
  first.close();
  first.close();
  t.equal(shared.budget.liveBytes, 0, 'twice is once');
});

t.test('there is history while there is a compressor that keeps it', async (t) => {
  for (const hasTakeover of [true, false]) {
    const deflater = make({ hasTakeover });
    t.notOk(deflater.hasHistory);
    await copied(deflater.deflate(HELLO));
    t.equal(deflater.hasHistory, hasTakeover);
    deflater.dropCompressor();
    t.notOk(deflater.hasHistory);
    deflater.close();
  }
});
