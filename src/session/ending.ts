/**
 * The end of a session, whoever brings it about, and who is told of it.
 *
 *     client ──▶ closeReceived, inputEnded, holdFailure        mode ──▶ closeBy, drop, fail
 *     socket ──▶ finish; abandon, before it was open           server ──▶ shed, dropped
 *
 * It is made when it is first needed: most sessions hold nothing for their end as long as they go on.
 */
import {
  ExtensionError,
  InvalidStateError,
  OVERLOAD_RULES,
  OverloadError,
  POLICY_RULES,
  PeerError,
} from '../errors.js';
import { errorOf, isInstance, promiseOf } from '../foreign.js';
import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { Fifo } from '../protocol/fifo.js';
import { PauseReason } from './input.js';
import type { ServerSession, SessionParts } from './server-session.js';
import type { DropRule, SessionSummary } from './session.js';

/** What a client is told that is dropped, where it is told anything. */
const LAST_WORDS: Readonly<
  Record<Exclude<DropRule, 'dropped-by-mode'>, readonly [code: number, reason: string]>
> = {
  'send-timeout': [CloseCode.PolicyViolation, POLICY_RULES['send-timeout']],
  'close-timeout': [CloseCode.InternalError, 'closing took too long'],
  memory: [CloseCode.TryAgainLater, OVERLOAD_RULES.memory],
  shutdown: [CloseCode.GoingAway, 'the server is shutting down'],
};

/** All sessions without extensions share it, as they do `NO_NOTES`. */
const NO_STATS: Readonly<Record<string, object>> = Object.freeze({});

export class Ending {
  readonly #session: ServerSession;
  readonly #parts: SessionParts;
  /** What waits for the extensions; null without any. */
  readonly #pending: PendingEnds | null;
  /** The answer to the client's Close waits for the mode. */
  #isAnswerHeld = false;
  /** What the extensions had to say when they were closed. */
  #extensionStats = NO_STATS;
  /** The session's line is in the log, or it gets none. */
  #isReported = false;

  constructor(session: ServerSession, parts: SessionParts) {
    this.#session = session;
    this.#parts = parts;
    this.#pending = parts.chain === null ? null : new PendingEnds(session, parts);
  }

  // ---- After all messages

  /** True while a Close, a failure or the end of the input waits for the extensions or the mode. */
  get isPending(): boolean {
    return this.#isAnswerHeld || this.#pending?.isEmpty === false;
  }

  /** Does what has to come after all messages, as soon as the extensions are through with them. */
  whenThrough(end: () => void): void {
    if (this.#pending === null) end();
    else this.#pending.add(end);
  }

  /** Does what waits for the extensions, if they are through. */
  runPending(): void {
    this.#pending?.run();
  }

  // ---- By the client

  /** Its Close has come: it is answered after all that came before, when the mode allows it. */
  closeReceived(status: CloseStatus): void {
    this.#parts.stats.closedBy('client');
    this.whenThrough(() => {
      this.#tellClosing(status);
    });
  }

  #tellClosing(status: CloseStatus): void {
    const { mode } = this.#parts;
    const session = this.#session;
    try {
      const held = promiseOf(mode.closing?.(session, status));
      if (held === null) this.#answerClose(status);
      else this.#holdAnswer(held, status);
    } catch (error) {
      session.fail(error);
    }
  }

  #holdAnswer(held: Promise<void>, status: CloseStatus): void {
    this.#isAnswerHeld = true;
    this.#parts.deadlines.ending();
    const release = (): void => {
      this.#isAnswerHeld = false;
    };
    const answer = (): void => {
      this.#answerClose(status);
    };
    void held.finally(release).then(answer).catch(this.#session.fail.bind(this.#session));
  }

