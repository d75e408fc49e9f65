/** Something that a reload reads again. */
export interface Reloadable {
  /** What it is, for the log: `certificates`, `tokens`. */
  readonly what: string;
  /**
   * Reads it again.
   *
   * @returns what there is now, a phrase for the log such as `3 users`; null when nothing has changed
   * @throws {ConfigError} as a rejection, when the new one cannot be used: the old one stays
   */
  reload(): Promise<string | null>;
}
