/** The bytes that a record holds. */
import { Buffer, isUtf8 } from 'node:buffer';
import { Opcode } from '../../protocol/frame.js';
import type { ControlRecord, MessageRecord } from './record.js';

/**
 * @returns the payload, or its beginning if the record is `cut`; characters in `b64` that are not
 *   base64 are skipped
 */
export function payloadOf({ data, b64 }: MessageRecord | ControlRecord): Buffer {
  // parseRecord makes sure that exactly one is there.
  return data === undefined ? Buffer.from(b64!, 'base64') : Buffer.from(data, 'utf8');
}

/** @returns the text in the record, whichever way it is written; null if there is none, or a character is cut in it */
export function textOf(record: MessageRecord | ControlRecord): string | null {
  const { data, op } = record;
  if (data !== undefined) return data;
  if (op !== Opcode.Text) return null;
  const payload = payloadOf(record);
  return isUtf8(payload) ? payload.toString() : null;
}

/**
 * Whether the record is a whole text of the server that is not UTF-8, and so must not be sent again
 * (RFC 6455 §5.6). For a message in pieces, a single piece cannot tell.
 */
export function isBrokenText(record: MessageRecord): boolean {
  const { dir, op, part, cut, b64 } = record;
  const mayBe = dir === 'out' && op === Opcode.Text && b64 !== undefined;
  return mayBe && part === undefined && cut === undefined && !isUtf8(payloadOf(record));
}
