/**
 * Work in slices. A message that is done while the turn of the event loop lasts is done at once, without a promise. One
 * that takes longer goes on when it has its turn among all that have much to do (see `Turns`).
 */
import type { HeavyWork, Turns } from '../../budget/turns.js';
import type { LargeRoom, RoomHolder } from './large-room.js';

/** Why a slice ends: its time is over, or what comes out needs the room for the large message. */
export type SliceEnd = 'time' | 'room';

/** Work that yields after each slice. */
export type Slices<Result> = Generator<SliceEnd, Result, undefined>;

/** For whom it is done: all work for one session has one share of the event loop. */
export interface Share {
  servedUs: number;
}

export class SlicedWork {
  readonly #turns: Turns;
  readonly #room: LargeRoom;

  constructor(turns: Turns, room: LargeRoom) {
    this.#turns = turns;
    this.#room = room;
  }

  /** A share that begins now. */
  makeShare(): Share {
    return { servedUs: this.#turns.servedUs };
  }

  /**
   * Runs the first slice now, and the others, if there are any, when it is their turn. The caller that awaits
   * the result gets it before anybody else's turn.
   *
   * @param holder who has the room for the large message when this has it
   * @throws what the first slice throws; the promise rejects with what a later one throws
   */
  run<Result>(work: Slices<Result>, share: Share, holder: RoomHolder): Result | Promise<Result> {
    const first = work.next();
    if (first.done === true) return first.value;
    return new Promise((resolve, reject) => {
      const goOn = (job: HeavyWork, why: SliceEnd): void => {
        const add = (): void => {
          this.#turns.add(job);
        };
        if (why === 'room') this.#room.wait(holder, add);
        else add();
      };
      goOn(new Job(work, share, goOn, resolve, reject), first.value);
    });
  }
}

/** One message that did not get through at once. */
class Job<Result> implements HeavyWork {
  servedUs: number;

  readonly #work: Slices<Result>;
  readonly #share: Share;
  readonly #goOn: (job: HeavyWork, why: SliceEnd) => void;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    work: Slices<Result>,
    share: Share,
    goOn: (job: HeavyWork, why: SliceEnd) => void,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.#work = work;
    this.#share = share;
    this.#goOn = goOn;
    this.#resolve = resolve;
    this.#reject = reject;
    this.servedUs = share.servedUs;
  }

  work(): void {
    try {
      const slice = this.#work.next();
      if (slice.done === true) this.#resolve(slice.value);
      else this.#goOn(this, slice.value);
    } catch (error) {
      this.#reject(error);
    }
    this.#share.servedUs = Math.max(this.#share.servedUs, this.servedUs);
  }
}
