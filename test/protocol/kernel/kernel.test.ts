import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { EchoRun } from '../../../src/protocol/kernel/echo-run.js';
import { setUnmask, wordsOf } from '../../../src/protocol/bytes.js';
import { KERNEL_CODE } from '../../../src/protocol/kernel/kernel-code.js';
import { Kernel, loadKernel, tried } from '../../../src/protocol/kernel/kernel.js';
import { isAsciiOr, rotateMaskingKey, unmask } from '../../../src/protocol/masking.js';
import { SLAB_BYTES } from '../../../src/protocol/slabs/slab.js';
import type { Slab } from '../../../src/protocol/slabs/slab.js';
import { CODE_FILE, kernelCode } from '../../../tools/build-kernel.mjs';
import { testEchoes } from '../../fixtures/echo-cases.js';
import { emptyTally, firstKernelDifference } from '../../fixtures/echo-fuzz.js';
import { inKernel } from '../../fixtures/echo-ways.js';
import { MASKING_KEY, binaryFrame, encodeFrames, textFrame } from '../../fixtures/frames.js';
import { Mismatches } from '../../fixtures/mismatches.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';

const KIB = 1024;
const MIB = 1024 * KIB;

testEchoes(t, inKernel(new Kernel()));

t.test('the code is what kernel.wat makes', async (t) => {
  const expected = await kernelCode();
  t.equal(readFileSync(CODE_FILE, 'utf8'), expected, 'npm run kernel');
  t.match(Buffer.from(KERNEL_CODE, 'base64').toString('latin1'), /^\0asm/);
});

t.test('its memory: a receive buffer and four slabs, with room between them', (t) => {
  const { buffer, receiveBuffer, shelf } = new Kernel();
  const slabs = shelf.free;
  t.equal(slabs.length, 4);
  t.equal(shelf.use, 'kernel');
  const parts = [receiveBuffer, ...slabs.map(({ bytes }) => bytes)].sort(
    (one, other) => one.byteOffset - other.byteOffset,
  );
  let end = 64;
  for (const part of parts) {
    t.equal(part.length, SLAB_BYTES);
    t.equal(part.buffer, buffer);
    t.equal(part.byteOffset % 16, 0);
    t.ok(part.byteOffset >= end, 'blocks of 16 bytes may be read and written past the end');
    end = part.byteOffset + part.length + 16;
  }
  t.ok(buffer.byteLength >= end);
  for (const slab of slabs) t.strictSame([slab.isKernels, slab.growing], [true, null]);
  t.end();
});

t.test('nothing is changed but the slab and the block behind it', (t) => {
  const kernel = new Kernel();
  const { receiveBuffer, shelf } = kernel;
  const whole = new Uint8Array(kernel.buffer);
  const frames = [textFrame('é'.repeat(100)), binaryFrame('a'.repeat(100_000)), textFrame('b')];
  const wire = encodeFrames(frames, true);
  for (const slab of shelf.free) {
    receiveBuffer.set(wire, SLAB_BYTES - wire.length);
    const before = whole.slice();
    const at = SLAB_BYTES - encodeFrames(frames, false).length;
    const run = { at, textMessages: 1, textBytes: 2, binaryMessages: 3, binaryBytes: 4 };
    const next = kernel.echo(receiveBuffer, SLAB_BYTES - wire.length, SLAB_BYTES, slab, 1e9, run);
    t.equal(next, SLAB_BYTES);
    t.strictSame(run, {
      at: SLAB_BYTES,
      ...{ textMessages: 3, textBytes: 203, binaryMessages: 4, binaryBytes: 100_004 },
    });
    const start = slab.bytes.byteOffset + at;
    const end = slab.bytes.byteOffset + SLAB_BYTES + 15;
    const isSame = (from: number, to: number): boolean =>
      Buffer.compare(whole.subarray(from, to), before.subarray(from, to)) === 0;
    t.ok(isSame(32, start), 'before it, but for the results');
    t.ok(isSame(end, whole.length), 'behind it');
  }
  t.end();
});

t.test('it knows its own memory', (t) => {
  const kernel = new Kernel();
  t.equal(kernel.has(kernel.receiveBuffer), true);
  t.equal(kernel.has(kernel.receiveBuffer), true);
  t.equal(kernel.has(kernel.receiveBuffer.subarray(7)), true);
  t.equal(kernel.has(new Uint8Array(9)), false);
  t.equal(
    kernel.has(new Uint8Array(kernel.makeBuffer(9)!.buffer)),
    false,
    'others are no part of it',
  );
  t.equal(kernel.has(kernel.shelf.free[0]!.bytes), true);
  t.end();
});

