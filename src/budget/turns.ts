/**
 * Which work is done when on the event loop, where some clients cause much of it.
 *
 * A turn of the loop serves all sockets that are ready, one after the other, so each waits for the work of all others.
 * Two bounds keep that wait short, whatever the work is:
 *
 * - All that is done as it comes has {@link TURN_MS} in one turn, together. What little traffic does is done in any case;
 *   whoever has much to do then leaves the rest for later.
 * - What was left is done in slices of {@link SLICE_MS}, about one of them in each turn: whoever has had the least goes
 *   first, and so all that have much to do get equal shares.
 *
 * Little traffic pays an addition for each read. Nobody looks at the clock before {@link UNWATCHED_BYTES} of work are done,
 * and then once for each {@link CLOCK_BYTES}.
 */

/** How long work that is done as it comes may take in one turn of the event loop, in milliseconds. */
export const TURN_MS = 5;

/** How long work that was left for later has at a time. */
export const SLICE_MS = 1;

/** So much work is done between two looks at the clock; counted in bytes, with what else costs as much. */
export const CLOCK_BYTES = 16 * 1024;

/**
 * So much work is done before the end of a turn is watched. To watch it keeps the loop from waiting, and so costs one more
 * round of it, some microseconds: as much as to answer a small read.
 */
export const UNWATCHED_BYTES = 64 * 1024;

/**
 * How far a holder of work may be ahead of or behind all others, in microseconds of served time. Whoever has done little for a
 * while is served first, but does not get back all that it left to others.
 */
const MAX_LEAD_US = 50_000;

/** So many that read much in one turn of the event loop are a crowd. */
export const CROWD = 16;

/** Reads much at a time. */
export interface HeavyReader {
  /** In which turn it was seen last; only {@link Turns} writes it. Begin with -1. */
  seenInTurn: number;
}

/** Has work for more than one turn. */
export interface HeavyWork {
  /** What it was served with, on the scale of {@link Turns}; only that writes it. Begin with `turns.servedUs`. */
  servedUs: number;
  /** Works until the slice is over, which `turns.spend` tells, and adds itself again if there is more to do. */
  work(): void;
}

export class Turns {
  /** Whether this turn, or this slice, has had its time: what can wait waits. */
  isOver = false;
  /** Whether many have read much lately: a turn, and the one before, had a crowd. */
  isCrowded = false;
  /** Whether the end of this turn is watched: there was more than a little work. */
  isWatched = false;
  /** How far those that wait are served; it never goes back. */
  servedUs = 0;

  /** A heap: none is served more than those below it, which are at `2 i + 1` and `2 i + 2`. */
  readonly #waiting: HeavyWork[] = [];
  /** Work since the last look at the clock. */
  #spentBytes = 0;
  /** When the turn, or the slice, is over. */
  #endMs = 0;
  /** Whose slice it is, and whether that one has asked for another. */
  #working: HeavyWork | null = null;
  #isAddedAgain = false;
  /** Counts the turns that were watched, and those that have read much in this one. */
  #turn = 0;
  #readerCount = 0;
  #wasCrowded = false;

  /** How many wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Counts work, before or after it is done.
   *
   * @param bytes that were looked at, and what else took as long
   * @returns whether the turn, or the slice, is over
   */
  spend(bytes: number): boolean {
    this.#spentBytes += bytes;
    if (this.#spentBytes < CLOCK_BYTES || this.isOver) return this.isOver;
    if (this.isWatched) this.isOver = performance.now() >= this.#endMs;
    else if (this.#spentBytes >= UNWATCHED_BYTES) this.#watch();
    else return false;
    this.#spentBytes = 0;
    return this.isOver;
  }

  /** Counts what a holder of work was served with beside its slices, in milliseconds; they are counted in any case. */
  charge(work: HeavyWork, ms: number): void {
    if (work !== this.#working) work.servedUs += Math.ceil(ms * 1000);
  }

  /** A read of much has come for this one. */
  noteReader(reader: HeavyReader): void {
    if (reader.seenInTurn === this.#turn) return;
    reader.seenInTurn = this.#turn;
    if (++this.#readerCount >= CROWD) this.isCrowded = this.#wasCrowded = true;
  }

  /** Has `work` called in its turn, which is a later one. It must not wait already. */
  add(work: HeavyWork): void {
    if (work === this.#working) {
      // Its place is known when its slice is counted.
      this.#isAddedAgain = true;
      return;
    }
    const { servedUs } = this;
    work.servedUs = clamp(work.servedUs, servedUs - MAX_LEAD_US, servedUs + MAX_LEAD_US);
    this.#push(work);
    if (!this.isWatched) this.#watch();
  }

  #watch(): void {
    this.isWatched = true;
    this.#endMs = performance.now() + TURN_MS;
    setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.isOver = this.isWatched = false;
    this.#spentBytes = 0;
    this.#turn++;
    this.#readerCount = 0;
    this.isCrowded = this.#wasCrowded;
    this.#wasCrowded = false;
    if (this.#waiting.length === 0) return;
    // First: what comes next in this turn has the time that is left of it.
    this.#watch();
    const turnEndMs = this.#endMs;
    try {
      this.#runSlices(turnEndMs - TURN_MS);
    } finally {
      this.isOver = false;
      this.#spentBytes = 0;
      this.#endMs = turnEndMs;
    }
  };

  /** Work of one slice, of one that has much to do or of several. */
  #runSlices(startMs: number): void {
    this.#endMs = startMs + SLICE_MS;
    for (let nowMs = startMs; nowMs < this.#endMs;) {
      const work = this.#shift();
      if (work === null) return;
      this.servedUs = Math.max(this.servedUs, work.servedUs);
      this.isOver = false;
      this.#working = work;
      try {
        work.work();
      } finally {
        this.#working = null;
        const endMs = performance.now();
        this.charge(work, endMs - nowMs);
        nowMs = endMs;
        if (this.#isAddedAgain) this.#push(work);
        this.#isAddedAgain = false;
      }
    }
  }

  #push(work: HeavyWork): void {
    const heap = this.#waiting;
    let at = heap.length;
    heap.push(work);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.servedUs <= work.servedUs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = work;
  }

  /** Takes the one that was served least. */
  #shift(): HeavyWork | null {
    const heap = this.#waiting;
    const least = heap[0];
    if (least === undefined) return null;
    const last = heap.pop()!;
    if (last === least) return least;
    const { length } = heap;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && heap[child + 1]!.servedUs < heap[child]!.servedUs) child++;
      if (heap[child]!.servedUs >= last.servedUs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return least;
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

/** Those of this thread, which has one event loop, however many servers it runs. */
export const loopTurns = new Turns();
