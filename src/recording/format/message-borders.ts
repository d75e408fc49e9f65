/**
 * Where recorded messages begin and end. A recording that was damaged, cut or rotated lacks pieces of
 * some messages; the remaining pieces are put in order here.
 */
import type { Direction, MessageRecord } from './record.js';

export interface Borders {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The previous message of the same direction has no end in the recording. */
  readonly isPreviousOpen: boolean;
}

/** Follows the messages of one session, in both directions. */
export class MessageBorders {
  readonly #isInside: Record<Direction, boolean> = { in: false, out: false };

  /** Takes the next record of a message, or of a piece of one. */
  take({ dir, part }: Pick<MessageRecord, 'dir' | 'part'>): Borders {
    const wasInside = this.#isInside[dir];
    const isFirst = !wasInside || part === undefined || part === 'first';
    const isLast = part === undefined || part === 'last';
    this.#isInside[dir] = !isLast;
    return { isFirst, isLast, isPreviousOpen: wasInside && isFirst };
  }
}