t.test('unmask does what JavaScript does, for every length and place', (t) => {
  const kernel = new Kernel();
  const mismatches = new Mismatches();
  const random = new SeededRandom(5);
  for (const { buffer, offset } of [
    { buffer: kernel.buffer, offset: kernel.receiveBuffer.byteOffset },
    { buffer: kernel.makeBuffer(PAGE)!.buffer, offset: 0 },
  ]) {
    // From 128 bytes on it is the kernel that does it.
    for (let length = 100; length < 330; length++) {
      for (let at = 0; at < 16; at++) {
        const isAscii = length % 3 === 0;
        const payload = random.bytes(length).map((byte) => (isAscii ? byte & 0x7f : byte));
        const key = rotateMaskingKey(MASKING_KEY, at);
        const masked = payload.slice();
        unmask(masked, 0, length, key);
        const bytes = new Uint8Array(buffer, offset, 400).fill(0xa5);
        bytes.set(masked, at);
        const seen = unmask(bytes, at, at + length, key);
        const expected = new Uint8Array(400).fill(0xa5);
        expected.set(payload, at);
        const name = (): string => `${length} at ${at}`;
        mismatches.compare(Buffer.compare(bytes, expected), 0, name);
        mismatches.compare(isAsciiOr(seen), isAscii, name);
      }
    }
  }
  mismatches.assertNone(t, 2 * 230 * 16 * 2, 'lengths');
  t.end();
});

const PAGE = 64 * KIB;

t.test('unmask: one byte that is not ASCII is seen wherever it stands', (t) => {
  const { receiveBuffer } = new Kernel();
  const mismatches = new Mismatches();
  for (let place = 0; place < 200; place++) {
    const bytes = receiveBuffer.subarray(5, 205).fill(0x61);
    bytes[place] = 0x80;
    unmask(bytes, 0, 200, MASKING_KEY);
    mismatches.compare(isAsciiOr(unmask(bytes, 0, 200, MASKING_KEY)), false, () => `${place}`);
  }
  mismatches.assertNone(t, 200, 'places');
  t.end();
});

t.test('unmask at the very end of a buffer', (t) => {
  const kernel = new Kernel();
  const bytes = new Uint8Array(kernel.makeBuffer(PAGE)!.buffer);
  t.equal(bytes.length, PAGE);
  unmask(bytes, PAGE - 333, PAGE, MASKING_KEY);
  const expected = new Uint8Array(PAGE);
  unmask(expected, PAGE - 333, PAGE, MASKING_KEY);
  t.strictSame(bytes, expected);
  t.end();
});

t.test('one that works is used, and made once for the process', (t) => {
  const made = new Kernel();
  t.equal(
    tried(() => made),
    made,
  );
  t.ok(loadKernel() instanceof Kernel);
  t.equal(loadKernel(), loadKernel());
  t.end();
});

/** What the last call of `echo` said is changed by `lie`. */
function lying(lie: (run: EchoRun, slab: Slab, next: number) => number): Kernel {
  return new (class extends Kernel {
    override echo(...args: Parameters<Kernel['echo']>): number {
      const next = super.echo(...args);
      return lie(args[5], args[3], next);
    }
  })();
}

t.test('one that does anything else is not used', (t) => {
  const same = (_run: EchoRun, _slab: Slab, next: number): number => next;
  t.ok(tried(() => lying(same)));
  const lies: Readonly<Record<string, Parameters<typeof lying>[0]>> = {
    'it leaves what it should take': (_run, _slab, next) => next - 1,
    'it takes what is not UTF-8': (_run, _slab, next) => next + 7,
    'it writes less': (run, _slab, next) => (run.at--, next),
    'it writes another byte': (run, { bytes }, next) => (bytes[run.at - 1]!++, next),
    'it counts fewer texts': (run, _slab, next) => (run.textMessages--, next),
    'it counts their bytes wrong': (run, _slab, next) => (run.textBytes++, next),
    'it counts more binary messages': (run, _slab, next) => (run.binaryMessages++, next),
    'it counts their bytes wrong, too': (run, _slab, next) => (run.binaryBytes++, next),
    'it throws': () => {
      throw new Error('unreachable executed');
    },
  };
  for (const [name, lie] of Object.entries(lies))
    t.equal(
      tried(() => lying(lie)),
      null,
      name,
    );
  const unmasks: Readonly<Record<string, Parameters<typeof setUnmask>[1]>> = {
    'it unmasks nothing': () => 0,
    'it finds everything ASCII': (at, end, key) => {
      const bytes = new Uint8Array(buffer!);
      for (let index = at; index < end; index++)
        bytes[index]! ^= (key >>> (((index - at) & 3) * 8)) & 0xff;
      return 0;
    },
    'it finds nothing ASCII': () => -1,
  };
  let buffer: ArrayBuffer | null = null;
  for (const [name, lie] of Object.entries(unmasks)) {
    const make = (): Kernel => {
      const kernel = new Kernel();
      ({ buffer } = kernel);
      setUnmask(buffer, lie);
      return kernel;
    };
    t.equal(tried(make), null, name);
  }
  t.end();
});

