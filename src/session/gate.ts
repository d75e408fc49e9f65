/** What the observer of a session can do about it: make it wait, hold its output back, end it. */
import type { Endpoint } from '../protocol/endpoint.js';
import type { OutputQueue } from '../protocol/output-queue.js';
import type { SessionDeadlines } from './deadlines.js';
import type { SessionFlow } from './session-flow.js';
import type { SessionGate } from './tap.js';
import type { SessionTraffic } from './session-traffic.js';
import type { SessionTransport } from './session-transport.js';

/** Of the session what a gate needs. */
export interface GatedSession {
  readonly endpoint: Endpoint;
  readonly hearsOut: boolean;
  resumeOutput(): void;
  close(code: number, reason: string): void;
}

export class ObserverGate implements SessionGate {
  readonly #session: GatedSession;
  readonly #flow: SessionFlow;
  readonly #traffic: SessionTraffic;
  readonly #deadlines: SessionDeadlines;
  readonly #transport: SessionTransport;

  constructor(
    session: GatedSession,
    flow: SessionFlow,
    traffic: SessionTraffic,
    deadlines: SessionDeadlines,
    transport: SessionTransport,
  ) {
    this.#session = session;
    this.#flow = flow;
    this.#traffic = traffic;
    this.#deadlines = deadlines;
    this.#transport = transport;
  }

  get hearsOut(): boolean {
    return this.#session.hearsOut;
  }

  pause(): void {
    this.#traffic.isPausedByObserver = true;
    this.#flow.pauseForObserver(true);
  }

  resume(): void {
    this.#traffic.isPausedByObserver = false;
    this.#flow.pauseForObserver(false);
    this.#session.resumeOutput();
  }

  hold(): void {
    this.#transport.outbox.queue.hold();
  }

  seal(): void {
    this.#transport.outbox.queue.seal();
  }

  letGo(): void {
    this.#transport.outbox.queue.letGo();
    this.#flush();
  }

  stopHolding(): void {
    this.#transport.outbox.queue.stopHolding();
    this.#flush();
  }

  close(code: number, reason: string): void {
    const { queue } = this.#transport.outbox;
    if (queue.isHolding) {
      this.#takeBack(queue);
      // Extensions may be at work on more, which nobody would record either.
      this.#traffic.stopSending();
    }
    this.#session.close(code, reason);
    this.#flush();
  }

  /** A Close that we had sent already is no reply: it may leave all the same. */
  #takeBack(queue: OutputQueue): void {
    const { endpoint } = this.#session;
    const { sentClose, closeMark } = endpoint;
    const hasClose = queue.isHeld(closeMark);
    queue.discardHeld();
    if (sentClose !== null && hasClose) endpoint.repeatClose(sentClose);
  }

  /** Writes what may leave; who waits for room is told. */
  #flush(): void {
    this.#deadlines.letGo();
    this.#transport.flush();
    this.#session.resumeOutput();
  }
}
