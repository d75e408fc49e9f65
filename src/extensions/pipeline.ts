/**
 * Passes messages through a transformation that may be asynchronous, and keeps their order.
 *
 * While the transformation answers at once, so does the pipeline, and no promise is made. When it
 * returns a promise, or when one turn of the event loop has done enough work, what follows waits in
 * a queue; whoever pushes sees `isBusy`, stops the source, and is called by `onIdle`.
 */

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
  /** Payload bytes that are delivered before others get a turn of the event loop. */
  readonly turnBytes: number;
}

/** What a message counts in a turn beside its payload: the smallest ones cost time as well. */
const MESSAGE_COST_BYTES = 256;

export class MessagePipeline {
  /** True while messages wait, one is in the transformation, or others have their turn. */
  isBusy = false;
  /** Payload bytes of the messages that wait or are in the transformation. */
  waitingBytes = 0;

  readonly #options: PipelineOptions;
  #pushed: Message[] = [];
  /** What was pushed before those, last one first: so taking one costs the same however many wait. */
  #next: Message[] = [];
  #isTransforming = false;
  #isHeld = false;
  #turnBytes = 0;
  #isTurnOver = false;
  #isClosed = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
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
      this.#pushed.push(kept(message));
    } else {
      this.#start(this.#options.keepsPayload ? kept(message) : message);
    }
  }

  /** Begins no message until {@link release} is called. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Goes on, in a turn of its own. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#hasWaiting) this.#endTurn();
  }

  /** Drops what waits; what is in the transformation is not delivered. */
  close(): void {
    this.#isClosed = true;
    this.#pushed = [];
    this.#next = [];
    this.waitingBytes = 0;
    this.isBusy = false;
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
          this.waitingBytes -= length;
          this.#continue(transformed);
        },
        (error: unknown) => {
          this.#fail(error);
        },
      );
    } else {
      this.#deliver(result as Message);
    }
  }

  #deliver(message: Message): void {
    this.#turnBytes += message.payload.length + MESSAGE_COST_BYTES;
    this.#options.deliver(message);
    if (this.#turnBytes >= this.#options.turnBytes) this.#endTurn();
  }

  /** Whatever follows waits for the next turn of the event loop. */
  #endTurn(): void {
    if (this.#isTurnOver || this.#isClosed) return;
    this.#isTurnOver = true;
    this.isBusy = true;
    setImmediate(() => {
      this.#isTurnOver = false;
      this.#turnBytes = 0;
      this.#continue(null);
    });
  }

  /** Delivers what is through, and goes on with what waits until something has to be waited for. */
  #continue(transformed: Message | null): void {
    try {
      if (transformed !== null) this.#deliver(transformed);
      while (this.#canStart) {
        const message = this.#take();
        this.waitingBytes -= message.payload.length;
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
    const hasMessages = this.#hasWaiting || this.#isTransforming;
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
