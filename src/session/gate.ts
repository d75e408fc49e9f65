/** What the observer of a session can do about it: make it wait, hold its output back, end it. */
import type { Endpoint } from '../protocol/endpoint.js';
import type { SlabPool } from '../protocol/slab-pool.js';
import type { SessionDeadlines } from './deadlines.js';
import { HeldOutput } from './held-output.js';
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
  readonly #slabPool: SlabPool;

  constructor(
    session: GatedSession,
    flow: SessionFlow,
    traffic: SessionTraffic,
    deadlines: SessionDeadlines,
    transport: SessionTransport,
    slabPool: SlabPool,
  ) {
    this.#session = session;
    this.#flow = flow;
    this.#traffic = traffic;
    this.#deadlines = deadlines;
    this.#transport = transport;
    this.#slabPool = slabPool;
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
    this.#traffic.held ??= new HeldOutput(this.#session.endpoint, this.#slabPool);
  }

  seal(): void {
    this.#traffic.held?.seal();
  }

  letGo(): void {
    this.#traffic.held?.letGo();
    this.#flush();
  }

  stopHolding(): void {
    this.#traffic.held?.stop();
    this.#traffic.held = null;
    this.#flush();
  }

  close(code: number, reason: string): void {
    const { held } = this.#traffic;
    if (held !== null) {
      this.#takeBack(held);
      // Extensions may be at work on more, which nobody would record either.
      this.#traffic.stopSending();
    }
    this.#session.close(code, reason);
    this.#flush();
  }

  /** A Close that we had sent already is no reply: it may leave all the same. */
  #takeBack(held: HeldOutput): void {
    const { endpoint } = this.#session;
    const { sentClose } = endpoint;
    const { isCloseHeld } = held;
    held.discard();
    this.#traffic.held = null;
    if (sentClose !== null && isCloseHeld) endpoint.repeatClose(sentClose);
  }

  /** Writes what may leave; who waits for room is told. */
  #flush(): void {
    this.#deadlines.letGo();
    this.#transport.flush();
    this.#session.resumeOutput();
  }
}
