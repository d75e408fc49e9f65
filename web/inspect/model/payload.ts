/** What a record of a recording holds: its payload as bytes and as text. */
import type { RecordAnswer } from '../../../src/inspect/page-protocol.js';

export interface Payload {
  readonly bytes: Uint8Array;
  /** As UTF-8, with a replacement character for what is not. */
  readonly text: string;
  readonly isText: boolean;
  /** How many bytes of it are not here. */
  readonly missing: number;
}

/** @returns null for a record without a payload */
export function payloadOf({ record }: Pick<RecordAnswer, 'record'>): Payload | null {
  const { data, b64, len } = record;
  if (typeof data !== 'string' && typeof b64 !== 'string') return null;
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : fromBase64(String(b64));
  const text = typeof data === 'string' ? data : new TextDecoder().decode(bytes);
  return {
    bytes,
    text,
    isText: typeof data === 'string',
    missing: typeof len === 'number' ? Math.max(0, len - bytes.length) : 0,
  };
}

function fromBase64(text: string): Uint8Array {
  // What is shortened may end within a group of four.
  const whole = text.replace(/=+$/, '');
  return Uint8Array.from(atob(whole.length % 4 === 1 ? whole.slice(0, -1) : whole), (character) =>
    character.charCodeAt(0),
  );
}
