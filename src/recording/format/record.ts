/**
 * The records of a recording, as they stand in its lines: NDJSON, each line a JSON object with these
 * keys. Readers ignore keys and kinds of records that they do not know.
 */
import type { DataOpcode } from '../../protocol/frame.js';

/** The version of the format, in the header of each file. */
export const RECORDING_VERSION = 1;

/** The direction as the server sees it: `in` comes from the client. */
export type Direction = 'in' | 'out';

/** Seconds since 1970, UTC, with microseconds. */
export type RecordTime = number;

/** The first line of each file, and of what each run of the server appends to it. */
export interface FileRecord {
  readonly ev: 'file';
  readonly v: number;
  /** The software that wrote it: `twist/1.0.0`. */
  readonly tool: string;
  readonly t: RecordTime;
  /** The handshakes contain only values that may be shown: readers hide nothing more. */
  readonly redacted?: true;
}

/** What the records of one session have in common. */
interface SessionRecord {
  /** The session: 26 characters that no other session has (a ULID). */
  readonly s: string;
  readonly t: RecordTime;
}

/** A session has begun: the opening handshake was accepted. */
export interface OpenRecord extends SessionRecord {
  readonly ev: 'open';
  /** Its number in the lines of the operational log. */
  readonly id: number;
  /** Address and port of the client, `[v6]:port` for IPv6; `unix` for a Unix socket. */
  readonly remote: string;
  /** Our own address and port that the client connected to. */
  readonly local: string;
  /** What was negotiated for TLS; null without TLS. */
  readonly tls: string | null;
  /** The client's certificate, if it has one that the server trusts: its subject, and its SHA-256 as hex pairs. */
  readonly clientCertificate?: { readonly subject: string; readonly fingerprint: string };
  /**
   * The request target, or the whole URL where a trusted proxy reports another host or scheme than we were asked
   * for. A value that may be a secret is replaced by its length: `[hidden:24]`.
   */
  readonly url: string;
  /**
   * Headers of the request by their names in lower case, values hidden as in `url`. A header that came
   * several times is one text; others may write a list.
   */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The selected subprotocol; an unknown one is hidden as a value is. */
  readonly subprotocol: string | null;
  /** As in the response, values hidden as in `url`. */
  readonly extensions: string | null;
  readonly mode: string;
  /** The number of the process that serves it, where there are several. */
  readonly worker?: number;
}

/** A payload: exactly one of `data` and `b64`. */
interface PayloadRecord {
  /** Bytes of the payload, even if only a part of it is in the record. */
  readonly len: number;
  /** A payload of text that is UTF-8. */
  readonly data?: string;
  /** Any other payload, in base64; a text too that would be more than twice as long as JSON. */
  readonly b64?: string;
  /** The record has only the beginning of the payload. */
  readonly cut?: true;
}

/**
 * A message as the mode saw or sent it, extensions undone. Where messages are not assembled (the proxy)
 * each piece has a record.
 */
export interface MessageRecord extends SessionRecord, PayloadRecord {
  readonly ev: 'msg';
  readonly dir: Direction;
  readonly op: DataOpcode;
  /** Which piece of its message this is; without it the record is a whole message. */
  readonly part?: 'first' | 'middle' | 'last';
  /** Bytes taken on the wire, frame headers included; for a piece, the bytes that came with it. */
  readonly wire: number;
}

/** A Ping, Pong or Close (RFC 6455 §5.5): opcode 9, 10 or 8. */
export interface ControlRecord extends SessionRecord, PayloadRecord {
  readonly ev: 'ctl';
  readonly dir: Direction;
  readonly op: number;
}

/** A frame's header (RFC 6455 §5.2), only if frames are recorded. It comes before its message. */
export interface FrameRecord extends SessionRecord {
  readonly ev: 'frame';
  readonly dir: Direction;
  readonly fin: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv: number;
  readonly op: number;
  readonly masked: boolean;
  /** Bytes of its payload on the wire. */
  readonly len: number;
  /** The same, with the header. */
  readonly wire: number;
}

/**
 * Pings, Pongs or headers of frames that were counted, not recorded: there were more in a second than anybody has a
 * use for. It comes once records of the kind are taken again, or before the `close`.
 */
export interface CountRecord extends SessionRecord {
  readonly ev: 'count';
  readonly of: 'ping' | 'pong' | 'frame';
  readonly dir: Direction;
  /** How many, and the bytes of their payloads. */
  readonly n: number;
  readonly len: number;
  /** When the first of them came. */
  readonly since: RecordTime;
}

/** The target of a proxied session was connected, has ended its stream, or was lost. */
export interface TargetRecord extends SessionRecord {
  readonly ev: 'target';
  readonly state: 'connected' | 'ended' | 'lost';
  /** As the operator named it. */
  readonly target: string;
  /** The system's name of what broke the connection. */
  readonly error?: string;
}

/** The traffic of one direction in a session. */
export interface Traffic {
  readonly msgs: number;
  /** Payload bytes, extensions undone. */
  readonly bytes: number;
}

/** A session is over. */
export interface CloseRecord extends SessionRecord {
  readonly ev: 'close';
  readonly by: 'client' | 'server' | 'lost';
  /** The close code: 1005 for a Close without one, 1006 for a connection that was lost. */
  readonly code: number;
  readonly reason: string;
  readonly in: Traffic;
  readonly out: Traffic;
  /** Its duration in seconds. */
  readonly dur: number;
  /** The rule that the peer broke, if any. */
  readonly rule?: string;
}

/**
 * Records are missing here: they could not be written, and the recording was configured to go on
 * without them.
 */
export interface GapRecord {
  readonly ev: 'gap';
  readonly t: RecordTime;
  /** Since when. */
  readonly since: RecordTime;
  /** How many records are missing. */
  readonly records: number;
  /** Why: the system's name of the error, such as `ENOSPC`; of what an inspector misses, a word of ours. */
  readonly error: string;
  /** The process that has died, where that is why: its sessions are over. */
  readonly worker?: number;
}

export type AnyRecord =
  | FileRecord
  | OpenRecord
  | MessageRecord
  | ControlRecord
  | FrameRecord
  | CountRecord
  | TargetRecord
  | CloseRecord
  | GapRecord;
