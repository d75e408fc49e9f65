/**
 * Finds the message that a reply answers. An echo comes back in order, so it is the oldest one that waits, if nothing
 * was lost or changed; what is told apart is what happened if not.
 */
import { type Payload, isSame, sizeOf } from './payload.js';

export type Verdict =
  /** The echo of a message, after so long; some before it got none. */
  | { readonly kind: 'echo'; readonly ms: number; readonly skipped: number }
  /** It equals nothing that waits for its echo. */
  | { readonly kind: 'different' }
  /** Nothing waits for an echo: the server said something by itself. */
  | { readonly kind: 'unasked' };

interface Waiting {
  readonly payload: Payload;
  readonly sentMs: number;
}

/** How far a reply is looked for among what waits. */
const MAX_SKIPPED = 1000;

/** From here on what has been answered is let go. */
const MAX_GONE = 1024;

export class Verifier {
  sent = 0;
  sentBytes = 0;
  received = 0;
  receivedBytes = 0;
  echoes = 0;
  different = 0;
  unasked = 0;
  skipped = 0;
  /** Bytes of those that wait. */
  waitingBytes = 0;

  /** The first `#gone` have been answered. */
  #waiting: Waiting[] = [];
  #gone = 0;

  /** How many wait for their echo. */
  get waiting(): number {
    return this.#waiting.length - this.#gone;
  }

  send(payload: Payload, nowMs: number): void {
    const size = sizeOf(payload);
    this.sent++;
    this.sentBytes += size;
    this.waitingBytes += size;
    this.#waiting.push({ payload, sentMs: nowMs });
  }

  receive(payload: Payload, nowMs: number): Verdict {
    this.received++;
    this.receivedBytes += sizeOf(payload);
    if (this.waiting === 0) {
      this.unasked++;
      return { kind: 'unasked' };
    }
    const end = Math.min(this.#waiting.length, this.#gone + MAX_SKIPPED + 1);
    for (let index = this.#gone; index < end; index++) {
      const { payload: asked, sentMs } = this.#waiting[index]!;
      if (!isSame(asked, payload)) continue;
      const skipped = index - this.#gone;
      this.echoes++;
      this.skipped += skipped;
      this.#forget(skipped + 1);
      return { kind: 'echo', ms: nowMs - sentMs, skipped };
    }
    this.different++;
    return { kind: 'different' };
  }

  /** Nothing more comes. @returns how many have got no echo */
  end(): number {
    const { waiting } = this;
    this.#waiting = [];
    this.#gone = 0;
    this.waitingBytes = 0;
    return waiting;
  }

  #forget(count: number): void {
    for (const { payload } of this.#waiting.slice(this.#gone, this.#gone + count))
      this.waitingBytes -= sizeOf(payload);
    this.#gone += count;
    if (this.#gone < MAX_GONE && this.waiting > 0) return;
    this.#waiting = this.#waiting.slice(this.#gone);
    this.#gone = 0;
  }
}
