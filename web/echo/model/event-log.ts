/** What has happened, in bounded memory: the oldest goes first. */
import { type Payload, cutTo, sizeOf } from './payload.js';
import type { Verdict } from './verifier.js';

/** What a line of the log is about. */
export type Happening =
  | { readonly kind: 'sent'; readonly payload: Payload }
  | { readonly kind: 'received'; readonly payload: Payload; readonly verdict: Verdict }
  | { readonly kind: 'opened' | 'closed' | 'failed' | 'note'; readonly text: string };

interface Kept {
  readonly id: number;
  /** When it was, in seconds since 1970. */
  readonly time: number;
}

export type LogEntry = Happening &
  Kept & {
    /** Of the whole payload. */
    readonly size: number;
    /** Whether there is less of it here than there was. */
    readonly isCut: boolean;
  };

/** So many lines, so many characters or bytes of each, and of all of them. */
export const LOG_BOUNDS = { lines: 2000, each: 16 * 1024, all: 8 * 1024 * 1024 } as const;

export class EventLog {
  /** From the oldest on. */
  readonly entries: LogEntry[] = [];
  /** How many have left. */
  left = 0;
  readonly #bounds: typeof LOG_BOUNDS | Readonly<Record<keyof typeof LOG_BOUNDS, number>>;
  #held = 0;
  #next = 1;

  constructor(bounds: Readonly<Record<keyof typeof LOG_BOUNDS, number>> = LOG_BOUNDS) {
    this.#bounds = bounds;
  }

  /** @param time in seconds since 1970 */
  add(happening: Happening, time: number): void {
    const { lines, each, all } = this.#bounds;
    const kept = { id: this.#next++, time };
    if ('payload' in happening) {
      const payload = cutTo(happening.payload, each);
      const isCut = payload.length < happening.payload.length;
      this.entries.push({ ...happening, ...kept, payload, size: sizeOf(happening.payload), isCut });
      this.#held += payload.length;
    } else {
      this.entries.push({ ...happening, ...kept, size: 0, isCut: false });
    }
    while (this.entries.length > lines || (this.#held > all && this.entries.length > 1)) {
      const [oldest] = this.entries.splice(0, 1);
      if (oldest !== undefined && 'payload' in oldest) this.#held -= oldest.payload.length;
      this.left++;
    }
  }

  clear(): void {
    this.left += this.entries.length;
    this.entries.length = 0;
    this.#held = 0;
  }
}
