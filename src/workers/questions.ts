/** Questions of the primary to its workers, with a time limit: workers that do not answer are left out. */

/** A worker that is asked. */
export interface Asked {
  readonly worker: number;
  /** Of the process that is asked: another one with the same number answers nothing in its place. */
  readonly serial: number;
}

/** What a worker has answered; null when it has not. */
export interface Reply {
  readonly worker: number;
  readonly value: unknown;
}

interface Question {
  /** By serial number. */
  readonly waiting: Map<number, number>;
  readonly replies: Reply[];
  readonly settle: () => void;
}

export class Questions {
  readonly #open = new Map<number, Question>();
  #lastId = 0;

  /**
   * Asks all of them.
   *
   * @param send sends the question, with this number
   * @returns all replies, by the numbers of the workers; it does not reject
   */
  async ask(
    asked: readonly Asked[],
    limitMs: number,
    send: (one: Asked, id: number) => void,
  ): Promise<readonly Reply[]> {
    const id = ++this.#lastId;
    const waiting = new Map(asked.map(({ worker, serial }) => [serial, worker]));
    const replies: Reply[] = [];
    if (waiting.size > 0)
      await new Promise<void>((settle) => {
        const timer = setTimeout(settle, limitMs);
        const end = (): void => {
          clearTimeout(timer);
          settle();
        };
        this.#open.set(id, { waiting, replies, settle: end });
        for (const one of asked) send(one, id);
      });
    this.#open.delete(id);
    for (const worker of waiting.values()) replies.push({ worker, value: null });
    return replies.sort((one, other) => one.worker - other.worker);
  }

  /** An answer has arrived, perhaps too late. */
  answered(serial: number, id: number, value: unknown): void {
    const question = this.#open.get(id);
    const worker = question?.waiting.get(serial);
    if (question === undefined || worker === undefined) return;
    question.replies.push({ worker, value });
    this.#leave(question, serial);
  }

  /** This process is gone. */
  forget(serial: number): void {
    for (const question of this.#open.values())
      if (question.waiting.has(serial)) {
        question.replies.push({ worker: question.waiting.get(serial)!, value: null });
        this.#leave(question, serial);
      }
  }

  #leave({ waiting, settle }: Question, serial: number): void {
    waiting.delete(serial);
    if (waiting.size === 0) settle();
  }
}
