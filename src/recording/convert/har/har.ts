/**
 * A recording as a HAR 1.2 file with WebSocket messages as Chrome writes them: each session is an
 * entry. Sessions overlap in a recording but follow each other in a HAR file, so what was read of a
 * session waits in a spool until the session is over.
 */
import type { AnyRecord, CloseRecord, GapRecord } from '../../format/record.js';
import type { ConvertOutput, Converter } from '../converter.js';
import { HarSession } from './har-session.js';
import { Spool } from '../spool.js';
import { steadyTimes } from '../steady-times.js';

/** The memory that all unfinished sessions may take together. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

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
  /** Sessions in the order in which they began. */
  readonly #sessions = new Map<string, HarSession>();
  /** What separates the next entry from the one before. */
  #separator: string;
  #missingRecords = 0;

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
      const before = this.#sessions.get(record.s);
      const session = new HarSession(this.#spool, record.s, record, record.t);
      this.#sessions.delete(record.s);
      this.#sessions.set(record.s, session);
      // For instance because the same recording was given twice.
      return before === undefined ? undefined : this.#write(before, null);
    }
    const session = this.#session(record.s, record.t);
    session.seen(record.t);
    switch (record.ev) {
      case 'msg':
        session.messages.take(record);
        return undefined;
      case 'ctl':
        session.control(record);
        return undefined;
      case 'target':
        session.target(record);
        return undefined;
      case 'close':
        this.#sessions.delete(record.s);
        return this.#write(session, record);
    }
  }

  async finish(): Promise<void> {
    for (const session of this.#sessions.values()) await this.#write(session, null);
    this.#sessions.clear();
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

  #session(name: string, t: number): HarSession {
    let session = this.#sessions.get(name);
    if (session === undefined) {
      session = new HarSession(this.#spool, name, null, t);
      this.#sessions.set(name, session);
    }
    return session;
  }

  async #write(session: HarSession, close: CloseRecord | null): Promise<void> {
    await this.#output.write(this.#separator);
    this.#separator = ',\n';
    for (const bytes of session.end(close)) await this.#output.write(bytes);
  }
}
