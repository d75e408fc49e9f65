/**
 * The rules that an echo server breaks when it is asked to, by name: what is sent, which section forbids it, and what a
 * client must do. Help, errors, guides and tests are made of this table. It has words only, so that help can show them;
 * the bytes are in `broken-bytes.ts` and `handshake/break/`.
 */

export interface BrokenRule {
  /** What is sent; a clause. */
  readonly sends: string;
  /** The section that forbids it, as close reasons write it. */
  readonly section: string;
  /** What a client must do; a clause. */
  readonly client: string;
  /** The close code that says so; null where no Close of the client is due. */
  readonly code: number | null;
  /** When it is broken: in the answer to the handshake, after so many messages, or when the client closes. */
  readonly when: 'handshake' | 'messages' | 'close';
  /** True for what is only possible once permessage-deflate was agreed on. */
  readonly needsDeflate?: true;
}

const FAIL = 'fail the connection';
/** Most of them are about frames, and a client that finds them fails the connection with 1002. */
const ofFrames = { client: FAIL, code: 1002, when: 'messages' } as const;
const ofText = { client: FAIL, code: 1007, when: 'messages' } as const;
const ofHandshake = {
  client: 'fail the opening handshake: no connection',
  code: null,
  when: 'handshake',
} as const;

/** How large the bomb is once it is inflated: more than clients take by default that have a limit. */
export const BOMB_BYTES = 128 * 1024 * 1024;

export const BROKEN_RULES = {
  // The answer to the opening handshake.
  'wrong-accept': {
    ...ofHandshake,
    sends: 'a Sec-WebSocket-Accept made of another key',
    section: 'RFC 6455 4.1',
  },
  'unasked-extension': {
    ...ofHandshake,
    sends: 'a Sec-WebSocket-Extensions with an extension that was not offered',
    section: 'RFC 6455 4.1',
  },
  'unasked-subprotocol': {
    ...ofHandshake,
    sends: 'a Sec-WebSocket-Protocol with a subprotocol that was not offered',
    section: 'RFC 6455 4.1',
  },
  // The header of a frame.
  'frame-masked': { ...ofFrames, sends: 'a masked text message', section: 'RFC 6455 5.1' },
  'reserved-bit-2': { ...ofFrames, sends: 'a text message with RSV2', section: 'RFC 6455 5.2' },
  'reserved-bit-3': { ...ofFrames, sends: 'a text message with RSV3', section: 'RFC 6455 5.2' },
  'reserved-opcode': {
    ...ofFrames,
    sends: 'a frame with the reserved opcode 3',
    section: 'RFC 6455 5.2',
  },
  'reserved-control-opcode': {
    ...ofFrames,
    sends: 'a frame with the reserved control opcode 11',
    section: 'RFC 6455 5.2',
  },
  'length-not-minimal-16': {
    ...ofFrames,
    sends: 'a text message of 5 bytes, its length in 16 bits',
    section: 'RFC 6455 5.2',
  },
  'length-not-minimal-64': {
    ...ofFrames,
    sends: 'a text message of 5 bytes, its length in 64 bits',
    section: 'RFC 6455 5.2',
  },
  'length-top-bit': {
    ...ofFrames,
    sends: 'a frame whose 64-bit length has its top bit set',
    section: 'RFC 6455 5.2',
  },
  'length-huge': {
    ...ofFrames,
    sends: 'the header of a message of 2^62 bytes, and 5 of them',
    section: 'RFC 6455 10.4',
    client: 'refuse it by its header, and allocate nothing for it',
    code: 1009,
  },
  // Text.
  'text-not-utf8': {
    ...ofText,
    sends: 'a text message with a byte that UTF-8 never has',
    section: 'RFC 6455 8.1',
  },
  'fragment-not-utf8': {
    ...ofText,
    sends: 'a text message in two fragments, such a byte in the second',
    section: 'RFC 6455 8.1',
  },
  // Fragments and control frames.
  'ping-fragmented': { ...ofFrames, sends: 'a Ping in two fragments', section: 'RFC 6455 5.5' },
  'ping-too-long': { ...ofFrames, sends: 'a Ping of 126 bytes', section: 'RFC 6455 5.5' },
  'message-interleaved': {
    ...ofFrames,
    sends: 'a text message between the two fragments of another one',
    section: 'RFC 6455 5.4',
  },
  'continuation-unexpected': {
    ...ofFrames,
    sends: 'a continuation frame, and no message to continue',
    section: 'RFC 6455 5.4',
  },
  'frame-truncated': {
    ...ofFrames,
    sends: 'the first 10 bytes of a message of 1,024, and a FIN',
    section: 'RFC 6455 7.1.1',
    client: 'report 1006, and deliver nothing of the message',
    code: null,
  },
  // Closing.
  'close-one-byte': { ...ofFrames, sends: 'a Close of one byte', section: 'RFC 6455 5.5.1' },
  'close-code-999': { ...ofFrames, sends: 'a Close with 999', section: 'RFC 6455 7.4.2' },
  'close-code-1005': { ...ofFrames, sends: 'a Close with 1005', section: 'RFC 6455 7.4.1' },
  'close-code-1006': { ...ofFrames, sends: 'a Close with 1006', section: 'RFC 6455 7.4.1' },
  'close-code-1015': { ...ofFrames, sends: 'a Close with 1015', section: 'RFC 6455 7.4.1' },
  'close-code-5000': { ...ofFrames, sends: 'a Close with 5000', section: 'RFC 6455 7.4.2' },
  'close-reason-not-utf8': {
    ...ofText,
    sends: 'a Close with 1000 and a reason that is not UTF-8',
    section: 'RFC 6455 5.5.1',
  },
  'data-after-close': {
    ...ofFrames,
    sends: 'a Close with 1000, and a text message after it',
    section: 'RFC 6455 5.5.1',
    client: 'answer the Close, and deliver nothing after it',
    code: 1000,
  },
  'no-close': {
    sends: "a FIN where the answer to the client's Close is due",
    section: 'RFC 6455 5.5.1',
    client: 'report 1006, not the code that it has sent',
    code: null,
    when: 'close',
  },
  // Compression.
  'compressed-unasked': {
    ...ofFrames,
    sends: 'a compressed text message (RSV1), though no extension was agreed on',
    section: 'RFC 6455 5.2',
  },
  'compressed-garbage': {
    ...ofText,
    sends: 'a compressed message that cannot be inflated',
    section: 'RFC 7692 7.2.2',
    needsDeflate: true,
  },
  bomb: {
    ...ofFrames,
    sends: `a compressed message of 845 KB that inflates to ${BOMB_BYTES / 1024 ** 2} MiB`,
    section: 'RFC 7692 8',
    client: 'stop inflating at its limit for messages',
    code: 1009,
    needsDeflate: true,
  },
} as const satisfies Readonly<Record<string, BrokenRule>>;

export type BreakName = keyof typeof BROKEN_RULES;

/** All names, in the order of the table. */
export const BREAK_NAMES = Object.keys(BROKEN_RULES) as readonly BreakName[];

export function isBreakName(name: string): name is BreakName {
  return Object.hasOwn(BROKEN_RULES, name);
}

export function brokenRule(name: BreakName): BrokenRule {
  return BROKEN_RULES[name];
}
