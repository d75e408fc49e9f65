/**
 * The kernel: WebAssembly for the loops over bytes that cost most, with the memory that it works on. See ADR 41.
 *
 * It takes nothing that the JavaScript beside it would not take with the same result, and the server is complete without
 * it: where there is no WebAssembly with SIMD, where the self-test fails, and where it is switched off.
 *
 * The memory is made once and never grows, so no view of it is ever detached:
 *
 *     results and a table │ the receive buffer │ slabs for output
 *
 * Blocks of 16 bytes may be read and written past the end of each part: that much is left between them.
 */
import { Buffer } from 'node:buffer';
import { type EchoRun, type Echoer, echoer, emptyRun } from './echo-run.js';
import { type Unmask, setUnmask } from '../bytes.js';
import { isAsciiOr, unmask } from '../masking.js';
import { type GrowingBuffer, SLAB_BYTES, Shelf, Slab } from '../slabs/slab.js';
import { KERNEL_CODE } from './kernel-code.js';

/** How many slabs there are: one while every write is taken at once, and some for clients that are slow. */
const SLABS = 4;

/** How many buffers there may be beside them at a time. */
const MAX_BUFFERS = 16;

const GAP_BYTES = 64;
const FIRST_PART_AT = 256;
const TABLE_AT = 32;
const PAGE_BYTES = 64 * 1024;

/** Where its parts begin: the receive buffer, and then the slabs. */
const partAt = (index: number): number => FIRST_PART_AT + index * (SLAB_BYTES + GAP_BYTES);

const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES);

/** What is used of it; TypeScript has its types only among those of browsers. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Memory: new (pages: { initial: number; maximum: number }) => WasmMemory;
  readonly Instance: new (module: object, imports: object) => { exports: unknown };
};

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What the code exports: see kernel.wat. */
interface KernelExports {
  readonly unmask: Unmask;
  echo(position: number, end: number, at: number, limit: number, maxMessage: number): number;
}

export class Kernel implements Echoer {
  readonly buffer: ArrayBuffer;
  /** All connections read into it. */
  readonly receiveBuffer: Buffer;
  readonly #exports: KernelExports;
  readonly #results: Int32Array;
  readonly #module: object;
  /** How many more buffers may be made. */
  #spare = MAX_BUFFERS;
  /** Was in its memory: to ask an array for its buffer takes as long as to send a message back. */
  #known: Uint8Array | null = null;
  /** Slabs for output in its memory. */
  readonly shelf = new Shelf(SLAB_BYTES, 'kernel');

