/**
 * A recording as a HAR 1.2 file with WebSocket messages as Chrome writes them: each session is an
 * entry. Sessions overlap in a recording but follow each other in a HAR file, so what was read of a
 * session waits in a spool until the session is over.
 */
import type { AnyRecord, CloseRecord, GapRecord, OpenRecord } from '../../format/record.js';
import type { ConvertOutput, Converter } from '../converter.js';
import { OpenSessions } from '../open-sessions.js';
import { HarSession } from './har-session.js';
import { Spool } from '../spool.js';
import { steadyTimes } from '../steady-times.js';

/** What a session takes while it waits for its end, about, besides what is in the spool. */
const SESSION_BYTES = 4096;

/** The memory that all unfinished sessions may take together. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

type SessionRecord = Exclude<AnyRecord, { ev: 'file' | 'gap' | 'frame' | 'open' }>;

/** A session, and its last record if it has one. */
interface Over {
  readonly session: HarSession;
  readonly close: CloseRecord | null;
}

interface HarOptions {
  /** The program that makes the file: `twist/1.0.0`. */
  readonly tool: string;
  /** A directory for data that does not fit into memory. */
  readonly spoolDir: string;
}

/** Its calls throw what `node:fs` throws if the spool cannot be written. */
export function harConverter(output: ConvertOutput, options: HarOptions): Converter {
  return steadyTimes(new HarConverter(output, options));
}

class HarConverter implements Converter {
  readonly #output: ConvertOutput;
  readonly #spool: Spool;
  readonly #sessions = new OpenSessions<HarSession>(SESSION_BYTES);
  /** What separates the next entry from the one before. */
  #separator: string;
  #missingRecords = 0;
  /** Sessions that are over, in the order in which they are written. */
  readonly #over: Over[] = [];

  constructor(output: ConvertOutput, { tool, spoolDir }: HarOptions) {
    this.#output = output;
    this.#spool = new Spool(spoolDir, MAX_HELD_BYTES);
    const [name, version = ''] = tool.split('/');
    const creator = JSON.stringify({ name, version });
    this.#separator = `{"log":{"version":"1.2","creator":${creator},"pages":[],"entries":[\n`;
  }

  convert(record: AnyRecord): Promise<void> | undefined {
    if (record.ev === 'file' || record.ev === 'frame') return undefined;
    if (record.ev === 'gap') {
      this.#missing(record);
      return undefined;
    }
    if (record.ev === 'open') {
      // There is one already if the same recording was given twice, for instance.
      const before = this.#sessions.get(record.s);
      this.#begin(record.s, record, record.t);
      if (before !== undefined) this.#over.push({ session: before, close: null });
      return this.#writeOver();
    }
    const session = this.#sessions.get(record.s) ?? this.#begin(record.s, null, record.t);
    this.#take(session, record);
    return this.#writeOver();
  }

  get givenUp(): number {
    return this.#sessions.givenUp;
  }

  #take(session: HarSession, record: SessionRecord): void {
    session.seen(record.t);
    switch (record.ev) {
      case 'msg':
        session.messages.take(record);
        break;
      case 'ctl':
        session.control(record);
        break;
      case 'count':
        session.counted(record);
        break;
      case 'target':
        session.target(record);
        break;
      case 'close':
        this.#sessions.delete(record.s);
        this.#over.push({ session, close: record });
        break;
    }
  }

  async finish(): Promise<void> {
    for (const session of this.#sessions.takeAll()) this.#over.push({ session, close: null });
    await this.#writeOver();
    this.#spool.file.close();
    const missing = this.#missingRecords;
    const twist = missing === 0 ? '' : `,"_twist":{"missingRecords":${missing}}`;
    // Without any session nothing has been written so far.
    const start = this.#separator === ',\n' ? '' : this.#separator;
    await this.#output.write(`${start}\n]${twist}}}\n`);
  }

  #missing({ records }: GapRecord): void {
    this.#missingRecords += records;
  }

  /** @param open null if the recording does not have it */
  #begin(name: string, open: OpenRecord | null, t: number): HarSession {
    const session = new HarSession(this.#spool, name, open, t);
    for (const one of this.#sessions.set(name, session)) {
      one.giveUp();
      this.#over.push({ session: one, close: null });
    }
    return session;
  }

  /** Writes the sessions that are over. */
  #writeOver(): Promise<void> | undefined {
    return this.#over.length === 0 ? undefined : this.#write(this.#over.splice(0));
  }

  async #write(over: readonly Over[]): Promise<void> {
    for (const { session, close } of over) {
      await this.#output.write(this.#separator);
      this.#separator = ',\n';
      for (const bytes of session.end(close)) await this.#output.write(bytes);
    }
  }
}
