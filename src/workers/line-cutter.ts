/** Joins text that arrives in pieces into whole lines. */

/** A longer line is passed on in parts. */
const MAX_LINE = 1024 ** 2;

export class LineCutter {
  readonly #give: (lines: string) => void;
  #begun = '';

  /** @param give gets one or more whole lines */
  constructor(give: (lines: string) => void) {
    this.#give = give;
  }

  take(text: string): void {
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0) {
      this.#give(this.#begun + text.slice(0, end));
      this.#begun = '';
    }
    this.#begun += text.slice(end);
    if (this.#begun.length > MAX_LINE) this.end();
  }

  /** The text has ended: passes on the unfinished line. */
  end(): void {
    if (this.#begun === '') return;
    const line = this.#begun;
    this.#begun = '';
    this.#give(`${line}\n`);
  }
}
