/** The processes that serve together with this one, which listen on the same addresses. */

/** An address that is listened on, as the log shows it. */
export interface ListeningLine {
  readonly address: string;
  /** What is served there: the modes, each with its path. */
  readonly mode: string;
}

export interface ServerGroup {
  /** The number of this process. */
  readonly worker: number;
  /** All addresses are ours too. Whoever leads the group says so. */
  listening(lines: readonly ListeningLine[]): void;
}
