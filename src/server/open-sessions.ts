/** The sessions that are open, and what modes still do for those that have ended. */
import type { ServedSession } from '../session/session-host.js';
import type { Session } from '../session/session.js';

export class OpenSessions {
  /** By their numbers. */
  readonly #open = new Map<number, ServedSession>();
  readonly #lingering = new Set<Promise<unknown>>();
  #isOnce = false;
  #hasServed = false;

  /** One session and no other. */
  serveOnce(): void {
    this.#isOnce = true;
  }

  /** The one session that there is to be has begun. */
  get isTaken(): boolean {
    return this.#isOnce && this.#hasServed;
  }

  get size(): number {
    return this.#open.size;
  }

  get all(): Iterable<ServedSession> {
    return this.#open.values();
  }

  /** The same for those who may see them and no more; it shows what there is at the time. */
  get view(): Iterable<Session> & { readonly size: number } {
    const open = this.#open;
    return {
      get size() {
        return open.size;
      },
      [Symbol.iterator]: () => open.values(),
    };
  }

  opened(session: ServedSession): void {
    this.#hasServed = true;
    this.#open.set(session.id, session);
  }

  ended(id: number): void {
    this.#open.delete(id);
  }

  /** A mode is busy with one that has ended, until the promise is settled. */
  linger(closing: Promise<unknown>): void {
    this.#lingering.add(closing);
    const done = (): void => {
      this.#lingering.delete(closing);
    };
    closing.then(done, done);
  }

  /** No mode is busy any more with those that have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#lingering);
  }
}
