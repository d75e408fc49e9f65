/**
 * A copy of a payload. `Buffer.prototype.slice` makes a view, and payloads may be Buffers: whoever
 * keeps bytes beyond the call that brought them copies them with this.
 */
export function copyPayload(payload: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(payload);
}
