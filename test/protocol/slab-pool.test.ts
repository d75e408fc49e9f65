import t from 'tap';
import { SLAB_BYTES, SlabPool } from '../../src/protocol/slab-pool.js';

t.test('a slab is one buffer, seen as bytes and as words', async (t) => {
  t.equal(SLAB_BYTES, 262_144);
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
