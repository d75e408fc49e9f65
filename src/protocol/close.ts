/** Closing (RFC 6455 §5.5.1, §7): close codes, the payload of Close frames, and the closing handshake. */

import {
  InvalidArgumentError,
  InvalidPayloadError,
  InvalidStateError,
  PeerError,
  ProtocolError,
} from '../errors.js';
import { describe, isInstance, memberOf } from '../foreign.js';
import { NO_BYTES } from './bytes.js';
import { MAX_CONTROL_PAYLOAD_BYTES } from './frame.js';
import { UTF8_ACCEPT, validateUtf8 } from './utf8.js';

/** Close codes by name (RFC 6455 §7.4.1 and the IANA WebSocket Close Code Number Registry). */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  /** Never sent: stands for a Close frame without a code. */
  NoCode: 1005,
  /** Never sent: stands for a connection that ended without a Close frame. */
  Abnormal: 1006,
  InvalidPayload: 1007,
  PolicyViolation: 1008,
  MessageTooBig: 1009,
  InternalError: 1011,
  TryAgainLater: 1013,
} as const;

/** What a Close frame says; `code` is 1005 when its payload is empty (RFC 6455 §7.1.5). */
export interface CloseStatus {
  readonly code: number;
  readonly reason: string;
}

// A reason is echoed as it came, so a leading U+FEFF stays.
const reasonDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
const reasonEncoder = new TextEncoder();

/** True for the codes that an endpoint may send (RFC 6455 §7.4.2 and the IANA registry). */
export function isSendableCloseCode(code: unknown): code is number {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/** @throws InvalidStateError for a code that must not be sent; 1005 stands for a Close without one */
export function assertSendableCloseCode(code: unknown): void {
  if (code === CloseCode.NoCode || isSendableCloseCode(code)) return;
  throw new InvalidStateError(`close code ${describe(code)} must not be sent`);
}

/** @throws InvalidArgumentError for a reason that is not a string */
export function assertCloseReason(reason: unknown): void {
  if (typeof reason === 'string') return;
  throw new InvalidArgumentError(`a close reason cannot be ${describe(reason)}: give a string`);
}

/**
 * Reads the payload of a Close frame (RFC 6455 §5.5.1).
 *
 * @throws ProtocolError for a payload of one byte or a code that must not be sent
 * @throws InvalidPayloadError for a reason that is not UTF-8
 */
export function parseClosePayload(bytes: Uint8Array, start: number, end: number): CloseStatus {
  if (start === end) return { code: CloseCode.NoCode, reason: '' };
  if (end - start === 1) throw new ProtocolError('close-payload-length');
  const code = (bytes[start]! << 8) | bytes[start + 1]!;
  if (!isSendableCloseCode(code)) throw new ProtocolError('close-code');
  // Most have no reason.
  if (end - start === 2) return { code, reason: '' };
  if (validateUtf8(UTF8_ACCEPT, bytes, start + 2, end) !== UTF8_ACCEPT) {
    throw new InvalidPayloadError('close-reason-not-utf8');
  }
  return { code, reason: reasonDecoder.decode(bytes.subarray(start + 2, end)) };
}

/**
 * Writes the payload of a Close frame. A reason that is too long is cut between two characters;
 * code 1005 makes an empty payload.
 *
 * @throws InvalidStateError for a code that must not be sent
 */
export function serializeClosePayload(code: number, reason: string): Uint8Array {
  if (code === CloseCode.NoCode) return NO_BYTES;
  assertSendableCloseCode(code);
  assertCloseReason(reason);
  // encodeInto stops before the character that does not fit, and the buffer is zeroed, so nothing
  // but the reason can leave. Most have none: what is small lies in V8's own heap.
  const payload = new Uint8Array(reason === '' ? 2 : MAX_CONTROL_PAYLOAD_BYTES);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  if (reason === '') return payload;
  const room = payload.subarray(2);
  const { read, written } = reasonEncoder.encodeInto(reason, room);
  if (read === reason.length) return payload.subarray(0, 2 + written);
  // Node 26 leaves out a last character that fills the room, unless it comes alone.
  const next = String.fromCodePoint(reason.codePointAt(read)!);
  const last = reasonEncoder.encodeInto(next, room.subarray(written));
  return payload.subarray(0, 2 + written + last.written);
}

/** What a Close says about an error (RFC 6455 §7.4.1): details only if the error is the peer's fault. */
export function closeStatusOf(error: unknown): CloseStatus {
  if (isInstance(error, PeerError)) {
    const code = memberOf(error, 'closeCode');
    const reason = memberOf(error, 'message');
    if (isSendableCloseCode(code) && typeof reason === 'string') return { code, reason };
  }
  return { code: CloseCode.InternalError, reason: 'internal error' };
}

// ---- The closing handshake as a table (RFC 6455 §7.1)
//
// Law 1: every state and every transition is in this table, and nowhere else.
// Law 2: the table does not know our role: both sides close alike.
// Law 3: after the first Close that we send we send no data, and after the peer's Close nothing that
// arrives is looked at (RFC 6455 §5.5.1).

/** How far the closing handshake of one endpoint is. */
export const ClosingState = {
  /** No Close seen in either direction. */
  Open: 0,
  /** We sent Close and wait for the peer's. */
  CloseSent: 1,
  /** The peer sent Close, or broke a rule: nothing more is read, and our Close is owed. */
  CloseOwed: 2,
  /** Nothing more is read or sent: both Closes are through, the connection failed, or it ended. */
  Closed: 3,
} as const;

export type ClosingState = (typeof ClosingState)[keyof typeof ClosingState];

/** What moves an endpoint from one state to the next. */
export const ClosingEvent = {
  /** We send a Close frame. */
  SendClose: 0,
  /** A Close frame arrives. */
  ReceiveClose: 1,
  /** We fail the connection (RFC 6455 §7.1.7). */
  Fail: 2,
  /** The byte stream ends: the peer's FIN or a reset. */
  Eof: 3,
  /** The peer broke a rule, and answers to what came before go out first. */
  HoldFailure: 4,
} as const;

export type ClosingEvent = (typeof ClosingEvent)[keyof typeof ClosingEvent];

const { Open, CloseSent, CloseOwed, Closed } = ClosingState;

/** Next state by state (row) and event (column); a state that stays itself ignores the event. */
const TRANSITIONS: Readonly<Record<ClosingState, Readonly<Record<ClosingEvent, ClosingState>>>> = {
  //                SendClose,      ReceiveClose,  Fail,      Eof,           HoldFailure
  [Open]: /*     */ [CloseSent, /**/ CloseOwed, /**/ Closed, Closed, /*   */ CloseOwed],
  [CloseSent]: /**/ [CloseSent, /**/ Closed, /*   */ Closed, Closed, /*   */ CloseSent],
  [CloseOwed]: /**/ [Closed, /*   */ CloseOwed, /**/ Closed, CloseOwed, /**/ CloseOwed],
  [Closed]: /*   */ [Closed, /*   */ Closed, /*   */ Closed, Closed, /*   */ Closed],
};

/** The state that follows `state` on `event`. */
export function nextClosingState(state: ClosingState, event: ClosingEvent): ClosingState {
  return TRANSITIONS[state][event];
}

/** True while the peer has not been sent a Close: data may still go out (RFC 6455 §5.5.1). */
export function canSendData(state: ClosingState): boolean {
  return state === Open || state === CloseOwed;
}

/** True while what arrives is parsed. */
export function canReceive(state: ClosingState): boolean {
  return state === Open || state === CloseSent;
}
