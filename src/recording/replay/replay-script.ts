/** The steps of one recorded session, read from the file as they are needed. */
import { type FileHandle, open } from 'node:fs/promises';
import type { MemoryAccount } from '../../budget/memory-account.js';
import {
  CloseCode,
  type CloseStatus,
  isSendableCloseCode,
  parseClosePayload,
} from '../../protocol/close.js';
import { NO_BYTES } from '../../protocol/bytes.js';
import { type DataOpcode, Opcode } from '../../protocol/frame.js';
import { MessageBorders } from '../format/message-borders.js';
import { isBrokenText, payloadOf } from '../format/payload.js';
import { RecordReader } from '../format/record-reader.js';
import type {
  AnyRecord,
  ControlRecord,
  Direction,
  MessageRecord,
  RecordTime,
} from '../format/record.js';
import type { ReplaySession } from './replay-index.js';

/** How much is read at once: no more than this, and one line, is in memory. */
const CHUNK_BYTES = 64 * 1024;

/** A message, or a piece of one. */
export interface MessageStep {
  readonly kind: 'message';
  readonly t: RecordTime;
  readonly dir: Direction;
  readonly opcode: DataOpcode;
  /** How many bytes it had. */
  readonly lengthBytes: number;
  /** The recorded bytes: all of them, or the first ones. */
  readonly payload: Uint8Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export type ReplayStep =
  | MessageStep
  /** The client's Close came, before any of ours. */
  | { readonly kind: 'client-close'; readonly t: RecordTime }
  /** The server's Close went out, before any of the client's: this is the last step. */
  | ({ readonly kind: 'server-close'; readonly t: RecordTime } & CloseStatus);

export class ReplayScript {
  readonly #handle: FileHandle;
  readonly #session: ReplaySession;
  readonly #reader: RecordReader;
  readonly #memory: MemoryAccount | null;
  readonly #borders = new MessageBorders();
  readonly #lastOpcode: Record<Direction, DataOpcode> = { in: Opcode.Text, out: Opcode.Text };
  #offset: number;
  /** Steps that were read and not yet asked for. */
  #steps: ReplayStep[] = [];
  /** The payloads of those, and of the ones that were asked for last. */
  #payloadBytes = 0;
  #chargedBytes = 0;
  #startTime: RecordTime | null = null;
  #hasClientClosed = false;
  #isOver = false;
  #isClosed = false;

  private constructor(handle: FileHandle, session: ReplaySession, memory: MemoryAccount | null) {
    this.#handle = handle;
    this.#session = session;
    this.#memory = memory;
    this.#offset = session.startOffset;
    // Damaged lines were reported when the sessions were read.
    const onDamage = (): void => undefined;
    this.#reader = new RecordReader(onDamage, {
      line: session.firstLine,
      offset: session.startOffset,
    });
  }

  /**
   * Opens a recording at the beginning of a session.
   *
   * @param memory is charged for what was read and not played, until {@link close}; null for nobody
   * @throws what `node:fs` throws, or Error if the session is not where it was
   */
  static async open(
    file: string,
    session: ReplaySession,
    memory: MemoryAccount | null = null,
  ): Promise<ReplayScript> {
    const script = new ReplayScript(await open(file), session, memory);
    try {
      while (script.#startTime === null) await script.#readChunk();
      return script;
    } catch (error) {
      await script.close();
      throw error;
    }
  }

  /** When the session began. */
  get startTime(): RecordTime {
    return this.#startTime!;
  }

  /** The memory that was charged, in bytes. */
  get heldBytes(): number {
    return this.#chargedBytes;
  }

  /** Reads on: the steps before have been played. @returns the next steps, at least one; null if there are no more */
  async read(): Promise<readonly ReplayStep[] | null> {
    if (this.#steps.length === 0) this.#payloadBytes = 0;
    this.#charge();
    while (this.#steps.length === 0) {
      if (this.#isOver) return null;
      await this.#readChunk();
    }
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }

  /** Closes the file. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#memory?.release(this.#chargedBytes);
    this.#chargedBytes = 0;
    // The file was only read, so nothing is lost if this fails.
    await Promise.allSettled([this.#handle.close()]);
  }

  async #readChunk(): Promise<void> {
    const { buffer, bytesRead } = await this.#handle.read({
      buffer: Buffer.allocUnsafe(CHUNK_BYTES),
      position: this.#offset,
    });
    this.#offset += bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    const records = bytesRead === 0 ? this.#reader.finish() : this.#reader.read(chunk);
    if (bytesRead === 0 && records.length === 0) throw changed();
    for (const { record, line } of records) {
      if (this.#isOver) break;
      if ('s' in record && record.s === this.#session.s) this.#take(record);
      // The first record must be of the session; otherwise this is another file by now.
      else if (this.#startTime === null) throw changed();
      if (line >= this.#session.lastLine) this.#isOver = true;
    }
    this.#charge();
  }

  /** A read may come to its end after the file was closed. */
  #charge(): void {
    if (this.#memory === null || this.#isClosed) return;
    const heldBytes = this.#reader.heldBytes + this.#payloadBytes;
    this.#memory.charge(heldBytes - this.#chargedBytes);
    this.#chargedBytes = heldBytes;
  }

  #take(record: Exclude<AnyRecord, { ev: 'file' | 'gap' }>): void {
    this.#startTime ??= record.t;
    if (record.ev === 'msg') this.#takeMessage(record);
    else if (record.ev === 'ctl' && record.op === Opcode.Close) this.#takeClose(record);
    else if (record.ev === 'close') {
      const { t, by, code, reason } = record;
      if (by === 'server') this.#steps.push({ kind: 'server-close', t, ...sendable(code, reason) });
      this.#isOver = true;
    }
  }

  #takeMessage(record: MessageRecord): void {
    const { t, dir } = record;
    const opcode = isBrokenText(record) ? Opcode.Binary : record.op;
    const { isFirst, isLast, isPreviousOpen } = this.#borders.take(record);
    if (isPreviousOpen) {
      this.#steps.push({
        kind: 'message',
        t,
        dir,
        opcode: this.#lastOpcode[dir],
        lengthBytes: 0,
        payload: NO_BYTES,
        isFirst: false,
        isLast: true,
      });
    }
    this.#lastOpcode[dir] = opcode;
    const payload = payloadOf(record);
    this.#payloadBytes += payload.length;
    // A recording may have been edited by hand: its payload counts, not its length.
    const lengthBytes = record.cut === true ? Math.max(record.len, payload.length) : payload.length;
    this.#steps.push({ kind: 'message', t, dir, opcode, lengthBytes, payload, isFirst, isLast });
  }

  #takeClose(record: ControlRecord): void {
    // The second Close only answers the first one.
    if (this.#hasClientClosed) return;
    const { t } = record;
    if (record.dir === 'in') {
      this.#hasClientClosed = true;
      this.#steps.push({ kind: 'client-close', t });
      return;
    }
    this.#steps.push({ kind: 'server-close', t, ...statusOf(payloadOf(record)) });
    this.#isOver = true;
  }
}

function changed(): Error {
  return new Error('it has changed since the server was started');
}

/** The content of a recorded Close, or a plain one if that cannot be sent again. */
function statusOf(payload: Uint8Array): CloseStatus {
  try {
    return parseClosePayload(payload, 0, payload.length);
  } catch {
    return { code: CloseCode.Normal, reason: '' };
  }
}

function sendable(code: number, reason: string): CloseStatus {
  return isSendableCloseCode(code) || code === CloseCode.NoCode
    ? { code, reason }
    : { code: CloseCode.Normal, reason };
}
