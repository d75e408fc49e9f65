/**
 * Passes messages through a transformation that may be asynchronous, and keeps their order.
 *
 * While the transformation answers at once, so does the pipeline, and no promise is made. When it
 * returns a promise, or when one turn of the event loop has done enough work, what follows waits in
 * a queue; whoever pushes sees `isBusy`, stops the source, and is called by `onIdle`.
 */

import type { MemoryAccount } from '../budget/memory-account.js';
import type { HeavyWork, Turns } from '../budget/turns.js';
import type { Message } from './extension.js';
import { promiseOf } from '../foreign.js';
import { copyPayload } from '../protocol/bytes.js';

export interface PipelineOptions {
  /** Transforms one message. A rejection ends the pipeline. */
  readonly transform: (message: Message) => Message | PromiseLike<Message>;
  /** Takes the results, in the order of the messages. */
  readonly deliver: (message: Message) => void;
  /** Called once, for an error that a promise rejects with; what waited is dropped. */
  readonly fail: (error: unknown) => void;
  /** The pipeline has stopped waiting: everything that was pushed is delivered. */
  readonly onIdle: () => void;
  /** True when `transform` may look at a payload after it has returned. */
  readonly keepsPayload: boolean;
  /** Is charged for what waits. */
  readonly memory: MemoryAccount;
  /** Shares the event loop with others. */
  readonly turns: Turns;
  /** Whether messages wait when the turn is over. Otherwise whoever pushes them sets the pace. */
  readonly endsTurns: boolean;
}

/** What a message counts in a turn beside its payload: the smallest ones cost time as well. */
const MESSAGE_COST_BYTES = 256;

/** What a message that waits takes beside its payload, in bytes. */
const OBJECT_BYTES = 256;

/** What a byte before the transformation counts: a few of them may be much work, or become many. */
const INPUT_COST = 16;

export class MessagePipeline implements HeavyWork {
  servedUs: number;
  /** True while messages wait, one is in the transformation, or others have their turn. */
  isBusy = false;
  /** Payload bytes of the messages that wait or are in the transformation. */
  waitingBytes = 0;
  /** Memory of those that wait. */
  heldBytes = 0;

  readonly #options: PipelineOptions;
  #pushed: Message[] = [];
  /** What was pushed before those, last one first: so taking one costs the same however many wait. */
  #next: Message[] = [];
  /** Came out of the transformation while held: it is delivered before anything else begins. */
  #finished: Message | null = null;
  /** What that had before the transformation, in bytes. */
  #finishedInputBytes = 0;
  #isTransforming = false;
  #isHeld = false;
  #isTurnOver = false;
  #isClosed = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.servedUs = options.turns.servedUs;
  }

  /**
   * Takes a message, whose payload need only be valid during the call.
   *
   * @throws what `transform` or `deliver` throws, when the message does not have to wait
   */
  push(message: Message): void {
    if (this.#isClosed) return;
    if (this.isBusy || this.#isHeld) {
      this.isBusy = true;
      this.waitingBytes += message.payload.length;
      this.#hold(message.payload.length + OBJECT_BYTES);
      this.#pushed.push(kept(message));
    } else {
      this.#start(this.#options.keepsPayload ? kept(message) : message);
    }
  }

  /** Begins and delivers no message until {@link release} is called. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Goes on, in a turn of its own. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#hasWaiting || this.#finished !== null) this.#endTurn();
  }

  /** Drops what waits; what is in the transformation is not delivered. */
  close(): void {
    this.#isClosed = true;
    this.#pushed = [];
    this.#next = [];
    this.#finished = null;
    this.waitingBytes = 0;
    this.#hold(-this.heldBytes);
    this.isBusy = false;
  }

  #hold(bytes: number): void {
    this.heldBytes += bytes;
    if (bytes > 0) this.#options.memory.charge(bytes);
    else this.#options.memory.release(-bytes);
  }

  #start(message: Message): void {
    // Asked before: a transformation may give the payload's memory to a worker.
    const { length } = message.payload;
    const result = this.#options.transform(message);
    const pending = promiseOf(result);
    if (pending !== null) {
      this.isBusy = true;
      this.#isTransforming = true;
      this.waitingBytes += length;
      pending.then(
        (transformed) => {
          if (this.#isClosed) return;
          this.#isTransforming = false;
          if (this.#isHeld) {
            this.#keep(transformed, length);
          } else {
            this.waitingBytes -= length;
            this.#continue(transformed);
          }
        },
        (error: unknown) => {
          this.#fail(error);
        },
      );
    } else {
      this.#deliver(result as Message, length);
    }
  }

  /** Whoever holds the pipeline wants no message, so this one waits; its payload may not be valid for long. */
  #keep(message: Message, inputBytes: number): void {
    const { payload } = (this.#finished = this.#options.keepsPayload ? message : kept(message));
    this.#finishedInputBytes = inputBytes;
    this.#hold(payload.length + OBJECT_BYTES);
  }

  /** The one that waited after the transformation, if it may be delivered now. */
  #takeFinished(): Message | null {
    const message = this.#finished;
    if (message === null || this.#isHeld) return null;
    this.#finished = null;
    this.waitingBytes -= this.#finishedInputBytes;
    this.#hold(-message.payload.length - OBJECT_BYTES);
    return message;
  }

  #deliver(message: Message, inputBytes: number): void {
    const { turns, endsTurns } = this.#options;
    const work = inputBytes * INPUT_COST + message.payload.length + MESSAGE_COST_BYTES;
    this.#options.deliver(message);
    if (turns.spend(work) && endsTurns) this.#endTurn();
  }

  /** Whatever follows waits until this pipeline has its turn. */
  #endTurn(): void {
    if (this.#isTurnOver || this.#isClosed) return;
    this.#isTurnOver = true;
    this.isBusy = true;
    this.#options.turns.add(this);
  }

  /** Its turn has come. */
  work(): void {
    this.#isTurnOver = false;
    this.#continue(this.#takeFinished());
  }

  /** Delivers what is through, and goes on with what waits until something has to be waited for. */
  #continue(transformed: Message | null): void {
    try {
      // What it had before was counted as work while it was transformed.
      if (transformed !== null) this.#deliver(transformed, 0);
      while (this.#canStart) {
        const message = this.#take();
        this.waitingBytes -= message.payload.length;
        this.#hold(-message.payload.length - OBJECT_BYTES);
        this.#start(message);
      }
      if (!this.#isThrough) return;
      this.isBusy = false;
      this.#options.onIdle();
    } catch (error) {
      this.#fail(error);
    }
  }

  get #canStart(): boolean {
    return this.#hasWaiting && !this.#isTransforming && !this.#isTurnOver && !this.#isHeld;
  }

  /** True when there is nothing left, and somebody who wants to know. */
  get #isThrough(): boolean {
    const hasMessages = this.#hasWaiting || this.#isTransforming || this.#finished !== null;
    return !hasMessages && !this.#isTurnOver && !this.#isClosed;
  }

  get #hasWaiting(): boolean {
    return this.#next.length > 0 || this.#pushed.length > 0;
  }

  /** The first message that waits; there is one. */
  #take(): Message {
    if (this.#next.length === 0) {
      this.#next = this.#pushed.reverse();
      this.#pushed = [];
    }
    return this.#next.pop()!;
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.fail(error);
  }
}

function kept({ opcode, rsv, payload }: Message): Message {
  return { opcode, rsv, payload: copyPayload(payload) };
}
