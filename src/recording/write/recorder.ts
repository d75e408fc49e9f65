/**
 * The recorder: writes down every session that it is given, whatever the mode, in one file.
 *
 *     sessions ──▶ RecordedSession ──▶ RecordEncoder ──▶ RecordBuffer ──▶ RecordingWriter ──▶ file
 *        ▲                                                                     │
 *        └──────────── pause, hold, close ◀──────── Recorder ◀─────────────────┘
 *
 * Laws:
 * 1. A record is appended before the event that it describes takes effect, and a session's records are
 *    in the order of its wire.
 * 2. A slow disk slows clients down: while the queue is full, no session is read. A stopped session is
 *    still read until the client's Close; anything else it sends is dropped and counted.
 * 3. With `always` no byte leaves before the records that precede it are on disk. While the file cannot
 *    be written, `drop` lets everything leave, and `stop` only a Close and what follows it.
 */
import { MemoryAccount } from '../../budget/memory-account.js';
import { HandshakeError } from '../../errors.js';
import { formatHostAndPort } from '../../net/socket-address.js';
import type { TapGate, Tap } from '../../session/tap/tap.js';
import type { Session } from '../../session/session.js';
import {
  type KnownHarmless,
  type KnownSecret,
  Redaction,
} from '../../handshake/redaction/redaction.js';
import { requestedUrl } from '../../handshake/forwarded.js';
import type { UpgradeRequest } from '../../handshake/request.js';
import { CloseCode } from '../../protocol/close.js';
import type { BatchSource } from './batch.js';
import type { BatchFeed } from './batch-feed.js';
import { RecordBuffer } from './record-buffer.js';
import { RecordEncoder, lineOf } from './record-encoder.js';
import { RecordedSession, type RecordedSessionHost, newSessionName } from './recorded-session.js';
import { RecordingClock } from './recording-clock.js';
import { WatchedSource } from './watched-source.js';
import type { Log } from '../../log.js';
import { RecordingWriter, type WriterOptions, type WriterQueue } from '../file/recording-writer.js';
import type { WriterOwner } from '../file/writer-owner.js';
import { type OpenRecord, RECORDING_VERSION } from '../format/record.js';

export interface RecorderOptions extends WriterOptions {
  /** A longer payload is recorded up to this many bytes; Infinity for all of it. */
  readonly maxPayloadBytes: number;
  /** What of requests is recorded besides what is known to be harmless. */
  readonly shown?: KnownHarmless & KnownSecret;
  /** Whether every frame gets a record. */
  readonly watchesFrames: boolean;
  /** The software that writes: `twist/1.0.0`. */
  readonly tool: string;
  /** Is charged for what waits to be written; by default it has no limit. */
  readonly memory?: MemoryAccount;
  /** Gets a copy of all lines; null, the default, for nobody. */
  readonly feed?: Pick<BatchFeed, 'take'> | null;
}

/** What was written since the start, and what waits to be. */
export type RecordingCounters = RecordingWriter['stats'] & WriterQueue;

/** What a recording holds of a handshake. */
type RecordedHandshake = Pick<OpenRecord, 'url' | 'headers' | 'subprotocol' | 'extensions'>;

/** What a recorder needs of a writer. */
export type Writer = Pick<
  RecordingWriter,
  | 'claim'
  | 'start'
  | 'appended'
  | 'isDropping'
  | 'lose'
  | 'isStopped'
  | 'failure'
  | 'queue'
  | 'reopen'
  | 'close'
  | 'stats'
>;

export type MakeWriter = (
  options: WriterOptions,
  source: BatchSource,
  owner: WriterOwner,
) => Writer;

const openWriter: MakeWriter = (options, source, owner) =>
  new RecordingWriter(options, source, owner);

export class Recorder implements Tap, RecordedSessionHost, WriterOwner {
  readonly encoder: RecordEncoder;
  readonly clock = new RecordingClock();
  readonly watchesFrames: boolean;

  readonly #path: string;
  readonly #log: Log;
  readonly #tool: string;
  #redaction: Redaction;
  readonly #holdsOutput: boolean;
  readonly #writer: Writer;
  readonly #feed: Pick<BatchFeed, 'take'> | null;
  /** What the `open` record says of the process, where there are several. */
  readonly #origin: Pick<OpenRecord, 'worker'>;
  readonly #sessions = new Set<RecordedSession>();
  /**
   * Held sessions with records that are in no batch yet (`#dirty`), and with records in the batch being
   * written (`#sealed`).
   */
  #dirty: RecordedSession[] = [];
  #sealed: RecordedSession[] = [];
  #isFull = false;
  #hasStarted = false;

