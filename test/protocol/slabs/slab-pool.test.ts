import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { Kernel } from '../../../src/protocol/kernel/kernel.js';
import { SLAB_BYTES, withHeaders } from '../../../src/protocol/slabs/slab.js';
import { HEADROOM_BYTES, SlabPool } from '../../../src/protocol/slabs/slab-pool.js';
import type { Slab } from '../../../src/protocol/slabs/slab.js';

t.test('a slab is one buffer, seen as bytes and as words', async (t) => {
  t.equal(SLAB_BYTES, 266_240);
  const { bytes, words } = new SlabPool().take();
  t.equal(bytes.buffer, words.buffer);
  t.equal(bytes.byteOffset, 0);
  t.equal(bytes.length, SLAB_BYTES);
  t.equal(bytes.buffer.byteLength, SLAB_BYTES);
  t.equal(words.byteOffset, 0);
  t.equal(words.length, SLAB_BYTES / 4);
  bytes.set([0xff, 0xff, 0xff, 0xff], SLAB_BYTES - 4);
  t.equal(words[SLAB_BYTES / 4 - 1], -1);
});

t.test('a slab has one owner at a time', async (t) => {
  const pool = new SlabPool();
  const taken = Array.from({ length: 40 }, () => pool.take());
  t.equal(new Set(taken).size, 40);
  t.equal(new Set(taken.map(({ bytes }) => bytes.buffer)).size, 40);
  t.equal(pool.freeCount, 0);
});

t.test('a slab that was given back is used again before a new one is made', async (t) => {
  const pool = new SlabPool();
  t.equal(pool.freeCount, 0);
  const first = pool.take();
  const second = pool.take();
  t.equal(pool.freeCount, 0, 'what is taken is not free');
  pool.give(first);
  t.equal(pool.freeCount, 1);
  t.equal(pool.take(), first);
  t.equal(pool.freeCount, 0);
  pool.give(second);
  pool.give(first);
  t.equal(pool.freeCount, 2);
  t.strictSame(new Set([pool.take(), pool.take()]), new Set([first, second]));
  t.notOk([first, second].includes(pool.take()), 'then a new one');
});

t.test('after a burst 16 free slabs are kept and the rest is let go', async (t) => {
  const pool = new SlabPool();
  const burst = Array.from({ length: 20 }, () => pool.take());
  const counts = burst.map((slab) => {
    pool.give(slab);
    return pool.freeCount;
  });
  t.strictSame(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16]);
  const again = Array.from({ length: 17 }, () => pool.take());
  t.equal(new Set(again).size, 17, 'no slab is handed out twice');
  t.equal(again.filter((slab) => burst.includes(slab)).length, 16);
});

t.test('pools share nothing', async (t) => {
  const one = new SlabPool();
  const other = new SlabPool();
  one.give(one.take());
  t.equal(one.freeCount, 1);
  t.equal(other.freeCount, 0);
});

t.test('all slabs are charged, until they are let go', async (t) => {
  const memory = new MemoryAccount();
  const pool = new SlabPool(memory);
  const burst = Array.from({ length: 20 }, () => pool.take());
  t.equal(memory.bytes, 20 * SLAB_BYTES);
  for (const slab of burst.slice(1)) pool.give(slab);
  t.equal(memory.bytes, 17 * SLAB_BYTES, 'free ones too');
  pool.give(burst[0]!);
  t.equal(memory.bytes, 16 * SLAB_BYTES);
  pool.take();
  t.equal(memory.bytes, 16 * SLAB_BYTES, 'which are used again');
});

const KIB = 1024;
const MIB = 1024 * KIB;

/** How large a message fits into a slab. */
const roomOf = ({ bytes }: Slab): number => bytes.length - HEADROOM_BYTES;

const takeSized = (pool: SlabPool, bytes: number): Slab => pool.takeForMessage(bytes, bytes);

t.test('messages: the smallest size that fits, with room for a header before it', async (t) => {
  const pool = new SlabPool();
  t.equal(HEADROOM_BYTES, 16);
  for (const [bytes, room] of [
    [1, KIB],
    [KIB, KIB],
    [KIB + 1, 4 * KIB],
    [4 * KIB, 4 * KIB],
    [4 * KIB + 1, 16 * KIB],
    [64 * KIB + 1, 128 * KIB],
    [300 * KIB, 512 * KIB],
    [MIB, MIB],
    [MIB + 1, 2 * MIB],
    [16 * MIB, 16 * MIB],
  ] as const) {
    const slab = takeSized(pool, bytes);
    t.equal(roomOf(slab), room, `${bytes} bytes`);
    t.equal(slab.words.buffer, slab.bytes.buffer);
    t.equal(slab.words.length * 4, slab.bytes.length);
    t.strictSame([slab.holders, slab.hasHeader], [1, false]);
  }
});

