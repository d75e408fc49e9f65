/** What the observer of a session can do about it: make it wait, hold its output back, end it. */
import type { SessionFlow } from './session-flow.js';
import type { SessionGate } from './session-observer.js';
import type { SessionTraffic } from './session-traffic.js';
import type { SessionTransport } from './session-transport.js';

/** Of the session what a gate needs. */
export interface GatedSession {
  readonly hearsOut: boolean;
  resumeOutput(): void;
  close(code: number, reason: string): void;
}

export class ObserverGate implements SessionGate {
  readonly #session: GatedSession;
  readonly #flow: SessionFlow;
  readonly #traffic: SessionTraffic;
  readonly #transport: SessionTransport;

  constructor(
    session: GatedSession,
    flow: SessionFlow,
    traffic: SessionTraffic,
    transport: SessionTransport,
  ) {
    this.#session = session;
    this.#flow = flow;
    this.#traffic = traffic;
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
    if (queue.isHolding) queue.discardHeld();
    this.#session.close(code, reason);
    this.#flush();
  }

  /** Writes what may leave; who waits for room is told. */
  #flush(): void {
    this.#transport.flush();
    this.#session.resumeOutput();
  }
}
