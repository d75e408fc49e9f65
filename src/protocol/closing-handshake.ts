/**
 * The closing handshake as a table (RFC 6455 §7.1).
 *
 * Law 1: every state and every transition stands in this file, and nowhere else.
 * Law 2: this file does not know which role we play: both sides close alike.
 * Law 3: after the first Close that we send we send no data, and after the peer's Close nothing that
 * arrives is looked at (RFC 6455 §5.5.1).
 */

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
