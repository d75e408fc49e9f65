/** The bytes that a record holds. */
import { Buffer, isUtf8 } from 'node:buffer';
import { Opcode } from '../../protocol/frame.js';
import type { ControlRecord, MessageRecord } from './record.js';

/**
 * @returns the payload, or its beginning when the record is `cut`; what is not base64 in `b64` is
 *   passed over
 */
export function payloadOf({ data, b64 }: MessageRecord | ControlRecord): Buffer {
  // Exactly one is there: parseRecord has seen to it.
  return data === undefined ? Buffer.from(b64!, 'base64') : Buffer.from(data, 'utf8');
}

/**
 * Whether it is a whole text of the server that is not UTF-8, and so none that may be sent again (RFC 6455
 * §5.6). Of a message in pieces no single one tells.
 */
export function isBrokenText(record: MessageRecord): boolean {
  const { dir, op, part, cut, b64 } = record;
  const mayBe = dir === 'out' && op === Opcode.Text && b64 !== undefined;
  return mayBe && part === undefined && cut === undefined && !isUtf8(payloadOf(record));
}
