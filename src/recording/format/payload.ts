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

/**
 * Whether the record is a whole text of the server that is not UTF-8, and so must not be sent again
 * (RFC 6455 §5.6). For a message in pieces, a single piece cannot tell.
 */
export function isBrokenText(record: MessageRecord): boolean {
  const { dir, op, part, cut, b64 } = record;
  const mayBe = dir === 'out' && op === Opcode.Text && b64 !== undefined;
  return mayBe && part === undefined && cut === undefined && !isUtf8(payloadOf(record));
}
