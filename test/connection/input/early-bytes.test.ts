import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import t from 'tap';
import { EarlyBytes } from '../../../src/connection/input/early-bytes.js';
import { countCopies } from '../../fixtures/copy-count.js';

const textOf = ({ bytes, start, end }: EarlyBytes): string =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1');

t.test('nothing waits at first, and nothing takes no memory', async (t) => {
  const early = new EarlyBytes();
  t.equal(early.length, 0);
  early.keep(Buffer.from('three'), 2, 2);
  t.equal(early.bytes.length, 0);
});

t.test('bytes are kept in order, as copies', async (t) => {
  const early = new EarlyBytes();
  const chunk = Buffer.from('..one..');
  early.keep(chunk, 2, 5);
  chunk.fill(0);
  early.keep(Buffer.from('two'), 0, 3);
  t.equal(textOf(early), 'onetwo');
  t.equal(early.length, 6);
});

t.test('what is left of them stays where it is, and more comes behind it', async (t) => {
  const early = new EarlyBytes();
  early.keep(Buffer.from('first second '), 0, 13);
  const { bytes, start, end } = early;
  early.forget();
  t.equal(early.length, 0);
  early.keep(bytes, start + 6, end);
  t.equal(early.bytes, bytes);
  t.equal(textOf(early), 'second ');
  early.keep(Buffer.from('third'), 0, 5);
  t.equal(textOf(early), 'second third');
  early.forget();
  early.keep(bytes, end, end);
  t.equal(early.length, 0, 'nothing is left');
});

t.test('any pieces that come and go', async (t) => {
  const step = fc.record({ come: fc.nat(3000), go: fc.nat(3000) });
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const early = new EarlyBytes();
    let expected = '';
    let letter = 0;
    for (const { come, go } of steps) {
      const text = String.fromCharCode(0x41 + (letter++ % 26)).repeat(come);
      early.keep(Buffer.from(text), 0, come);
      expected += text;
      const gone = Math.min(go, early.length);
      const { bytes, start, end } = early;
      early.forget();
      early.keep(bytes, start + gone, end);
      expected = expected.slice(gone);
      if (textOf(early) !== expected) throw new Error('others are left');
      if (early.bytes.length > Math.max(1024, 4 * 6000, 4 * expected.length + 12_000)) {
        throw new Error(`${early.bytes.length} bytes for ${expected.length}`);
      }
    }
  });
  t.doesNotThrow(() => {
    fc.assert(property, { numRuns: 300, seed: 64 });
  });
});

t.test('each byte is copied a few times at most', async (t) => {
  const request = new Uint8Array(26);
  for (const count of [1000, 2000, 4000]) {
    // All at once, then one by one; and with others that come meanwhile.
    for (const ahead of [count, 500]) {
      const early = new EarlyBytes();
      const come = (): void => {
        early.keep(request, 0, request.length);
      };
      const copied = await countCopies(() => {
        for (let number = 0; number < ahead; number++) come();
        for (let number = 0; number < count; number++) {
          const { bytes, start, end } = early;
          early.forget();
          early.keep(bytes, start + request.length, end);
          if (number < count - ahead) come();
        }
      });
      t.equal(early.length, 0);
      const total = count * request.length;
      t.ok(copied <= 4 * total, `${count} of them: ${copied} bytes are copied for ${total}`);
    }
  }
});
