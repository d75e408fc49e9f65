/**
 * What a converter keeps of each session until its close record. A session whose server was killed has none, and a
 * recording may have any number of those: beyond a bound, the session that has said nothing for longest is given up.
 */

/** What all sessions may take together. */
const MAX_BYTES = 64 * 1024 ** 2;

interface Entry<Kept> {
  readonly kept: Kept;
  readonly bytes: number;
  /** It has said something since it was last in front. */
  isActive: boolean;
}

export class OpenSessions<Kept> {
  /** How many were given up. */
  givenUp = 0;

  readonly #bytesEach: number;
  readonly #maxBytes: number;
  /** In the order in which they began, or were found to be active. */
  readonly #entries = new Map<string, Entry<Kept>>();
  #bytes = 0;

  /** @param bytesEach what one takes besides its name, about */
  constructor(bytesEach: number, maxBytes = MAX_BYTES) {
    this.#bytesEach = bytesEach;
    this.#maxBytes = maxBytes;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is kept of a session that has said something; undefined if nothing is. */
  get(name: string): Kept | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    entry.isActive = true;
    return entry.kept;
  }

  /** Keeps something of a session. @returns what was kept of those that are given up for it, mostly of none */
  set(name: string, kept: Kept): Kept[] {
    this.delete(name);
    const bytes = this.#bytesEach + 2 * name.length;
    this.#entries.set(name, { kept, bytes, isActive: false });
    this.#bytes += bytes;
    return this.#bytes > this.#maxBytes ? this.#makeRoom(name) : [];
  }

  /** The session is over. */
  delete(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#bytes -= entry.bytes;
  }

  /** Takes all, in the order in which they began. */
  takeAll(): Kept[] {
    const all = [...this.#entries.values()].map(({ kept }) => kept);
    this.#entries.clear();
    this.#bytes = 0;
    return all;
  }

  /** The oldest ones go; one that was active since has a second chance. */
  #makeRoom(newest: string): Kept[] {
    const gone: Kept[] = [];
    for (const [name, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes || this.#entries.size === 1) break;
      this.#entries.delete(name);
      // Those that are put behind are met again.
      if (entry.isActive || name === newest) {
        entry.isActive = false;
        this.#entries.set(name, entry);
      } else {
        this.#bytes -= entry.bytes;
        this.givenUp++;
        gone.push(entry.kept);
      }
    }
    return gone;
  }
}
