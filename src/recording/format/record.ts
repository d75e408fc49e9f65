/**
 * The records of a recording, as they stand in its lines: NDJSON, one JSON object in each, with these
 * keys. Readers ignore keys and kinds of records that they do not know.
 */
import type { DataOpcode } from '../../protocol/frame.js';

/** The version of the format, in the header of each file. */
export const RECORDING_VERSION = 1;

/** As the server sees it: `in` comes from the client. */
export type Direction = 'in' | 'out';

/** Seconds since 1970, UTC, with microseconds. */
export type RecordTime = number;

/** The first line of each file, and of what each run of the server appends to it. */
export interface FileRecord {
  readonly ev: 'file';
  readonly v: number;
  /** Who wrote it: `twist/1.0.0`. */
  readonly tool: string;
  readonly t: RecordTime;
  /** The values of its handshakes are those that may be shown: readers hide no others. */
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
  /** Address and port of the client, `[v6]:port` for IPv6; `unix` behind a Unix socket. */
  readonly remote: string;
  /** Our own address and port that it connected to. */
  readonly local: string;
  /** What was agreed on for TLS; null without it. */
  readonly tls: string | null;
  /** The request target. Of a value that may be a secret its length stands there: `[hidden:24]`. */
  readonly url: string;
  /**
   * Headers of the request by their names in lower case, hidden values as in `url`. One that came several
   * times is one text; others may write a list.
   */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The one that was selected; one that nobody knows is hidden as a value is. */
  readonly subprotocol: string | null;
  /** As the response had it, hidden values as in `url`. */
  readonly extensions: string | null;
  readonly mode: string;
}

/** A payload: exactly one of `data` and `b64`. */
interface PayloadRecord {
  /** Bytes of the payload, also when only a part of it is in the record. */
  readonly len: number;
  /** A payload that is UTF-8, of text. */
  readonly data?: string;
  /** Any other payload, in base64. */
  readonly b64?: string;
  /** The record has only the beginning of the payload. */
  readonly cut?: true;
}

/**
 * A message as the mode saw or sent it, extensions undone. Where messages are not put together (the
 * proxy) there is one for each piece.
 */
export interface MessageRecord extends SessionRecord, PayloadRecord {
  readonly ev: 'msg';
  readonly dir: Direction;
  readonly op: DataOpcode;
  /** Which piece of its message it is; without this it is a whole message. */
  readonly part?: 'first' | 'middle' | 'last';
  /** Bytes that it took on the wire, frame headers included; of a piece those that came with it. */
  readonly wire: number;
}

/** A Ping, Pong or Close (RFC 6455 §5.5): opcode 9, 10 or 8. */
export interface ControlRecord extends SessionRecord, PayloadRecord {
  readonly ev: 'ctl';
  readonly dir: Direction;
  readonly op: number;
}

/** A frame's header (RFC 6455 §5.2); only where frames are recorded. It comes before its message. */
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
  /** The same with the header. */
  readonly wire: number;
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

/** What went one way in a session. */
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
  /** Seconds that it lasted. */
  readonly dur: number;
  /** The rule that the peer broke, if it did. */
  readonly rule?: string;
}

/** Records are missing here: they could not be written, and the recording was to go on without. */
export interface GapRecord {
  readonly ev: 'gap';
  readonly t: RecordTime;
  /** Since when. */
  readonly since: RecordTime;
  /** How many records are missing. */
  readonly records: number;
  /** Why: the system's name of the error, `ENOSPC` for instance. */
  readonly error: string;
}

export type AnyRecord =
  | FileRecord
  | OpenRecord
  | MessageRecord
  | ControlRecord
  | FrameRecord
  | TargetRecord
  | CloseRecord
  | GapRecord;
