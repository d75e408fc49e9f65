/** Four bytes at a time: what masking and copying share. */

/** Up to this length a loop over words beats `TypedArray.prototype.set` and its view. */
const MAX_LOOP_BYTES = 192;

let viewedBuffer: ArrayBufferLike = new ArrayBuffer(0);
let viewedWords: Int32Array = new Int32Array(viewedBuffer);

/**
 * A view of a whole buffer as 32-bit words; the bytes behind the last whole word are left out.
 * Connections share one receive buffer, so keeping the last view nearly always saves making one.
 */
export function wordsOf(buffer: ArrayBufferLike): Int32Array {
  if (buffer !== viewedBuffer) {
    viewedBuffer = buffer;
    viewedWords = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  }
  return viewedWords;
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
  const base = source.byteOffset;
  if (end - start > MAX_LOOP_BYTES || ((base + start - at) & 3) !== 0) {
    target.set(source.subarray(start, end), at);
    return;
  }
  let from = start;
  let to = at;
  for (; from < end && (to & 3) !== 0; from++, to++) target[to] = source[from]!;
  const sourceWords = wordsOf(source.buffer);
  let sourceWord = (base + from) >> 2;
  const lastWord = sourceWord + ((end - from) >> 2);
  let targetWord = to >> 2;
  from += (lastWord - sourceWord) << 2;
  to += (lastWord - sourceWord) << 2;
  while (sourceWord < lastWord) targetWords[targetWord++] = sourceWords[sourceWord++]!;
  for (; from < end; from++, to++) target[to] = source[from]!;
}