t.test('messages: less than is wanted rather than much more, if what must fit does', async (t) => {
  const pool = new SlabPool();
  for (const [bytes, wanted, room] of [
    [65 * KIB, 260 * KIB, 256 * KIB],
    [65 * KIB, 342 * KIB, 512 * KIB],
    [65 * KIB, 341 * KIB, 256 * KIB],
    [257 * KIB, 341 * KIB, 512 * KIB],
    [256 * KIB, 341 * KIB, 256 * KIB],
    [KIB, 2 * KIB, KIB],
    [1, 1, KIB],
  ] as const) {
    const slab = pool.takeForMessage(bytes, wanted);
    t.equal(roomOf(slab), room, `${bytes} bytes, ${wanted} wanted`);
  }
});

t.test('messages: beyond the last size memory is exact, and not kept', async (t) => {
  const pool = new SlabPool();
  const slab = takeSized(pool, 16 * MIB + 1);
  t.equal(roomOf(slab), 16 * MIB + 1);
  t.equal(slab.words.length, (16 * MIB) / 4 + 4, 'whole words');
  t.equal(pool.memory.bytes, slab.bytes.length);
  pool.give(slab);
  t.strictSame([pool.memory.bytes, pool.freeCount, pool.freeMessageBytes], [0, 0, 0]);
});

t.test('a slab of a message and one for output are never mistaken for each other', async (t) => {
  const pool = new SlabPool();
  const message = takeSized(pool, 64 * KIB);
  const output = pool.take(64 * KIB);
  pool.give(message);
  pool.give(output);
  t.equal(pool.take(64 * KIB), output);
  t.equal(takeSized(pool, 64 * KIB), message);
});

t.test('a slab is free when its last holder gives it', async (t) => {
  const pool = new SlabPool();
  const slab = takeSized(pool, MIB);
  slab.hasHeader = true;
  pool.hold(slab);
  pool.hold(slab);
  for (let holders = 2; holders > 0; holders--) {
    pool.give(slab);
    t.equal(slab.holders, holders);
    t.equal(pool.freeCount, 0);
  }
  pool.give(slab);
  t.equal(pool.freeCount, 1);
  t.equal(pool.freeMessageBytes, slab.bytes.length);
  t.equal(takeSized(pool, MIB), slab);
  t.strictSame([slab.holders, slab.hasHeader], [1, false], 'as new');
  t.equal(pool.freeMessageBytes, 0);
});

t.test('an eighth of the limit is kept for messages, and no more than 64 MiB', async (t) => {
  for (const [maxBytes, kept] of [
    [Infinity, 63],
    [1024 * MIB, 63],
    [256 * MIB, 31],
    [16 * MIB, 1],
    [4 * MIB, 0],
  ] as const) {
    const pool = new SlabPool(new MemoryAccount(maxBytes));
    const slabs = Array.from({ length: Math.min(70, (maxBytes / MIB) * 0.7) }, () =>
      takeSized(pool, MIB),
    );
    for (const slab of slabs) pool.give(slab);
    t.equal(pool.freeCount, kept, `of ${maxBytes / MIB} MiB`);
    t.equal(pool.freeMessageBytes, kept * (MIB + HEADROOM_BYTES));
    t.equal(pool.memory.bytes, pool.freeMessageBytes);
  }
});

t.test('while memory is scarce nothing is kept for messages', async (t) => {
  const memory = new MemoryAccount(64 * MIB);
  const pool = new SlabPool(memory);
  const slabs = [takeSized(pool, MIB), takeSized(pool, MIB)] as const;
  memory.charge(50 * MIB);
  t.ok(memory.isNear);
  pool.give(slabs[0]);
  t.equal(pool.freeCount, 0);
  memory.release(50 * MIB);
  pool.give(slabs[1]);
  t.equal(pool.freeCount, 1);
  pool.give(pool.take());
  pool.giveBack();
  t.strictSame([pool.freeCount, pool.freeMessageBytes], [1, 0], 'all is given back when asked for');
  t.equal(memory.bytes, SLAB_BYTES);
  pool.trim();
  t.equal(memory.bytes, SLAB_BYTES);
});

