/** What one sends and gets back: a text, or bytes. */
export type Payload = string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Its bytes, on the wire too if nothing is compressed. */
export function bytesOf(payload: Payload): Uint8Array {
  return typeof payload === 'string' ? encoder.encode(payload) : payload;
}

export function sizeOf(payload: Payload): number {
  if (typeof payload !== 'string') return payload.length;
  let size = 0;
  for (let index = 0; index < payload.length; index++) {
    const code = payload.charCodeAt(index);
    // Each half of a pair makes two of its four bytes.
    const isHalf = code >= 0xd800 && code < 0xe000;
    size += code < 0x80 ? 1 : code < 0x800 || isHalf ? 2 : 3;
  }
  return size;
}

/** Whether they are the same kind of message, with the same in it. */
export function isSame(one: Payload, other: Payload): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** As text, if it is valid UTF-8. */
export function textOf(payload: Payload): string | null {
  if (typeof payload === 'string') return payload;
  try {
    return decoder.decode(payload);
  } catch {
    return null;
  }
}

/** Its beginning, which is all that is kept of a long one. */
export function cutTo(payload: Payload, length: number): Payload {
  // A copy, so that the rest can go.
  return typeof payload === 'string' ? payload.slice(0, length) : payload.slice(0, length);
}
