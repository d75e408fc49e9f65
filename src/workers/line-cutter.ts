/** Puts together the lines of a text that comes in pieces. */

/** A line that goes on for longer is given out in parts. */
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

  /** What has begun is all that comes of its line. */
  end(): void {
    if (this.#begun === '') return;
    const line = this.#begun;
    this.#begun = '';
    this.#give(`${line}\n`);
  }
}
