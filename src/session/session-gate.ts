/** What a tap can do about its session: make it wait, hold its output back, end it. */
import { HeldOutput } from './tap/held-output.js';
import { PauseReason } from './input.js';
import type { ServerSession, SessionParts } from './server-session.js';
import type { TapGate } from './tap/tap.js';

export class SessionGate implements TapGate {
  readonly #session: ServerSession;
  readonly #parts: SessionParts;

  constructor(session: ServerSession, parts: SessionParts) {
    this.#session = session;
    this.#parts = parts;
  }

  get hearsOut(): boolean {
    return this.#session.endpoint.hearsOut;
  }

  pause(): void {
    this.#session.input.pause(PauseReason.Tap);
  }

  resume(): void {
    this.#session.input.resume(PauseReason.Tap);
    this.#session.output.resume();
  }

  hold(): void {
    const { endpoint, output } = this.#session;
    output.held ??= new HeldOutput(endpoint, this.#parts.host.slabPool);
  }

  seal(): void {
    this.#session.output.held?.seal();
  }

  letGo(): void {
    this.#session.output.held?.letGo();
    this.#flush();
  }

  stopHolding(): void {
    const { output } = this.#session;
    output.held?.stop();
    output.held = null;
    this.#flush();
  }

  end(code: number, reason: string): void {
    this.#session.close(code, reason);
    this.#flush();
  }

  close(code: number, reason: string): void {
    const { output } = this.#session;
    if (output.held !== null) {
      this.#takeBack(output.held);
      // Extensions may be at work on more, which nobody would record either.
      output.dropUnencoded();
    }
    this.#session.close(code, reason);
    this.#flush();
  }

  /** A Close that we had sent already is no reply: it may leave all the same. */
  #takeBack(held: HeldOutput): void {
    const { endpoint, output } = this.#session;
    const { isCloseHeld } = held;
    held.discard();
    output.held = null;
    if (endpoint.sentClose !== null && isCloseHeld) endpoint.repeatClose(endpoint.sentClose);
  }

  /** Writes what may leave; a mode that waits for room is told. */
  #flush(): void {
    this.#parts.deadlines.letGo();
    this.#parts.transport.flush();
    this.#session.output.resume();
  }
}