  /** @param makeWriter makes the writer of the records */
  constructor(
    {
      maxPayloadBytes,
      watchesFrames,
      tool,
      shown,
      memory = new MemoryAccount(),
      feed = null,
      ...options
    }: RecorderOptions,
    makeWriter: MakeWriter = openWriter,
  ) {
    this.#path = options.path;
    this.#log = options.log;
    this.#tool = tool;
    this.#redaction = new Redaction(shown);
    this.watchesFrames = watchesFrames;
    this.#holdsOutput = options.sync === 'always';
    const buffer = new RecordBuffer(memory);
    this.encoder = new RecordEncoder(buffer, this.clock, maxPayloadBytes);
    this.#feed = feed;
    this.#origin = options.worker === undefined ? {} : { worker: options.worker };
    const source = feed === null ? buffer : new WatchedSource(buffer, feed);
    this.#writer = makeWriter(options, source, this);
  }

  /**
   * Keeps other processes from the file, without touching it. Rejects with `ELOCKED` if another process
   * records to it. What sessions record before the start waits for it.
   */
  claim(): Promise<void> {
    return this.#writer.claim();
  }

  /** Opens the file. Rejects with the system's error if that fails. */
  async start(): Promise<void> {
    await this.#writer.start();
    this.#hasStarted = true;
    this.#log.info({ file: this.#path }, 'recording');
  }

  /** What is known to be harmless from now on. */
  show(shown: KnownHarmless): void {
    this.#redaction = new Redaction(shown);
  }

  /** Reopens the file: somebody has moved it. */
  reopen(): Promise<void> {
    return this.#writer.reopen();
  }

