/**
 * Many messages back at once: the complete frames of a read become frames of ours, with their payload unmasked while it
 * is copied. What echoes spends most of its time between two small messages, so nothing else is done for each of them.
 *
 * Only what {@link findBrokenRule} and all limits let pass, and what needs nothing but copying, is taken: whole
 * messages in one frame, without reserved bits. Whatever comes next, whole or not, right or wrong, is left as it came.
 */
import { viewOf } from '../bytes.js';
import { FIN, Opcode, extendedLengthBytes, frameHeaderBytes, writeFrameHeader } from '../frame.js';
import type { Slab } from '../slabs/slab.js';
import { UTF8_ACCEPT, validateUtf8 } from '../utf8.js';

/** What is sent back of a read. */
export interface EchoRun {
  /** Where the next frame of ours begins in its slab. */
  at: number;
  textMessages: number;
  textBytes: number;
  binaryMessages: number;
  binaryBytes: number;
}

/** A run that has sent nothing back. */
export function emptyRun(): EchoRun {
  return { at: 0, textMessages: 0, textBytes: 0, binaryMessages: 0, binaryBytes: 0 };
}

/** Makes it one that has sent nothing back. */
export function clearRun(run: EchoRun): EchoRun {
  run.at = run.textMessages = run.textBytes = run.binaryMessages = run.binaryBytes = 0;
  return run;
}

/** The smallest frame of a client: a header with its masking key. */
export const LEAST_FRAME_BYTES = 6;

const MASK = 0x80;
const NOT_TAKEN = -1;
const ASCII_MASK = 0x8080_8080;

/** The first byte of a frame that is a whole message. */
const TEXT = FIN | Opcode.Text;
const BINARY = FIN | Opcode.Binary;

/** Whether the first byte of a frame is that of a whole message: else there is nothing to send back. */
export function isWholeMessage(first: number): boolean {
  return first === TEXT || first === BINARY;
}

/** Sends messages back. */
export interface Echoer {
  /**
   * @param source the read, which is not changed
   * @param slab gets our frames, from `run.at` on; what is behind them is overwritten
   * @param maxMessage larger ones are left
   * @param run what is sent back is added to it
   * @returns where the first frame in `source[start, end)` begins that was left
   */
  echo(
    source: Uint8Array,
    start: number,
    end: number,
    slab: Slab,
    maxMessage: number,
    run: EchoRun,
  ): number;
}

/** The one in JavaScript. */
export const echoer: Echoer = { echo };

function echo(
  source: Uint8Array,
  start: number,
  end: number,
  slab: Slab,
  maxMessage: number,
  run: EchoRun,
): number {
  const from = viewOf(source);
  const { bytes, view: to } = slab;
  const limit = bytes.length;
  let { at } = run;
  let position = start;
  while (end - position >= LEAST_FRAME_BYTES) {
    const first = source[position]!;
    const second = source[position + 1]!;
    if (!isWholeMessage(first) || second < MASK) break;
    const payload = position + 6 + extendedLengthBytes(second);
    const length = payload > end ? NOT_TAKEN : lengthAt(from, position, second);
    const out = at + frameHeaderBytes(length, false);
    const next = payload + length;
    const isTaken = length !== NOT_TAKEN && length <= maxMessage;
    if (!isTaken || next > end || out + length > limit) break;
    const seen = unmaskTo(from, payload, length, from.getInt32(payload - 4, true), to, out);
    if (first === TEXT) {
      const isAscii = (seen & ASCII_MASK) === 0;
      if (!isAscii && validateUtf8(UTF8_ACCEPT, bytes, out, out + length) !== UTF8_ACCEPT) break;
      run.textMessages++;
      run.textBytes += length;
    } else {
      run.binaryMessages++;
      run.binaryBytes += length;
    }
    writeFrameHeader(bytes, at, first, length, null);
    at = out + length;
    position = next;
  }
  run.at = at;
  return position;
}

/** The length of the payload, or {@link NOT_TAKEN} for one that is not in its shortest form, or of gigabytes. */
function lengthAt(from: DataView, position: number, second: number): number {
  const length = second & 0x7f;
  if (length < 126) return length;
  if (length === 126) {
    const extended = from.getUint16(position + 2);
    return extended < 126 ? NOT_TAKEN : extended;
  }
  const extended = from.getUint32(position + 6);
  return extended < 0x1_0000 || from.getUint32(position + 2) !== 0 ? NOT_TAKEN : extended;
}

/** Copies a payload and unmasks it. @returns the OR of all bytes that come of it, spread over 32 bits */
function unmaskTo(
  from: DataView,
  start: number,
  length: number,
  maskingKey: number,
  to: DataView,
  at: number,
): number {
  let seen = 0;
  let source = start;
  let target = at;
  const lastBlock = start + length - 16;
  // Four words a round share the cost of the loop. Both ends are where they fall, so a word may cross two.
  for (; source <= lastBlock; source += 16, target += 16) {
    const a = from.getInt32(source, true) ^ maskingKey;
    const b = from.getInt32(source + 4, true) ^ maskingKey;
    const c = from.getInt32(source + 8, true) ^ maskingKey;
    const d = from.getInt32(source + 12, true) ^ maskingKey;
    to.setInt32(target, a, true);
    to.setInt32(target + 4, b, true);
    to.setInt32(target + 8, c, true);
    to.setInt32(target + 12, d, true);
    seen |= a | b | c | d;
  }
  const lastWord = start + length - 4;
  for (; source <= lastWord; source += 4, target += 4) {
    const word = from.getInt32(source, true) ^ maskingKey;
    to.setInt32(target, word, true);
    seen |= word;
  }
  const end = start + length;
  for (let key = maskingKey; source < end; source++, target++, key >>>= 8) {
    const byte = (from.getUint8(source) ^ key) & 0xff;
    to.setUint8(target, byte);
    seen |= byte;
  }
  return seen;
}
