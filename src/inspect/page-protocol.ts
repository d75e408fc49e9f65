/**
 * What the page and the server of the inspector say to each other: JSON texts by one WebSocket, subprotocol
 * `twist-inspect.1`. The page asks (`PageRequest`, each with a number of its own), the server answers with the same number, and
 * beside that tells what has changed (`PageNews`). Only types: the page imports them too.
 *
 * Records have numbers: their places in what was recorded since the start (or in the file), from 0, never used again. The
 * oldest ones go when memory is full.
 */

/** What kinds of rows there are. `part` rows of unassembled messages have the kind of their message. */
export type RowKind =
  | 'text'
  | 'binary'
  | 'ping'
  | 'pong'
  | 'close'
  | 'frame'
  | 'count'
  | 'target'
  | 'open'
  | 'end'
  | 'gap';

/** Which records a view holds; what is left out sets no condition. The same conditions as those of `twist convert`. */
export interface RowFilter {
  /** The session's id; of all sessions without it. */
  readonly session?: string;
  readonly direction?: 'in' | 'out';
  readonly kinds?: readonly RowKind[];
  /** Bytes of the payload, inclusive. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** A part of the payload's text (in a binary payload each byte is a character). */
  readonly text?: string;
  readonly isCaseSensitive?: boolean;
  /** A regular expression, instead of `text`. */
  readonly pattern?: string;
  /** Seconds since 1970, inclusive. */
  readonly since?: number;
  readonly until?: number;
}

/** A session, as the list shows it. Times are seconds since 1970. */
export interface SessionRow {
  readonly s: string;
  /** Its number in the operational log. */
  readonly id: number;
  readonly remote: string;
  readonly url: string;
  readonly mode: string;
  readonly subprotocol: string | null;
  readonly extensions: string | null;
  readonly tls: string | null;
  /** Which worker process serves it; absent where there is one process. */
  readonly worker?: number;
  readonly opened: number;
  /** Of its last record. */
  readonly last: number;
  readonly in: { readonly msgs: number; readonly bytes: number };
  readonly out: { readonly msgs: number; readonly bytes: number };
  /** Absent while it is open. */
  readonly close?: {
    readonly t: number;
    readonly by: 'client' | 'server' | 'lost';
    readonly code: number;
    readonly reason: string;
    /** The rule that the peer broke, its sentence, and the section of the RFC, such as `RFC 6455 §5.5.1`. */
    readonly rule?: string;
    readonly ruleSentence?: string;
    readonly ruleSection?: string;
    /** What the close code means, in a sentence. */
    readonly codeSentence: string;
  };
  /** Its first records are gone from memory, or were never there. */
  readonly isPartial?: true;
  /** The number of its `open` record, while that is there: `record` has all of the handshake. */
  readonly openRecord?: number;
}

/** A record, as the list of messages shows it. */
export interface Row {
  readonly n: number;
  readonly s: string;
  readonly t: number;
  readonly kind: RowKind;
  readonly dir?: 'in' | 'out';
  readonly op?: number;
  readonly part?: 'first' | 'middle' | 'last';
  /** Bytes of the payload, and on the wire. */
  readonly len?: number;
  readonly wire?: number;
  /** The beginning of the payload as text, at most 256 characters, control characters escaped; of binary: hex pairs, at most 64 bytes. Of other kinds: a sentence. */
  readonly preview: string;
  /** The preview is not all of it. */
  readonly isLonger?: true;
  /** The record itself holds only the beginning. */
  readonly isCut?: true;
  /** The text is JSON (an object or an array). */
  readonly isJson?: true;
  /** Seconds since the row before it in the same session (of messages and control frames); absent for the first. */
  readonly gap?: number;
  /** Of messages: which one of its direction in its session it is, from 1. */
  readonly ordinal?: number;
  /** The message of the other direction with the same ordinal: its number, and the seconds from request to reply (both rows have the same). */
  readonly pair?: { readonly n: number; readonly seconds: number };
}

/** Traffic in one bucket of the strip. */
export interface Bucket {
  readonly inBytes: number;
  readonly outBytes: number;
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly controls: number;
  /** Records are missing in it. */
  readonly hasGap?: true;
}

export type ExportFormat = 'ndjson' | 'har' | 'pcapng';

