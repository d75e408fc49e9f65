/** A tap on sessions, as a recorder is: what it is told of them, and what it can do about them. */
import type { UpgradeRequest } from '../../handshake/request.js';
import type { DataOpcode } from '../../protocol/frame.js';
import type { Session, SessionSummary, TargetEvent } from '../session.js';

/** Watches the sessions of routes, whatever their modes are. */
export interface Tap {
  /** Asked before a handshake is accepted. @throws HandshakeError when no session may begin */
  admit(): void;
  /** A session is open, and nothing was received yet. @param mode its name, for the log */
  begin(session: Session, request: UpgradeRequest, mode: string, gate: TapGate): SessionTap;
}

/** Watches one session. Payloads are `bytes[start, end)`, valid during the call only. */
export interface SessionTap {
  /** Whether it is to be told of every frame. */
  readonly watchesFrames: boolean;
  /**
   * A message, or a chunk of one: as the mode is about to get it, or as the mode has sent it, when its
   * frame waits to be written.
   *
   * @param wireBytes what it took on the wire, frame headers included; of a chunk what came with it
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

/** What a tap can do about a session that it watches. */
export interface TapGate {
  /** True for a session whose mode also gets what comes after our own Close. */
  readonly hearsOut: boolean;
  /** Nothing more is read from the client, and a mode that sends is told to wait. */
  pause(): void;
  resume(): void;
  /** From now on output waits until it was sealed and let go. */
  hold(): void;
  /** What waits now is what the next `letGo` lets go. */
  seal(): void;
  letGo(): void;
  /** Holds nothing any more; all that waits leaves. */
  stopHolding(): void;
  /** Ends the session with this code, after all that was sent before. */
  end(code: number, reason: string): void;
  /** Drops the output that was not let go, and ends the session with this code. */
  close(code: number, reason: string): void;
}