/** Does something while the name `WebAssembly` means something else. */
function withWebAssembly(value: unknown, work: () => void): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')!;
  Object.defineProperty(globalThis, 'WebAssembly', { ...before, value });
  try {
    work();
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', before);
  }
}

const { WebAssembly } = globalThis as unknown as { WebAssembly: object };

t.test('where it cannot be made there is none', (t) => {
  function fails(): never {
    throw new RangeError('could not allocate memory');
  }
  const missing: Readonly<Record<string, unknown>> = {
    'no WebAssembly': undefined,
    'none with SIMD': { ...statics, Module: fails },
    'no memory': { ...statics, Memory: fails },
    'no instance': { ...statics, Instance: fails },
  };
  for (const [name, value] of Object.entries(missing)) {
    withWebAssembly(value, () => {
      t.throws(() => new Kernel());
      t.equal(
        tried(() => new Kernel()),
        null,
        name,
      );
    });
  }
  t.end();
});

const statics = Object.fromEntries(
  ['Module', 'Memory', 'Instance'].map((name) => [name, Reflect.get(WebAssembly, name) as unknown]),
);

t.test('buffers: so many at a time', (t) => {
  const kernel = new Kernel();
  const buffers = Array.from({ length: 16 }, () => kernel.makeBuffer(100 * KIB));
  for (const made of buffers) t.ok(made!.buffer.byteLength >= 100 * KIB);
  t.equal(new Set(buffers).size, 16);
  t.equal(kernel.makeBuffer(1), null);
  t.equal(kernel.makeBuffer(1), null);
  kernel.bufferDropped();
  t.ok(kernel.makeBuffer(1));
  t.equal(kernel.makeBuffer(1), null);
  t.end();
});

t.test('buffers: one grows with what is in it, and is still unmasked fast', (t) => {
  const kernel = new Kernel();
  const growing = kernel.makeBuffer(100 * KIB, MIB)!;
  const before = growing.buffer;
  new Uint8Array(before).fill(7);
  for (const bytes of [100 * KIB, 300 * KIB, MIB]) {
    t.equal(growing.grow(bytes), true);
    t.ok(growing.buffer.byteLength >= bytes);
    t.equal(growing.buffer.byteLength % PAGE, 0);
    t.ok(wordsOf(new Uint8Array(growing.buffer)).unmask !== null);
  }
  t.equal(before.byteLength, 0, 'nobody can use the one before');
  const bytes = new Uint8Array(growing.buffer);
  t.ok(bytes.subarray(0, 100 * KIB).every((byte) => byte === 7));
  t.ok(bytes.subarray(2 * PAGE).every((byte) => byte === 0));
  t.equal(growing.grow(MIB + 1), false, 'not beyond what was said');
  t.equal(growing.buffer.byteLength, MIB);
  t.end();
});

t.test('buffers: where one cannot be had none is asked for again', (t) => {
  const kernel = new Kernel();
  t.ok(kernel.makeBuffer(1));
  let asked = 0;
  function Memory(): never {
    asked++;
    throw new RangeError('could not allocate memory');
  }
  withWebAssembly({ ...statics, Memory }, () => {
    t.equal(kernel.makeBuffer(1), null);
  });
  t.equal(kernel.makeBuffer(1), null);
  kernel.bufferDropped();
  t.equal(kernel.makeBuffer(1), null);
  t.equal(asked, 1);
  t.end();
});

t.test('random reads: it makes of them what JavaScript does', (t) => {
  const tally = emptyTally();
  const random = new SeededRandom(20_261_130);
  t.equal(firstKernelDifference(new Kernel(), random, 10_000, tally), null);
  t.ok(tally.messages > 20_000, `${tally.messages} messages`);
  t.ok(tally.left > 3000 && tally.left < 8000, 'something was left of many');
  t.end();
});
