/**
 * What a session waits for: whether it reads, which takes the consumer and the extensions both, and
 * what comes behind all messages, which takes the extensions, and for the answer to a Close the
 * consumer too.
 */
import type { SessionDeadlines } from './deadlines.js';
import type { SessionExtensions } from './session-extensions.js';
import type { SessionTransport } from './session-transport.js';

export class SessionFlow {
  /** The consumer takes no messages for now. */
  #isPausedByConsumer = false;
  /** Nor does the observer. */
  #isPausedByObserver = false;

  readonly #extensions: SessionExtensions | null;
  readonly #transport: SessionTransport;
  readonly #deadlines: SessionDeadlines;
  /** The answer to the peer's Close waits for the consumer. */
  #isAnswerHeld = false;

  constructor(
    extensions: SessionExtensions | null,
    transport: SessionTransport,
    deadlines: SessionDeadlines,
  ) {
    this.#extensions = extensions;
    this.#transport = transport;
    this.#deadlines = deadlines;
  }

  /** The consumer or the observer takes no more for now. */
  get isPaused(): boolean {
    return this.#isPausedByConsumer || this.#isPausedByObserver;
  }

  /** A Close, a failure or the end of the input waits for the extensions or the consumer. */
  get isEnding(): boolean {
    return this.#isAnswerHeld || this.#extensions?.isEnding === true;
  }

  /** The consumer takes no more, or goes on. */
  pause(isPaused: boolean): void {
    this.#isPausedByConsumer = isPaused;
    this.#hold();
  }

  /** The observer takes no more, or goes on. */
  pauseForObserver(isPaused: boolean): void {
    this.#isPausedByObserver = isPaused;
    this.#hold();
  }

  /** What a read has brought may be many messages that are still compressed: they wait as well. */
  #hold(): void {
    if (this.isPaused) this.#extensions?.hold();
    else this.#extensions?.release();
    this.update();
  }

  /** Reads when the consumer, the observer and the extensions all can take more. */
  update(): void {
    const isPaused = this.isPaused || this.#extensions?.isReceiving === true;
    if (isPaused === this.#transport.isInputPaused) return;
    if (isPaused) this.#transport.pauseInput();
    else this.#transport.resumeInput();
  }

  /** Does what has to come behind all messages, as soon as the extensions are through with them. */
  whenIdle(end: () => void): void {
    const extensions = this.#extensions;
    if (extensions === null) {
      end();
      return;
    }
    const wasEnding = extensions.isEnding;
    extensions.whenIdle(() => {
      end();
      this.#transport.scheduleFlush();
    });
    if (extensions.isEnding && !wasEnding) this.#deadlines.ending();
  }

  /** Answers the peer's Close when the consumer lets it. */
  holdAnswer(held: Promise<void>, answer: () => void, fail: (error: unknown) => void): void {
    this.#isAnswerHeld = true;
    this.#deadlines.ending();
    const release = (): void => {
      this.#isAnswerHeld = false;
    };
    void held.finally(release).then(answer).catch(fail);
  }
}
