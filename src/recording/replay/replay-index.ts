/**
 * Lists the sessions of a recording and where they are in it: everything needed to begin a replay of
 * one.
 */
import { open, stat } from 'node:fs/promises';
import { splitRequestTarget } from '../../handshake/request-target.js';
import { MessageBorders } from '../format/message-borders.js';
import { isBrokenText } from '../format/payload.js';
import { type NumberedRecord, type OnDamage, RecordReader } from '../format/record-reader.js';
import type { AnyRecord, Direction } from '../format/record.js';

/** How much is read at once. */
const CHUNK_BYTES = 256 * 1024;

/** What all sessions may take together, and what one takes besides its texts, about. */
const MAX_SESSIONS_BYTES = 64 * 1024 ** 2;
const SESSION_BYTES = 600;

const TOO_MANY =
  'it has more sessions than can be kept; make a smaller recording of it with twist convert --to ndjson';

/** A session of a recording, as far as it can be replayed. */
export interface ReplaySession {
  /** A unique id: a ULID. */
  readonly s: string;
  /** Its number in the log of the server that recorded it; null if its beginning is missing. */
  readonly id: number | null;
  /** The path that it was on, without the query; null if its beginning is missing. */
  readonly path: string | null;
  readonly subprotocol: string | null;
  /** The negotiated extensions, as in the response header. */
  readonly extensions: string | null;
  /** Where its first record is: its line, from 1, and its offset in bytes. */
  readonly firstLine: number;
  readonly startOffset: number;
  /** The line of its last record. */
  readonly lastLine: number;
  /** The number of messages, however many pieces they have. */
  readonly messages: Readonly<Record<Direction, number>>;
  /** The number of records of the server's output that hold only the beginning of a payload. */
  readonly cutOut: number;
}

/**
 * Reads a recording once. Memory grows with the number of sessions, up to a bound, and not with what they say.
 *
 * @throws what `node:fs` throws, or Error if it is not a regular file, or has more sessions than can be kept
 */
export async function readReplaySessions(
  file: string,
  onDamage: OnDamage,
  maxKeptBytes = MAX_SESSIONS_BYTES,
): Promise<readonly ReplaySession[]> {
  const stats = await stat(file);
  // A pipe might keep its reader waiting forever, and cannot be read from the middle.
  if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is not a regular file');
  const handle = await open(file);
  try {
    const reader = new RecordReader(onDamage);
    const drafts = new Map<string, Draft>();
    let keptBytes = 0;
    const take = (one: NumberedRecord): void => {
      const { record, line } = one;
      if (record.ev === 'msg' && isBrokenText(record))
        onDamage(line, 'its text is not UTF-8, and is sent as binary');
      keptBytes += note(one, drafts);
      if (keptBytes > maxKeptBytes) throw new Error(TOO_MANY);
    };
    for (;;) {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES) });
      if (bytesRead === 0) break;
      for (const one of reader.read(buffer.subarray(0, bytesRead))) take(one);
    }
    for (const one of reader.finish()) take(one);
    return [...drafts.values()].map((draft) => draft.session());
  } finally {
    await handle.close();
  }
}

/**
 * Finds the sessions that `choice` may mean: an id, the beginning of an id, or a number. Numbers start
 * over with each run of the server, so several sessions may share one.
 */
export function findReplaySessions(
  sessions: readonly ReplaySession[],
  choice: string,
): readonly ReplaySession[] {
  const exact = sessions.filter(({ s }) => s === choice);
  if (exact.length > 0) return exact;
  // For a long time to come every id begins with 0, and no number ever does.
  if (/^[1-9]\d*$/.test(choice)) {
    const numbered = sessions.filter(({ id }) => id === Number(choice));
    if (numbered.length > 0) return numbered;
  }
  const upper = choice.toUpperCase();
  return sessions.filter(({ s }) => s.startsWith(choice) || s.startsWith(upper));
}

/** @returns how much more is kept now, in bytes */
function note({ record, line, offset }: NumberedRecord, drafts: Map<string, Draft>): number {
  if (record.ev === 'file' || record.ev === 'gap') return 0;
  let bytes = 0;
  let draft = drafts.get(record.s);
  if (draft === undefined) {
    draft = new Draft(record.s, line, offset);
    drafts.set(record.s, draft);
    bytes += SESSION_BYTES + 2 * record.s.length;
  }
  draft.take(record, line);
  if (record.ev !== 'open') return bytes;
  const { url, subprotocol, extensions } = record;
  return bytes + 2 * (url.length + (subprotocol?.length ?? 0) + (extensions?.length ?? 0));
}

/** A session as far as it was read. */
class Draft {
  readonly #s: string;
  readonly #firstLine: number;
  readonly #startOffset: number;
  readonly #messages = { in: 0, out: 0 };
  readonly #borders = new MessageBorders();
  #lastLine = 0;
  #cutOut = 0;
  #isOver = false;
  #beginning: Pick<ReplaySession, 'id' | 'path' | 'subprotocol' | 'extensions'> = {
    id: null,
    path: null,
    subprotocol: null,
    extensions: null,
  };

  constructor(s: string, line: number, offset: number) {
    this.#s = s;
    this.#firstLine = line;
    this.#startOffset = offset;
  }

  take(record: AnyRecord, line: number): void {
    // A recording that somebody has put together from copies may have more records of the session.
    if (this.#isOver) return;
    this.#lastLine = line;
    if (record.ev === 'open') {
      const { id, url, subprotocol, extensions } = record;
      this.#beginning = { id, path: splitRequestTarget(url).path, subprotocol, extensions };
    } else if (record.ev === 'msg') {
      if (this.#borders.take(record).isFirst) this.#messages[record.dir]++;
      if (record.dir === 'out' && record.cut === true) this.#cutOut++;
    } else if (record.ev === 'close') {
      this.#isOver = true;
    }
  }

  session(): ReplaySession {
    return {
      s: this.#s,
      ...this.#beginning,
      firstLine: this.#firstLine,
      startOffset: this.#startOffset,
      lastLine: this.#lastLine,
      messages: this.#messages,
      cutOut: this.#cutOut,
    };
  }
}