  /** @throws where there is no WebAssembly, or none with SIMD */
  constructor() {
    const module = new WebAssembly.Module(Buffer.from(KERNEL_CODE, 'base64'));
    this.#module = module;
    const pages = pagesFor(partAt(SLABS + 1));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(module, { twist: { memory } });
    this.#exports = exports as KernelExports;
    this.buffer = memory.buffer;
    this.receiveBuffer = Buffer.from(this.buffer, partAt(0), SLAB_BYTES);
    setUnmask(this.buffer, this.#exports.unmask);
    this.#results = new Int32Array(this.buffer, 0, 5);
    new Uint8Array(this.buffer, TABLE_AT, 16).fill(0xff);
    for (let index = SLABS; index > 0; index--)
      this.shelf.free.push(new Slab(SLAB_BYTES, this.shelf, null, this.buffer, partAt(index)));
  }

  /**
   * A buffer in which payloads are unmasked fast, and which can grow to `maxBytes`; null when there are many already,
   * or it cannot be had.
   */
  makeBuffer(bytes: number, maxBytes = bytes): GrowingBuffer | null {
    if (this.#spare <= 0) return null;
    try {
      const [initial, maximum] = [pagesFor(bytes), pagesFor(maxBytes)];
      const memory = new WebAssembly.Memory({ initial, maximum });
      const { exports } = new WebAssembly.Instance(this.#module, { twist: { memory } });
      const growing = new KernelBuffer(memory, (exports as KernelExports).unmask);
      this.#spare--;
      return growing;
    } catch {
      // Each takes gigabytes of addresses, and a process may have a limit for that. It is not tried again: V8 collects
      // all garbage, more than once, before it gives up.
      this.#spare = -Infinity;
      return null;
    }
  }

  /** One that it has made is not used any more. */
  bufferDropped(): void {
    this.#spare++;
  }

  /** Whether these bytes are in its memory. */
  has(bytes: Uint8Array): boolean {
    if (bytes === this.#known) return true;
    if (bytes.buffer !== this.buffer) return false;
    this.#known = bytes;
    return true;
  }

  /** Both `source` and the slab are in its memory. */
  echo(
    source: Uint8Array,
    start: number,
    end: number,
    slab: Slab,
    maxMessage: number,
    run: EchoRun,
  ): number {
    const from = source.byteOffset;
    const to = slab.bytes.byteOffset;
    const next = this.#exports.echo(
      from + start,
      from + end,
      to + run.at,
      to + slab.bytes.length,
      // The limit may be larger than what fits into 32 bits.
      Math.min(maxMessage, SLAB_BYTES),
    );
    const results = this.#results;
    run.at = results[0]! - to;
    run.textMessages += results[1]!;
    run.textBytes += results[2]!;
    run.binaryMessages += results[3]!;
    run.binaryBytes += results[4]!;
    return next - from;
  }
}

/** Memory of its own, with the code for it. V8 has reserved its addresses, so that it grows without moving. */
class KernelBuffer implements GrowingBuffer {
  buffer: ArrayBuffer;
  readonly #memory: WasmMemory;
  readonly #unmask: Unmask;

  constructor(memory: WasmMemory, unmask: Unmask) {
    this.#memory = memory;
    this.#unmask = unmask;
    this.buffer = memory.buffer;
    setUnmask(this.buffer, unmask);
  }

  grow(bytes: number): boolean {
    try {
      this.#memory.grow(pagesFor(bytes) - pagesFor(this.buffer.byteLength));
    } catch {
      return false;
    }
    // Another object each time, even for no more pages.
    this.buffer = this.#memory.buffer;
    setUnmask(this.buffer, this.#unmask);
    return true;
  }
}

let loaded: Kernel | null | undefined;

/** The kernel of this process, once it has shown that it works; null where it does not. */
export function loadKernel(): Kernel | null {
  if (loaded === undefined) loaded = tried(() => new Kernel());
  return loaded;
}

/** @returns null when it cannot be made, or does not do what it has to */
export function tried(make: () => Kernel): Kernel | null {
  try {
    const kernel = make();
    return doesEcho(kernel) && doesUnmask(kernel, 0x61) && doesUnmask(kernel, 0xe9) ? kernel : null;
  } catch {
    return null;
  }
}

/** Frames of all kinds, the last of which has to be left: it is not UTF-8. */
const PROBE = Buffer.concat(
  [
    ['8181', 'a'],
    ['8280', ''],
    ['8194', 'b'.repeat(20)],
    ['82fe0082', '\u{ff}'.repeat(130)],
    ['8195', '\u{c3}\u{bc}\u{e7}\u{bb}\u{bf}'.repeat(4) + '.'],
    ['8181', '\u{e9}'],
  ].map(([header = '', payload = '']) =>
    Buffer.concat([
      Buffer.from(`${header}01020384`, 'hex'),
      Buffer.from(payload, 'latin1').map((byte, index) => byte ^ [1, 2, 3, 0x84][index & 3]!),
    ]),
  ),
);
const LEFT_BYTES = 7;

function doesEcho(kernel: Kernel): boolean {
  const [slab, other] = [kernel.shelf.free.at(-1)!, new Slab(PROBE.length, null)];
  kernel.receiveBuffer.set(PROBE, 1);
  const [run, expected] = [emptyRun(), emptyRun()];
  const end = kernel.echo(kernel.receiveBuffer, 1, 1 + PROBE.length, slab, PROBE.length, run);
  echoer.echo(PROBE, 0, PROBE.length - LEFT_BYTES, other, PROBE.length, expected);
  return (
    end === 1 + PROBE.length - LEFT_BYTES &&
    JSON.stringify(run) === JSON.stringify(expected) &&
    Buffer.from(slab.bytes.subarray(0, run.at)).equals(other.bytes.subarray(0, run.at))
  );
}

const PROBE_KEY = 0x8403_0201 | 0;
const PROBE_AT = 3;

/** @param last byte of a text whose others are ASCII */
function doesUnmask({ receiveBuffer }: Kernel, last: number): boolean {
  const text = new Uint8Array(200).fill(0x61);
  text[text.length - 1] = last;
  const masked = Buffer.from(text);
  unmask(masked, 0, masked.length, PROBE_KEY);
  receiveBuffer.set(masked, PROBE_AT);
  const end = PROBE_AT + masked.length;
  const seen = unmask(receiveBuffer, PROBE_AT, end, PROBE_KEY);
  return isAsciiOr(seen) === last < 0x80 && receiveBuffer.subarray(PROBE_AT, end).equals(text);
}
