/** The operational log, as pino offers it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of this level are written at all; without it they may be. */
  isLevelEnabled?(level: LogLevel): boolean;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Lines of the log that clients cause: as many as they like, so that what is written of them has a bound. */
export interface ClientLog {
  /**
   * Writes a line, or counts it with others like it, which are those of the same level, message and rule.
   *
   * @param address the client's, which is fair to others
   * @param fields are asked for only if the line is written
   */
  write(
    level: LogLevel,
    address: string,
    message: string,
    fields: () => object,
    rule?: string | null,
  ): void;
}
