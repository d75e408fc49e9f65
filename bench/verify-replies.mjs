/** Inflates what a server has sent and compares it with what was sent to it, after the measurement. */
import { Buffer } from 'node:buffer';
import { FrameReader } from './frame-reader.mjs';
import { SyncZlib, TAIL } from './sync-zlib.mjs';

const RSV1 = 0x40;
/** One for all connections: a reset is cheaper than a new one. */
const inflater = SyncZlib.inflater();

/**
 * Checks all complete messages of one connection.
 * @param {readonly Buffer[]} chunks what came behind the handshake, from the first byte on
 * @param {(index: number) => import('./compressed-traffic.mjs').PlainMessage} expected the message of that number
 * @returns {number} how many there were
 * @throws {Error} for the first one that is wrong
 */
export function verifyReplies(chunks, expected) {
  inflater.reset();
  const bytes = Buffer.concat(chunks);
  let count = 0;
  const reader = new FrameReader((first, payloadBytes, end) => {
    const message = expected(count);
    const payload = bytes.subarray(end - payloadBytes, end);
    if (first !== (0x80 | RSV1 | message.opcode) && first !== (0x80 | message.opcode))
      throw new Error(`reply ${count} begins with 0x${first.toString(16)}`);
    const isCompressed = (first & RSV1) !== 0;
    const plain = isCompressed ? inflate(payload, message.payload.length) : payload;
    if (!message.payload.equals(plain)) {
      throw new Error(
        `wrong reply: number ${count} has ${plain.length} bytes and is not the message of ${message.payload.length} bytes that was sent`,
      );
    }
    count++;
  });
  reader.read(bytes, bytes.length);
  return count;
}

/**
 * @param {Buffer} payload
 * @param {number} plainBytes that are expected
 */
function inflate(payload, plainBytes) {
  const input = Buffer.concat([payload, TAIL]);
  const output = Buffer.allocUnsafeSlow(plainBytes + 64);
  return output.subarray(0, inflater.run(input, input.length, output));
}
