/**
 * The bytes that break a rule. They are beside the encoder, and not of it: an endpoint cannot be talked into them. Only the
 * mode of `--echo-controls` may import this file, and test/architecture.test.ts holds that.
 */
import { Buffer } from 'node:buffer';
import type { CloseStatus } from '../close.js';
import { FIN, Opcode, frameHeaderBytes, writeFrameHeader } from '../frame.js';
import { BOMB_BYTES, type BreakName } from './broken-rules.js';

/** What breaks a rule once messages flow. */
export interface Broken {
  readonly bytes: Uint8Array;
  /** What a Close in them says, as far as it says anything: ours has been sent then. Null for bytes without one. */
  readonly close: CloseStatus | null;
  /** Whether our FIN follows. */
  readonly isLast: boolean;
}

const RSV1 = 0x40;

const HELLO = Buffer.from('Hello');

/** @throws Error for what is broken elsewhere: in the handshake, or in the answer to a Close */
export function brokenBytes(name: BreakName): Broken {
  const broken = BYTES[name]?.() ?? null;
  if (broken === null) throw new Error(`${name} is not broken by bytes`);
  return broken;
}

const BYTES: Readonly<Partial<Record<BreakName, () => Broken>>> = {
  // The example of RFC 6455 §5.7.
  'frame-masked': () => hex('81 85 37fa213d 7f9f4d5158'),
  'reserved-bit-2': () => frames([0xa1, HELLO]),
  'reserved-bit-3': () => frames([0x91, HELLO]),
  'reserved-opcode': () => frames([0x83, HELLO]),
  'reserved-control-opcode': () => frames([0x8b, HELLO]),
  'length-not-minimal-16': () => hex('81 7e 0005 48656c6c6f'),
  'length-not-minimal-64': () => hex('81 7f 0000000000000005 48656c6c6f'),
  'length-top-bit': () => hex('82 7f 8000000000000005 48656c6c6f'),
  'length-huge': () => hex('82 7f 4000000000000000 48656c6c6f'),
  'text-not-utf8': () => hex('81 05 4865ff6c6f'),
  'fragment-not-utf8': () => hex('01 02 4865  80 03 ff6c6f'),
  'ping-fragmented': () => hex('09 02 5069  80 02 6e67'),
  'ping-too-long': () => frames([FIN | Opcode.Ping, Buffer.alloc(126, 'p')]),
  'message-interleaved': () => hex('01 03 48656c  81 05 48656c6c6f  80 02 6c6f'),
  'continuation-unexpected': () => frames([FIN | Opcode.Continuation, HELLO]),
  'frame-truncated': () => ({ ...hex('82 7e 0400 48656c6c6f48656c6c6f'), isLast: true }),
  'close-one-byte': () => closing(1005, frames([FIN | Opcode.Close, Buffer.of(3)])),
  'close-code-999': () => closeWith(999),
  'close-code-1005': () => closeWith(1005),
  'close-code-1006': () => closeWith(1006),
  'close-code-1015': () => closeWith(1015),
  'close-code-5000': () => closeWith(5000),
  'close-reason-not-utf8': () => closing(1000, hex('88 05 03e8 48ff69')),
  'data-after-close': () => closing(1000, hex('88 02 03e8  81 05 48656c6c6f')),
  // The example of RFC 7692 §7.2.3.1.
  'compressed-unasked': () => hex('c1 07 f248cdc9c90700'),
  // The first block is of the type that deflate reserves (RFC 1951 §3.2.3).
  'compressed-garbage': () => frames([FIN | RSV1 | Opcode.Binary, Buffer.alloc(16, 0xff)]),
  bomb: () => frames([FIN | RSV1 | Opcode.Binary, deflatedZeros(BOMB_BYTES)]),
};

function hex(text: string): Broken {
  return { bytes: Buffer.from(text.replaceAll(' ', ''), 'hex'), close: null, isLast: false };
}

/** Unmasked frames whose lengths are right. */
function frames(...given: readonly (readonly [first: number, payload: Uint8Array])[]): Broken {
  const pieces = given.flatMap(([first, payload]) => {
    const header = new Uint8Array(frameHeaderBytes(payload.length, false));
    writeFrameHeader(header, 0, first, payload.length, null);
    return [header, payload];
  });
  return { bytes: Buffer.concat(pieces), close: null, isLast: false };
}

function closing(code: number, broken: Broken): Broken {
  return { ...broken, close: { code, reason: '' } };
}

function closeWith(code: number): Broken {
  return closing(code, frames([FIN | Opcode.Close, Buffer.of(code >> 8, code & 0xff)]));
}

/** What one step back in the window copies at most (RFC 1951 §3.2.5). */
const LONGEST_MATCH = 258;
/** Eight such matches are thirteen bytes: each has a length of 8 bits and a distance of 5. */
const MATCHES = 8;
const MATCHES_BYTES = 13;

/**
 * Zeros as a message of permessage-deflate has them (RFC 7692 §7.2.1), at least so many and hardly more. It takes no
 * compressor: a zero, and then nothing but copies of what is before, in the fixed code of RFC 1951 §3.2.6.
 */
export function deflatedZeros(count: number): Uint8Array {
  const rounds = Math.max(2, Math.ceil(count / (LONGEST_MATCH * MATCHES)));
  // With what is before and after them, and a round in hand.
  const bits = new BitWriter((rounds + 2) * MATCHES_BYTES);
  // Not the last block; the fixed code; the byte 0.
  bits.write('0 10 00110000');
  for (let match = 0; match < 2 * MATCHES; match++) bits.write('11000101 00000');
  bits.repeat(MATCHES_BYTES, rounds - 2);
  // The end of the block, and the beginning of an empty one, whose rest the message leaves out.
  bits.write('0000000 000');
  return bits.written;
}

/** Writes bits as deflate packs them: the first one lowest (RFC 1951 §3.1.1). */
class BitWriter {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes);
  }

  get written(): Uint8Array {
    return this.#bytes.subarray(0, Math.ceil(this.#bit / 8));
  }

  write(bits: string): void {
    for (const bit of bits.replaceAll(' ', '')) {
      if (bit === '1') this.#bytes[this.#bit >> 3]! |= 1 << (this.#bit & 7);
      this.#bit++;
    }
  }

  /** Writes the last so many bytes, of which the first may begin inside a byte, so many times more. */
  repeat(bytes: number, times: number): void {
    const end = this.#bit >> 3;
    // The byte that is not full yet is in the next round what it was in the last.
    const round = this.#bytes.slice(end - bytes, end);
    for (let time = 0; time <= times; time++) this.#bytes.set(round, end + time * bytes);
    this.#bit += 8 * bytes * times;
    this.#bytes.fill(0, (this.#bit >> 3) + 1);
    this.#bytes[this.#bit >> 3]! &= (1 << (this.#bit & 7)) - 1;
  }
}