  /** Writes what waits, and closes the file. */
  async close(): Promise<void> {
    await this.#writer.close();
    if (!this.#hasStarted) return;
    const { records, bytes, files, lost } = this.#writer.stats;
    this.#log.info({ file: this.#path, records, bytes, files, lost }, 'recording ended');
  }

  /** What was written so far, and what waits. */
  get counters(): RecordingCounters {
    return { ...this.#writer.stats, ...this.#writer.queue };
  }

  /** Why no client should be sent here, a phrase each; empty when all is well, or records may be dropped. */
  findProblems(): readonly string[] {
    const { isStopped, failure } = this.#writer;
    if (isStopped) return [`recording failed${failure === '' ? '' : `: ${failure}`}`];
    return this.#isFull ? ['recording is behind: its queue is full (recordQueue)'] : [];
  }

  /**
   * Ends a session with a Close.
   *
   * @param name as the records have it
   * @returns false when no such session is open
   * @throws InvalidStateError for a code that must not be sent (RFC 6455 §7.4)
   */
  end(name: string, code: number, reason: string): boolean {
    for (const session of this.#sessions) {
      if (session.name !== name) continue;
      session.gate.end(code, reason);
      return true;
    }
    return false;
  }

  // ---- From connections

  admit(): void {
    if (this.#writer.isStopped) throw new HandshakeError('recording-stopped');
  }

  begin(session: Session, request: UpgradeRequest, mode: string, gate: TapGate): RecordedSession {
    const offsetMs = this.clock.currentOffsetMs();
    const micros = this.clock.microsWith(offsetMs);
    const name = newSessionName(micros / 1000);
    const recorded = new RecordedSession(name, offsetMs, gate, this);
    this.#sessions.add(recorded);
    if (this.#isFull) gate.pause();
    if (this.#holdsOutput && !this.#writer.isDropping) this.#holdFromNow([recorded]);
    if (this.takes()) {
      this.encoder.record({
        ev: 'open',
        s: name,
        t: micros / 1e6,
        id: session.id,
        remote: addressOf(session.remoteAddress, session.remotePort),
        local: addressOf(session.localAddress, session.localPort),
        ...tlsOf(request),
        ...this.#handshakeOf(session, request),
        mode,
        ...this.#origin,
      });
      this.appended(recorded);
    }
    // The file has failed while the mode was opening.
    if (this.#writer.isStopped) this.#stop(recorded);
    return recorded;
  }

  #handshakeOf({ subprotocol, extensions }: Session, request: UpgradeRequest): RecordedHandshake {
    const redaction = this.#redaction;
    return {
      url: redaction.url(requestedUrl(request)),
      headers: redaction.headers(request.headers),
      subprotocol: subprotocol === null ? null : redaction.subprotocol(subprotocol),
      extensions: extensions === null ? null : redaction.extensions(extensions),
    };
  }

  // ---- From sessions

  takes(): boolean {
    if (!this.#writer.isDropping) return true;
    this.#writer.lose(1);
    return false;
  }

  takesEndless(session: RecordedSession): boolean {
    if (!this.#isFull || !isHeardAlways(session)) return this.takes();
    this.#writer.lose(1);
    return false;
  }

  appended(session: RecordedSession): void {
    if (session.isHeld && !session.isDirty) {
      session.isDirty = true;
      this.#dirty.push(session);
    }
    this.#writer.appended();
  }

  ended(session: RecordedSession): void {
    this.#sessions.delete(session);
    session.isHeld = false;
  }

  // ---- From the writer

  batchTaken(): void {
    this.#sealed = this.#dirty;
    this.#dirty = [];
    for (const session of this.#sealed) {
      session.isDirty = false;
      if (session.isHeld) session.gate.seal();
    }
  }

  batchDone(): void {
    const sealed = this.#sealed;
    this.#sealed = [];
    for (const { isHeld, gate } of sealed) if (isHeld) gate.letGo();
  }

  full(): void {
    this.#isFull = true;
    for (const session of this.#sessions) {
      if (!isHeardAlways(session)) session.gate.pause();
    }
  }

  drained(): void {
    this.#isFull = false;
    this.#resumeAll();
  }

  failed(): void {
    for (const session of this.#sessions) {
      if (this.#writer.isStopped) this.#stop(session);
      else if (session.isHeld) this.#stopHolding(session);
    }
  }

  recovered(): void {
    if (!this.#holdsOutput) return;
    // From a stopped session nothing leaves except what ends it.
    const sessions = [...this.#sessions].filter(({ isHeld, isStopped }) => !isHeld && !isStopped);
    this.#holdFromNow(sessions);
  }

  headerLine(): Uint8Array {
    const t = this.clock.nowSeconds();
    return lineOf({ v: RECORDING_VERSION, ev: 'file', tool: this.#tool, t, redacted: true });
  }

  gapLine(forMs: number, records: number, error: string): Uint8Array {
    const micros = this.clock.nowMicros();
    const since = Math.round(micros - forMs * 1000) / 1e6;
    const line = lineOf({ ev: 'gap', t: micros / 1e6, since, records, error });
    this.#feed?.take({ chunks: [line], bytes: line.length, records: 1 });
    return line;
  }

  #resumeAll(): void {
    // Whoever goes on comes last the next time.
    for (const session of [...this.#sessions]) {
      // A session that sends at once may have filled the queue again, which has paused the others.
      if (this.#isFull) return;
      // Another one that went on may have ended it.
      if (!this.#sessions.delete(session)) continue;
      this.#sessions.add(session);
      session.gate.resume();
    }
  }

  /** Output that waits already, such as the answer to the handshake, waits for no record. */
  #holdFromNow(sessions: readonly RecordedSession[]): void {
    for (const session of sessions) {
      session.isHeld = true;
      session.gate.hold();
      session.gate.seal();
    }
    // A session that was paused may go on at once, and send to others too.
    for (const { gate } of sessions) gate.letGo();
  }

  #stopHolding(session: RecordedSession): void {
    session.isHeld = false;
    session.gate.stopHolding();
  }

  /** What is not recorded is not answered. */
  #stop(session: RecordedSession): void {
    session.isHeld = false;
    session.isStopped = true;
    session.gate.close(CloseCode.TryAgainLater, 'the recording cannot be written');
    if (this.#isFull && isHeardAlways(session)) session.gate.resume();
  }
}

/**
 * A stopped session must be read until the client's Close, whether the queue is full or not. A session
 * that receives every message until then would go on recording, so it has to wait.
 */
function isHeardAlways({ isStopped, gate }: RecordedSession): boolean {
  return isStopped && !gate.hearsOut;
}

function addressOf(address: string, port: number): string {
  return port === 0 ? address : formatHostAndPort(address, port);
}

/** What the record of a session says of TLS. */
function tlsOf({ tls }: UpgradeRequest): Pick<OpenRecord, 'tls' | 'clientCertificate'> {
  if (tls === undefined) return { tls: null };
  const { version, cipher, certificate } = tls;
  if (certificate === null) return { tls: `${version} ${cipher}` };
  const { subject, fingerprint } = certificate;
  return { tls: `${version} ${cipher}`, clientCertificate: { subject, fingerprint } };
}
