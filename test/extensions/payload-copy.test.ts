import { Buffer } from 'node:buffer';
import t from 'tap';
import { copyPayload } from '../../src/extensions/payload-copy.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

t.test('a copy has the same bytes and memory of its own', async (t) => {
  const random = new SeededRandom(4);
  for (const length of [0, 1, 3, 4, 255, 4096, 70_000]) {
    const content = random.bytes(length);
    const views: readonly Uint8Array[] = [
      content.slice(),
      new GuardedBytes(content, 5).bytes,
      // Small Buffers are views of a pool that others write to.
      Buffer.from(content),
      Buffer.from(content.slice()).subarray(0),
      new Uint8Array(new SharedArrayBuffer(length)).fill(0xab),
    ];
    for (const view of views) {
      const before = hexOf(view);
      const copy = copyPayload(view);
      t.ok(copy instanceof Uint8Array);
      t.not(copy.buffer, view.buffer);
      t.equal(copy.buffer.byteLength, length, 'and no more than it needs');
      view.fill(0x55);
      t.ok(hexOf(copy) === before, `${length} bytes stay as they were`);
    }
  }
});

t.test('whoever writes to a copy leaves the original alone', async (t) => {
  const guarded = new GuardedBytes(Uint8Array.of(1, 2, 3), 2);
  copyPayload(guarded.bytes).fill(0xff);
  t.equal(hexOf(guarded.bytes), '010203');
  t.ok(guarded.isIntact);
});

t.test('two copies are two', async (t) => {
  const original = Buffer.from('twice');
  const first = copyPayload(original);
  const second = copyPayload(first);
  first.fill(0);
  t.equal(Buffer.from(second).toString(), 'twice');
});