  #answerClose({ code, reason }: CloseStatus): void {
    const { isThrough, endpoint } = this.#session;
    if (isThrough) return;
    endpoint.sendClose(code, reason);
    this.#parts.transport.scheduleFlush();
  }

  /** Its FIN has come. */
  inputEnded(): void {
    const { endpoint } = this.#session;
    this.whenThrough(() => {
      endpoint.receiveEof();
    });
  }

  /** It broke a rule while messages before that are on their way: the connection fails after those. */
  holdFailure(error: unknown): void {
    const { endpoint } = this.#session;
    this.#parts.stats.blame(error);
    this.whenThrough(() => {
      endpoint.fail(error);
    });
  }

  // ---- By the mode

  /** Starts the closing handshake. @param sendClose sends our Close; false when it cannot be sent any more */
  closeBy(sendClose: () => boolean): void {
    const { stats, deadlines, transport } = this.#parts;
    const { input, output, endpoint } = this.#session;
    output.shut();
    stats.closedBy('server');
    if (!endpoint.hearsOut) input.stop();
    this.whenThrough(() => {
      if (!sendClose()) return;
      deadlines.closeSent();
      // Only the Close of the client is waited for.
      input.resume(PauseReason.Memory);
    });
    transport.scheduleFlush();
    // The client's Close must be read, whatever the mode had in mind.
    input.resume(PauseReason.Mode);
    input.endRate();
  }

  /** At once, without a Close. @throws InvalidStateError before the session is open */
  drop(): void {
    const { isThrough, isOpen, input, output, endpoint } = this.#session;
    if (isThrough) return;
    if (!isOpen) throw new InvalidStateError('the session is not open yet');
    output.shut();
    // Nothing more is read, not even what the same read has brought.
    input.stop();
    // Not even the answer to a Close that has come is owed any more.
    endpoint.abandon();
    this.#parts.transport.drop('dropped-by-mode');
  }

  // ---- By a failure

  /** Fails the connection, after what the extensions are still to send. */
  fail(error: unknown): void {
    const { isThrough, input, output, endpoint } = this.#session;
    if (isThrough) {
      // A client's fault shows in how the session has ended, and what is stopped at work may well reject.
      if (isInstance(error, PeerError) || isInstance(error, ExtensionError)) return;
      this.#failLate(error);
      return;
    }
    const { stats, transport } = this.#parts;
    // Named at once: the connection may be gone before its Close can say it.
    stats.blame(error);
    output.shut();
    // A message is lost: what waits for it waits in vain.
    this.#pending?.clear();
    input.stop();
    this.whenThrough(() => {
      endpoint.fail(error);
    });
    transport.scheduleFlush();
    input.update();
  }

  /** It is over: the first failure that comes now is still told, in the session's line or in one of its own. */
  #failLate(error: unknown): void {
    const { mode, host, stats } = this.#parts;
    if (stats.hasFailed) return;
    stats.failedLate(error);
    if (this.#isReported) host.sessionFailedLate(this.#session, mode.name, errorOf(error));
  }

  // ---- By the server

  /** Ends with 1013, and gives back what is held: at once, or when the socket is closed. */
  shed(): void {
    const { transport } = this.#parts;
    const { input, output, endpoint } = this.#session;
    transport.flush();
    const { outbox } = transport;
    // What the socket has not taken is given back with the socket only, and a Close could not overtake it.
    if ((outbox.isBlocked && !outbox.isTaken) || (output.held?.bytes ?? 0) > 0) {
      transport.drop('memory');
      return;
    }
    output.shut();
    this.#pending?.clear();
    input.stop();
    output.dropUnencoded();
    endpoint.fail(new OverloadError('memory'));
    transport.flush();
    // Nothing is asked of the extensions any more, and what they keep for the next message is memory too.
    this.#closeChain();
  }

  /** The connection is dropped for breaking this rule: says so, if nothing was said and the socket takes it. */
  dropped(rule: DropRule): void {
    const { stats, transport } = this.#parts;
    const { isOpen, endpoint } = this.#session;
    stats.dropped(rule);
    if (rule === 'dropped-by-mode' || !isOpen) return;
    if (!endpoint.canSend || transport.outbox.isBlocked) return;
    const [code, reason] = LAST_WORDS[rule];
    stats.closedBy('server');
    endpoint.sendClose(code, reason);
  }

  // ---- The last call

  /** The session will not open: frees what it holds, and logs nothing. */
  abandon(): void {
    this.#isReported = true;
    this.#giveBack();
  }

  /** The socket is gone: reports the session to its mode, and to the tap and the log if it had opened. */
  finish(): void {
    const { mode, host, counts } = this.#parts;
    const session = this.#session;
    this.#isReported = !session.isOpen;
    this.#giveBack();
    try {
      const closing = promiseOf(mode.close?.(session, this.#summarize()));
      if (closing !== null) {
        closing.catch(session.fail.bind(session));
        host.modeLingers(closing);
      }
    } catch (error) {
      session.fail(error);
    }
    if (!session.isOpen) return;
    counts.ended++;
    const summary = this.#summarize();
    this.#isReported = true;
    try {
      session.input.feed?.closed(summary);
    } finally {
      host.sessionEnded(summary);
    }
  }

  #giveBack(): void {
    const { input, output, endpoint } = this.#session;
    // Whatever the protocol still waits for.
    endpoint.abandon();
    this.#parts.traffic.blocked.delete(this.#session);
    input.close();
    output.close();
    this.#pending?.clear();
    this.#closeChain();
  }

  #closeChain(): void {
    const { chain } = this.#parts;
    if (chain === null) return;
    // Once closed the extensions are not asked again.
    if (this.#extensionStats === NO_STATS) this.#extensionStats = chain.stats;
    chain.close(this.#failLate.bind(this));
  }

  #summarize(): SessionSummary {
    const { mode, host, stats } = this.#parts;
    const { endpoint } = this.#session;
    const nowMs = host.clock.exactMs();
    return stats.summarize(this.#session, mode.name, endpoint, this.#extensionStats, nowMs);
  }
}

/**
 * What ends a session with extensions, and has to wait: a Close, a failure and the end of the input come after all
 * messages before them, and some of those may still be on their way.
 */
export class PendingEnds {
  readonly #session: Pick<ServerSession, 'isBusy'>;
  readonly #parts: Pick<SessionParts, 'transport' | 'deadlines'>;
  readonly #ends = new Fifo<() => void>();

  constructor(
    session: Pick<ServerSession, 'isBusy'>,
    parts: Pick<SessionParts, 'transport' | 'deadlines'>,
  ) {
    this.#session = session;
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  /** One more, after those that wait. It is done at once if the extensions are through with all messages. */
  add(end: () => void): void {
    const waiting = this.#ends.length;
    this.#ends.push(end);
    this.run();
    if (waiting === 0 && !this.isEmpty) this.#parts.deadlines.ending();
  }

  /** Does what waits, in this order, if the extensions are through. What one of them sends may keep the next one waiting. */
  run(): void {
    while (!this.#session.isBusy) {
      const end = this.#ends.shift();
      if (end === undefined) return;
      end();
      this.#parts.transport.scheduleFlush();
    }
  }

  /** What waits is not done any more. */
  clear(): void {
    this.#ends.clear();
  }
}