/** What the page asks. The answer has the same `id`. */
export type PageRequest =
  /** Makes a view: the records that pass a filter, in order. It grows as records come. Answer: ViewAnswer. At most 8 a page; one that replaces another names it. */
  | {
      readonly ask: 'view';
      readonly id: number;
      readonly filter: RowFilter;
      readonly instead?: number;
    }
  /** Forgets it. No answer. */
  | { readonly ask: 'forget'; readonly id: number; readonly view: number }
  /**
   * Rows of a view by their places in it, at most 500. Answer: RowsAnswer. In this and the two below, places are counted
   * from the first row that is still there. If rows have left since the page's last news, that has moved: a page that
   * gives `gone`, the `goneTotal` it knows, is understood all the same.
   */
  | {
      readonly ask: 'rows';
      readonly id: number;
      readonly view: number;
      readonly from: number;
      readonly count: number;
      readonly gone?: number;
    }
  /** Places in a view: the first row at or after a time (or of a record number). Answer: PlaceAnswer. */
  | {
      readonly ask: 'place';
      readonly id: number;
      readonly view: number;
      readonly t?: number;
      readonly n?: number;
    }
  /** The next row of the view after (or, backwards, before) a place whose payload matches; before the first, `from` is -1. Answer: PlaceAnswer, place -1 for none. A second one in the same view ends the first with a fault. */
  | {
      readonly ask: 'find';
      readonly id: number;
      readonly view: number;
      readonly text?: string;
      readonly pattern?: string;
      readonly isCaseSensitive?: boolean;
      readonly from: number;
      readonly isBackwards?: boolean;
      readonly gone?: number;
    }
  /** One record whole. Answer: RecordAnswer. */
  | { readonly ask: 'record'; readonly id: number; readonly n: number }
  /** Traffic of a session (or of all) over time. Answer: StripAnswer. */
  | {
      readonly ask: 'strip';
      readonly id: number;
      readonly session?: string;
      readonly since?: number;
      readonly until?: number;
      readonly buckets: number;
    }
  /** A file of a view, or of single records of it. Binary messages follow: 4 bytes, the id (big-endian), and bytes of the file. Then ExportAnswer. */
  | {
      readonly ask: 'export';
      readonly id: number;
      readonly view: number;
      readonly format: ExportFormat;
      readonly records?: readonly number[];
    }
  /** Ends a session with a Close. Answer: DoneAnswer. */
  | {
      readonly ask: 'end';
      readonly id: number;
      readonly session: string;
      readonly code: number;
      readonly reason: string;
    };

export interface ViewAnswer {
  readonly id: number;
  readonly view: number;
  readonly total: number;
  /** Rows that have left at its beginning since it was made. */ readonly goneTotal: number;
  /** It has caught up with all records; the rest comes as news. */ readonly isComplete: boolean;
}
/** `from` and `total` count from the first row that is still there; it is the `goneTotal`-th that the view ever had. */
export interface RowsAnswer {
  readonly id: number;
  readonly from: number;
  readonly rows: readonly Row[];
  readonly total: number;
  readonly goneTotal: number;
}
/** `n` is the record there; absent where `place` is -1, or the end of the view. */
export interface PlaceAnswer {
  readonly id: number;
  readonly place: number;
  readonly n?: number;
  readonly goneTotal: number;
}
/** `json` is the line of the recording, parsed; a payload of more than 1 MiB is cut there, and `isShortened`. */
export interface RecordAnswer {
  readonly id: number;
  readonly record: Readonly<Record<string, unknown>>;
  readonly row: Row;
  readonly isShortened?: true;
}
export interface StripAnswer {
  readonly id: number;
  readonly since: number;
  readonly until: number;
  readonly buckets: readonly Bucket[];
}
/** `note` says what is missing in it, in a sentence: beginnings of sessions, or records that went from memory meanwhile. */
export interface ExportAnswer {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  readonly records: number;
  readonly note?: string;
}
export interface DoneAnswer {
  readonly id: number;
  readonly isDone: true;
}
/** Instead of any other answer: one sentence. */
export interface FaultAnswer {
  readonly id: number;
  readonly fault: string;
}
export type PageAnswer =
  | ViewAnswer
  | RowsAnswer
  | PlaceAnswer
  | RecordAnswer
  | StripAnswer
  | ExportAnswer
  | DoneAnswer
  | FaultAnswer;

/** What the server tells without being asked: on opening `hello` and `sessions` (all of them, in parts), then what changes, at most ten times a second. */
export type PageNews =
  | {
      readonly news: 'hello';
      readonly version: string;
      /** Live traffic, or a file. */
      readonly source: 'live' | 'file';
      readonly file?: { readonly name: string; readonly bytes: number };
      readonly canEndSessions: boolean;
      /** How many processes are shown; absent for a file. */
      readonly workers?: number;
      /** Payloads are recorded up to this many bytes; absent for all. */
      readonly maxPayloadBytes?: number;
      /** What memory holds at most; absent for a file. */
      readonly memoryBytes?: number;
    }
  /** New and changed rows; `gone` are those that are not kept any more. */
  | {
      readonly news: 'sessions';
      readonly rows: readonly SessionRow[];
      readonly gone?: readonly string[];
    }
  /** A view has grown, or its beginning has gone: places shift by `gone` (rows that left at its beginning since the last news). */
  | {
      readonly news: 'view';
      readonly view: number;
      readonly total: number;
      readonly gone: number;
      readonly goneTotal: number;
      readonly isComplete: boolean;
      /** Its filter was given up, and why: it holds what was found before. */ readonly fault?: string;
    }
  | {
      readonly news: 'state';
      /** Records since the start, those that memory has no room for any more, and those that were lost on the way (the inspector was too slow). */
      readonly records: number;
      readonly forgotten: number;
      readonly lost: number;
      readonly usedBytes: number;
      /** Lines that are no records. */
      readonly damaged: number;
      /** Lines that are longer than may be, and how long one may be, in bytes; absent for none. */
      readonly tooLong?: number;
      readonly maxLineBytes?: number;
      /** Of a file that is being indexed: 0 to 1. */
      readonly progress?: number;
      /** The file is not shown to its end, and why. */
      readonly fault?: string;
      /** The server has stopped: nothing more comes. */
      readonly hasEnded?: true;
    };