t.test('trim gives back what nobody has needed since the last time', async (t) => {
  const pool = new SlabPool();
  const use = (count: number, bytes: number): void => {
    const slabs = Array.from({ length: count }, () => takeSized(pool, bytes));
    for (const slab of slabs) pool.give(slab);
  };
  use(5, MIB);
  use(3, KIB);
  pool.give(pool.take());
  t.equal(pool.freeCount, 9);
  pool.trim();
  t.equal(pool.freeCount, 9, 'all were needed');
  use(2, MIB);
  pool.trim();
  t.equal(pool.freeCount, 1 + 2, 'two were, and the one for output stays');
  t.equal(pool.freeMessageBytes, 2 * (MIB + HEADROOM_BYTES));
  t.equal(pool.memory.bytes, pool.freeMessageBytes + SLAB_BYTES);
  use(2, MIB);
  const one = takeSized(pool, MIB);
  pool.trim();
  t.equal(pool.freeCount, 1 + 1);
  pool.give(one);
  pool.trim();
  t.equal(pool.freeCount, 1 + 1, 'of two one was free all the time');
  pool.trim();
  pool.trim();
  t.strictSame([pool.freeCount, pool.freeMessageBytes], [1, 0]);
  t.equal(pool.memory.bytes, SLAB_BYTES);
});

t.test('echoes: a slab of the kernel, and one like all others where there is none', async (t) => {
  const pool = new SlabPool();
  const slab = pool.takeForEcho(100);
  t.equal(slab.isKernels, false);
  pool.give(slab);
  t.equal(pool.take(100), slab);
});

t.test('echoes: the slabs of the kernel are charged while somebody has them', async (t) => {
  const kernel = new Kernel();
  const pools = [new SlabPool(undefined, kernel), new SlabPool(undefined, kernel)] as const;
  const [pool, other] = pools;
  t.equal(pool.memory.bytes, 0, 'free ones are nobody’s');
  const slabs = [0, 1, 2, 3].map((index) => pools[index % 2]!.takeForEcho(1));
  t.ok(slabs.every(({ isKernels, bytes }) => isKernels && bytes.length === SLAB_BYTES));
  t.equal(new Set(slabs).size, 4, 'all pools of a process share them');
  t.strictSame([pool.memory.bytes, other.memory.bytes], [2 * SLAB_BYTES, 2 * SLAB_BYTES]);
  const ordinary = pool.takeForEcho(5000);
  t.strictSame(
    [ordinary.isKernels, ordinary.bytes.length],
    [false, withHeaders(16 * KIB)],
    'there are no more',
  );
  pool.give(ordinary);
  slabs.forEach((slab, index) => {
    pools[index % 2]!.give(slab);
  });
  t.equal(kernel.shelf.free.length, 4);
  t.strictSame([pool.memory.bytes, other.memory.bytes], [withHeaders(16 * KIB), 0]);
  pool.giveBack();
  pool.trim();
  t.equal(kernel.shelf.free.length, 4, 'they are nothing that could be given back');
});

t.test('echoes: while memory is scarce nobody has more than is needed', async (t) => {
  const memory = new MemoryAccount(10 * MIB);
  const pool = new SlabPool(memory, new Kernel());
  memory.charge(9 * MIB);
  const slab = pool.takeForEcho(100);
  t.strictSame([slab.isKernels, slab.bytes.length], [false, withHeaders(4 * KIB)]);
  memory.release(9 * MIB);
  t.equal(pool.takeForEcho(100).isKernels, true);
});

t.test('messages: large ones that are kept have a buffer of the kernel', async (t) => {
  const pool = new SlabPool(undefined, new Kernel());
  for (const [bytes, isGrowing] of [
    [64 * KIB, false],
    [128 * KIB, true],
    [MIB, true],
    [16 * MIB, true],
    [16 * MIB + 1, false],
  ] as const) {
    const slab = takeSized(pool, bytes);
    t.equal(slab.growing !== null, isGrowing, `${bytes / KIB} KiB`);
    t.equal(slab.isKernels, false);
    t.ok(roomOf(slab) >= bytes);
    t.equal(slab.words.buffer, slab.bytes.buffer);
    t.equal(slab.view.buffer, slab.bytes.buffer);
    t.equal(slab.view.byteLength, slab.bytes.length);
  }
  t.equal(pool.take().growing, null, 'nothing is unmasked in those for output');
  t.equal(takeSized(new SlabPool(), MIB).growing, null, 'nor where there is no kernel');
});

t.test('messages: a buffer of the kernel that is given back can be made again', async (t) => {
  const pool = new SlabPool(undefined, new Kernel());
  const take = (count: number): Slab[] => Array.from({ length: count }, () => takeSized(pool, MIB));
  const made = (slabs: readonly Slab[]): number =>
    slabs.filter(({ growing }) => growing !== null).length;
  for (let round = 0; round < 5; round++) {
    const slabs = take(20);
    t.equal(made(slabs), 16);
    for (const slab of slabs) pool.give(slab);
    const again = take(20);
    t.equal(made(again), 16, 'the same ones');
    for (const slab of again) pool.give(slab);
    if (round % 2 === 0) pool.giveBack();
    else {
      pool.trim();
      pool.trim();
    }
    t.equal(pool.memory.bytes, 0);
  }
});

