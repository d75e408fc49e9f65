/** Bytes: none of them, copies of them, and four at a time. */

/** No bytes. It holds nothing to change, so it is shared. */
export const NO_BYTES = new Uint8Array(0);

/** Up to this length a loop over words beats `TypedArray.prototype.set` and its view. */
const MAX_LOOP_BYTES = 192;

/** Below this length whole words are not worth looking for. */
const MIN_WORDS_BYTES = 8;

/** Where the first byte of a word is its lowest: words that overlap two others are put together by shifts. */
export const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The words of the buffer that some bytes are in, and where in the buffer the bytes begin. */
interface WordView {
  readonly words: Int32Array;
  readonly base: number;
  /** What is faster than a loop over the words; null where nothing is. */
  readonly unmask: Unmask | null;
}

/** As `unmask` of masking.ts, for the bytes `[at, end)` of a buffer. */
export type Unmask = (at: number, end: number, maskingKey: number) => number;

/** Buffers that WebAssembly works on. */
const unmaskers = new WeakMap<ArrayBufferLike, Unmask>();

/** Has payloads in this buffer be unmasked by `unmask`. */
export function setUnmask(buffer: ArrayBuffer, unmask: Unmask): void {
  unmaskers.set(buffer, unmask);
}

/**
 * The view of the bytes that were looked at last. Connections share one receive buffer, so it nearly always fits, and
 * asking a typed array for its buffer and offset costs more than unmasking a short payload.
 */
class LastView<View> {
  readonly #make: (bytes: Uint8Array, last: View | null) => View;
  #bytes: Uint8Array = NO_BYTES;
  #view: View;

  /** @param make what it is made by; it may take something of the last one */
  constructor(make: (bytes: Uint8Array, last: View | null) => View) {
    this.#make = make;
    this.#view = make(NO_BYTES, null);
  }

  of(bytes: Uint8Array): View {
    if (bytes !== this.#bytes) {
      this.#view = this.#make(bytes, this.#view);
      this.#bytes = bytes;
    }
    return this.#view;
  }

  /** Keeps nothing of this buffer. */
  forget(buffer: ArrayBufferLike): void {
    if (this.#bytes.buffer === buffer) this.of(NO_BYTES);
  }
}

function makeWords({ buffer, byteOffset }: Uint8Array, last: WordView | null): WordView {
  // A payload that a mode sends back is another view of the receive buffer.
  if (last?.words.buffer === buffer)
    return { words: last.words, base: byteOffset, unmask: last.unmask };
  return {
    words: new Int32Array(buffer, 0, buffer.byteLength >> 2),
    base: byteOffset,
    unmask: unmaskers.get(buffer) ?? null,
  };
}

const lastWords = new LastView(makeWords);
/** Not the same: a mode sends another view of the receive buffer for each message, and the next payload is unmasked there. */
const lastCopied = new LastView(makeWords);
const lastView = new LastView(
  (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
);

/** A view of the whole buffer of `bytes` as 32-bit words, without the bytes after the last whole word. */
export function wordsOf(bytes: Uint8Array): WordView {
  return lastWords.of(bytes);
}

/** The bytes as a `DataView`, whose words may begin anywhere. */
export function viewOf(bytes: Uint8Array): DataView {
  return lastView.of(bytes);
}

/** Nobody uses this buffer any more: nothing of it is kept here. */
export function forgetBuffer(buffer: ArrayBufferLike): void {
  lastWords.forget(buffer);
  lastCopied.forget(buffer);
  lastView.forget(buffer);
}

/** Whether all of `bytes[start, end)` are ASCII. Made for short ones: long ones have `isAscii` of Node. */
export function areAscii(bytes: Uint8Array, start: number, end: number): boolean {
  const { words, base } = wordsOf(bytes);
  let seen = 0;
  let at = start;
  for (; at < end && ((base + at) & 3) !== 0; at++) seen |= bytes[at]!;
  // The last word may not be whole, and is then not in `words`.
  const lastWord = Math.min((base + end) >> 2, words.length);
  for (let word = (base + at) >> 2; word < lastWord; word++, at += 4) seen |= words[word]!;
  for (; at < end; at++) seen |= bytes[at]!;
  return (seen & 0x8080_8080) === 0;
}

/**
 * Copies `source[start, end)` to `target[at]`.
 *
 * @param targetWords the words of `target`, which begins at the start of its buffer
 */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetWords: Int32Array,
  at: number,
): void {
  const count = end - start;
  if (count < MIN_WORDS_BYTES) {
    copyOneByOne(source, start, end, target, at);
    return;
  }
  if (count > MAX_LOOP_BYTES || count === source.length) {
    // All of them need no view.
    target.set(count === source.length ? source : source.subarray(start, end), at);
    return;
  }
  const { words, base } = lastCopied.of(source);
  // The last word may not be whole, and is then not in `words`.
  if ((base + end) >> 2 >= words.length || !IS_LITTLE_ENDIAN) {
    target.set(source.subarray(start, end), at);
    return;
  }
  let from = start;
  let to = at;
  for (; from < end && (to & 3) !== 0; from++, to++) target[to] = source[from]!;
  if (((base + from) & 3) !== 0) {
    copyShifted(words, base + from, end - from, targetWords, to >> 2);
    const copied = Math.max(end - from, 0) & ~3;
    for (from += copied, to += copied; from < end; from++, to++) target[to] = source[from]!;
    return;
  }
  let word = (base + from) >> 2;
  const lastWord = word + ((end - from) >> 2);
  let targetWord = to >> 2;
  from += (lastWord - word) << 2;
  to += (lastWord - word) << 2;
  for (; word + 4 <= lastWord; word += 4, targetWord += 4) {
    targetWords[targetWord] = words[word]!;
    targetWords[targetWord + 1] = words[word + 1]!;
    targetWords[targetWord + 2] = words[word + 2]!;
    targetWords[targetWord + 3] = words[word + 3]!;
  }
  while (word < lastWord) targetWords[targetWord++] = words[word++]!;
  for (; from < end; from++, to++) target[to] = source[from]!;
}

function copyOneByOne(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}

/** Copies whole words that begin in the middle of others. @param from index of the first byte, no multiple of 4 */
function copyShifted(
  words: Int32Array,
  from: number,
  bytes: number,
  targetWords: Int32Array,
  at: number,
): void {
  const shift = (from & 3) << 3;
  let word = from >> 2;
  let low = words[word]!;
  const last = at + (bytes >> 2);
  for (let to = at; to < last; to++) {
    const high = words[++word]!;
    targetWords[to] = (low >>> shift) | (high << (32 - shift));
    low = high;
  }
}

/**
 * A copy of a payload. `Buffer.prototype.slice` makes a view, and payloads may be Buffers: use this to
 * keep bytes beyond the call that brought them.
 */
export function copyPayload(payload: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(payload);
}
