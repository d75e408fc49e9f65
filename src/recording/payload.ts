/** The bytes that a record holds. */
import { Buffer } from 'node:buffer';
import type { ControlRecord, MessageRecord } from './record.js';

/**
 * @returns the payload, or its beginning when the record is `cut`; what is not base64 in `b64` is
 *   passed over
 */
export function payloadOf({ data, b64 }: MessageRecord | ControlRecord): Buffer {
  // Exactly one is there: parseRecord has seen to it.
  return data === undefined ? Buffer.from(b64!, 'base64') : Buffer.from(data, 'utf8');
}