t.test('messages: what would not be kept has an ordinary buffer', async (t) => {
  const memory = new MemoryAccount(64 * MIB);
  const pool = new SlabPool(memory, new Kernel());
  t.equal(takeSized(pool, 8 * MIB).growing, null, 'an eighth of the limit is kept');
  const slab = takeSized(pool, 4 * MIB);
  t.ok(slab.growing);
  pool.give(slab);
  memory.charge(48 * MIB);
  t.ok(memory.isNear);
  t.equal(takeSized(pool, MIB).growing, null, 'nothing is while memory is scarce');
});

t.test('messages: where the kernel can make no buffer they have ordinary ones', async (t) => {
  const kernel = new Kernel();
  kernel.makeBuffer = () => null;
  const pool = new SlabPool(undefined, kernel);
  const slab = takeSized(pool, MIB);
  t.equal(slab.growing, null);
  pool.give(slab);
  t.equal(takeSized(pool, MIB), slab);
  pool.give(slab);
  pool.giveBack();
  t.equal(pool.memory.bytes, 0);
});

t.test('messages: one that is in a buffer of the kernel grows where it is', async (t) => {
  const pool = new SlabPool(undefined, new Kernel());
  const slab = takeSized(pool, 128 * KIB);
  slab.bytes.fill(7);
  for (const bytes of [256 * KIB, MIB, 4 * MIB, 16 * MIB]) {
    t.equal(pool.growForMessage(slab, bytes, bytes), true);
    t.equal(roomOf(slab), bytes);
    t.equal(slab.shelf!.bytes, slab.bytes.length);
    t.equal(slab.words.buffer, slab.bytes.buffer);
    t.equal(slab.view.buffer, slab.bytes.buffer);
    t.equal(slab.view.byteLength, slab.bytes.length);
    t.equal(pool.memory.bytes, slab.bytes.length);
  }
  t.ok(slab.bytes.subarray(0, 128 * KIB).every((byte) => byte === 7));
  t.equal(pool.growForMessage(slab, 16 * MIB + 1, 16 * MIB + 1), false, 'that is nobody’s size');
  pool.give(slab);
  t.equal(pool.freeMessageBytes, slab.bytes.length);
  t.equal(takeSized(pool, 16 * MIB), slab, 'it is one of its new size');
  pool.give(slab);
  pool.giveBack();
  t.equal(pool.memory.bytes, 0);
});

t.test('messages: one does not grow where another one is free, or where it cannot', async (t) => {
  const kernel = new Kernel();
  const pool = new SlabPool(undefined, kernel);
  const [slab, other] = [takeSized(pool, 256 * KIB), takeSized(pool, MIB)];
  pool.give(other);
  t.equal(pool.growForMessage(slab, MIB, MIB), false, 'what is free takes no more memory');
  t.equal(takeSized(pool, MIB), other);
  const ordinary = takeSized(pool, 64 * KIB);
  t.equal(pool.growForMessage(ordinary, MIB, MIB), false);
  const { buffer } = slab.bytes;
  kernel.makeBuffer = (bytes) => ({ buffer: new ArrayBuffer(bytes), grow: () => false });
  const stiff = takeSized(pool, 512 * KIB);
  const held = pool.memory.bytes;
  t.equal(pool.growForMessage(stiff, 2 * MIB, 2 * MIB), false);
  t.equal(roomOf(stiff), 512 * KIB);
  t.equal(pool.memory.bytes, held);
  t.equal(slab.bytes.buffer, buffer);
});

t.test('messages: whether one is free that so much fits into', async (t) => {
  const pool = new SlabPool();
  t.equal(pool.hasFreeFor(MIB), false);
  pool.give(takeSized(pool, MIB));
  t.equal(pool.hasFreeFor(MIB), true);
  t.equal(pool.hasFreeFor(MIB + 1), false, 'a larger one');
  t.equal(pool.hasFreeFor(512 * KIB), false, 'much less, which has a slab of its own size');
  t.equal(pool.hasFreeFor(16 * MIB + 1), false, 'of that none is kept');
  takeSized(pool, MIB);
  t.equal(pool.hasFreeFor(MIB), false);
});

t.test('output: the smallest that fits, or the largest', async (t) => {
  const pool = new SlabPool();
  for (const [bytes, expected] of [
    [1, withHeaders(4 * KIB)],
    [withHeaders(4 * KIB), withHeaders(4 * KIB)],
    [withHeaders(4 * KIB) + 1, withHeaders(16 * KIB)],
    [64 * KIB + 10, withHeaders(64 * KIB)],
    [SLAB_BYTES, SLAB_BYTES],
    [SLAB_BYTES + 1, SLAB_BYTES],
  ] as const)
    t.equal(pool.take(bytes).bytes.length, expected, `${bytes} bytes`);
});
