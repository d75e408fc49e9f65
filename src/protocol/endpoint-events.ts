/** The interfaces of an endpoint: its options, the calls it makes, and where its frames go. */
import type { CloseStatus } from './close.js';
import type { EchoRun } from './kernel/echo-run.js';
import type { DataOpcode, Role } from './frame.js';
import type { Slab } from './slabs/slab.js';
import type { SlabPool } from './slabs/slab-pool.js';

/** How many control frames there were. */
export interface ControlCounts {
  pings: number;
  pongs: number;
  closes: number;
}

/** The options of an endpoint; many endpoints share one object. */
export interface EndpointOptions {
  readonly role: Role;
  /** Whether the events bring whole messages, or chunks of them as they arrive. */
  readonly delivery: 'messages' | 'chunks';
  /** The largest message, in bytes, inclusive. Only whole messages are bounded. */
  readonly maxMessage: number;
  /** The most fragments in one message, inclusive; empty ones count. Only whole messages are bounded. */
  readonly maxFragments: number;
  /** Makes the masking key of each frame that a client sends: unpredictable (RFC 6455 §5.3). */
  readonly makeMaskingKey?: () => number;
  /** Where control frames are counted, those received and those sent; by default nowhere. */
  readonly controlIn?: ControlCounts;
  readonly controlOut?: ControlCounts;
  /**
   * Has the memory that messages are put together in, which are then sent back from there. By default each has memory of its
   * own, that whoever gets the message may keep.
   */
  readonly pool?: SlabPool;
}

/**
 * The calls of an endpoint. Payloads are `bytes[start, end)`, valid during the call only and not to be
 * changed: copy one to keep it.
 */
export interface EndpointEvents {
  /** A whole message, with delivery `messages`. Text is valid UTF-8 unless `rsv` is set. */
  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv: number): void;
  /**
   * A chunk of a message, with delivery `chunks`. Text is valid UTF-8 so far, though a chunk may end
   * inside a character. The last chunk may be empty.
   */
  chunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void;
  /** A Ping; its Pong is already in the output, or will be (RFC 6455 §5.5.2). */
  pingReceived(bytes: Uint8Array, start: number, end: number): void;
  /** A Pong, asked for or not (RFC 6455 §5.5.3). */
  pongReceived(bytes: Uint8Array, start: number, end: number): void;
  /** The peer's Close; unless we had sent ours, `sendClose` is owed (RFC 6455 §5.5.1). */
  peerClose(status: CloseStatus): void;
  /**
   * The peer broke a rule, or a listener threw. True holds the failure back: nothing more is read,
   * answers to what came before can still be sent, and `fail` is owed.
   */
  holdFailure?(error: unknown): boolean;
  /** The connection failed; the Close frame that says so is in the output (RFC 6455 §7.1.7). */
  failed(error: unknown): void;
}

/** Lets an endpoint send messages back by itself, see `Endpoint.echoes`. It only takes note. */
export interface EchoListener {
  /** How many bytes may be sent back before the next message has to be a call of `message`. */
  readonly echoRoom: number;
  /** Messages were sent back. The run is valid during the call. */
  echoed(run: EchoRun): void;
}

/** Takes the frames that an endpoint sends. */
export interface FrameSink {
  /**
   * Appends one frame with the payload `payload[start, end)`.
   *
   * @param first FIN, RSV1 to RSV3 and the opcode
   * @param maskingKey the first key byte in the lowest 8 bits; null for an unmasked frame
   * @param slab has the payload, which nobody changes while it is held: it need not be copied. Null for any other
   */
  appendFrame(
    first: number,
    maskingKey: number | null,
    payload: Uint8Array,
    start: number,
    end: number,
    slab: Slab | null,
  ): void;
  /** Appends bytes as they are, which are copied. */
  appendBytes(bytes: Uint8Array): void;
}

/**
 * Sees every frame of an endpoint. `first` is the first byte of a header:
 * FIN, RSV1 to RSV3 and the opcode (RFC 6455 §5.2).
 */
export interface FrameWatcher {
  /** The header of a frame has come; what it announces may still be over a limit. */
  frameReceived(first: number, isMasked: boolean, payloadBytes: number): void;
  /** A Ping, Pong or Close is complete; what it causes follows. Valid during the call. */
  controlReceived(opcode: number, bytes: Uint8Array, start: number, end: number): void;
  /** A frame is appended to the output. The payload is not masked, and valid during the call. */
  frameSent(first: number, isMasked: boolean, bytes: Uint8Array, start: number, end: number): void;
}
