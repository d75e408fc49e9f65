/** Who writes down what sessions receive and send, as a recorder does, and what it can do about it. */
import type { UpgradeRequest } from '../handshake/request.js';
import type { DataOpcode } from '../protocol/frame.js';
import type { Session, SessionSummary, TargetEvent } from './session.js';

/** Watches the sessions of routes, whatever their modes are. */
export interface SessionRecorder {
  /** Asked before a handshake is accepted. @throws HandshakeError when no session may begin */
  admit(): void;
  /** A session is open, and nothing was received yet. @param mode its name, for the log */
  begin(
    session: Session,
    request: UpgradeRequest,
    mode: string,
    gate: SessionGate,
  ): SessionObserver;
}

/** Watches one session. Payloads are `bytes[start, end)`, valid during the call only. */
export interface SessionObserver {
  /** Whether it is to be told of every frame. */
  readonly watchesFrames: boolean;
  /**
   * A message, or a piece of one: as the mode is about to get it, or as the mode has sent it, when its
   * frame waits to be written.
   *
   * @param wireBytes what it took on the wire, frame headers included; of a piece what came with it
   */
  message(
    isReceived: boolean,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
    wireBytes: number,
  ): void;
  /** A Ping, Pong or Close (RFC 6455 §5.5). */
  control(isReceived: boolean, opcode: number, bytes: Uint8Array, start: number, end: number): void;
  /**
   * A frame's header, before what it belongs to.
   *
   * @param first FIN, RSV1 to RSV3 and the opcode, as on the wire
   */
  frame(
    isReceived: boolean,
    first: number,
    isMasked: boolean,
    payloadBytes: number,
    wireBytes: number,
  ): void;
  /** The mode has something to tell about its target. */
  target(event: TargetEvent): void;
  /** The connection is gone. */
  closed(summary: SessionSummary): void;
}

/** What an observer can do about a session that it watches. */
export interface SessionGate {
  /** True for a session that is given what comes after our own Close too. */
  readonly hearsOut: boolean;
  /** Nothing more is read from the client, and who sends is told to wait. */
  pause(): void;
  resume(): void;
  /** From now on output waits until it was sealed and let go. */
  hold(): void;
  /** What waits now is what the next `letGo` lets go. */
  seal(): void;
  letGo(): void;
  /** Holds nothing any more; all that waits leaves. */
  stopHolding(): void;
  /** Drops the output that was not let go, and ends the session with this code. */
  close(code: number, reason: string): void;
}
