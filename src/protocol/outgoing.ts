/**
 * Checks arguments before a byte is in the output: a header that has left cannot be taken back, and what
 * follows it would be read as its payload.
 */
import { Buffer } from 'node:buffer';
import { InvalidArgumentError } from '../errors.js';
import { describe } from '../foreign.js';
import { MAX_CONTROL_PAYLOAD_BYTES, Opcode } from './frame.js';
import { UTF8_ACCEPT, UTF8_REJECT, validateUtf8 } from './utf8.js';

/** @throws InvalidArgumentError unless it is 1 or 2: all other opcodes are not those of messages */
export function assertDataOpcode(opcode: unknown): void {
  if (opcode === Opcode.Text || opcode === Opcode.Binary) return;
  throw new InvalidArgumentError(
    `the opcode of a message cannot be ${describe(opcode)}: give 1 for text or 2 for binary`,
  );
}

/**
 * @throws InvalidArgumentError unless it is a `Uint8Array`, of this realm or another one, whose memory was
 *   not given away
 */
export function assertBytes(bytes: unknown): asserts bytes is Uint8Array {
  // Not by its prototype alone, which whatever object may have.
  if (!ArrayBuffer.isView(bytes) || !(bytes instanceof Uint8Array || isUint8Array(bytes))) {
    throw new InvalidArgumentError(
      `what is sent cannot be ${describe(bytes)}: give a Uint8Array, such as a Buffer, or a string`,
    );
  }
  if (bytes.length === 0 && isDetached(bytes))
    throw new InvalidArgumentError('what is sent cannot be bytes whose memory was transferred');
}

/** @throws InvalidArgumentError unless `[start, end)` is a range within `length` */
export function assertRange(start: unknown, end: unknown, length: number): void {
  if (isIndex(start) && isIndex(end) && start <= end && end <= length) return;
  throw new InvalidArgumentError(
    `start and end cannot be ${describe(start)} and ${describe(end)}: give whole numbers with ` +
      `0 <= start <= end <= ${length}, the length of what is sent`,
  );
}

/** @throws InvalidArgumentError unless the flag of this name is true or false */
export function assertFlag(name: string, flag: unknown): void {
  if (typeof flag === 'boolean') return;
  throw new InvalidArgumentError(`${name} cannot be ${describe(flag)}: give true or false`);
}

/** @throws InvalidArgumentError unless both are true or false */
export function assertFlags(isFirst: unknown, isLast: unknown): void {
  if (typeof isFirst === 'boolean' && typeof isLast === 'boolean') return;
  throw new InvalidArgumentError(
    `isFirst and isLast cannot be ${describe(isFirst)} and ${describe(isLast)}: give true or false`,
  );
}

/**
 * What is sent, as bytes: a string as UTF-8, with U+FFFD for lone surrogates.
 *
 * @throws InvalidArgumentError as {@link assertBytes}
 */
export function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  assertBytes(data);
  return data;
}

/** @throws InvalidArgumentError for more than a control frame can have (RFC 6455 §5.5) */
export function assertControlBytes(name: 'Ping' | 'Pong', bytes: Uint8Array): void {
  if (bytes.length <= MAX_CONTROL_PAYLOAD_BYTES) return;
  throw new InvalidArgumentError(
    `a ${name} cannot have ${bytes.length} bytes: give at most ${MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 5.5)`,
  );
}

/**
 * Checks text that is sent as bytes, which must be UTF-8 (RFC 6455 §8.1): a message, or a chunk of one.
 *
 * @param state what the call for the chunk before returned, `UTF8_ACCEPT` at first
 * @returns the state after it
 * @throws InvalidArgumentError when it is not UTF-8
 */
export function nextTextState(
  state: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  isLast: boolean,
): number {
  const next = validateUtf8(state, bytes, start, end);
  if (next === UTF8_REJECT || (isLast && next !== UTF8_ACCEPT)) {
    throw new InvalidArgumentError(
      'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary',
    );
  }
  return next;
}

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isUint8Array(bytes: ArrayBufferView): bytes is Uint8Array {
  return (bytes as Partial<Uint8Array>)[Symbol.toStringTag] === 'Uint8Array';
}

/** `ArrayBuffer.prototype.detached` is not there before Node 22. */
function isDetached({ buffer }: Uint8Array): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
