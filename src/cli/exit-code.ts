/** What the exit status of twist says. */
export const ExitCode = {
  /** All is well, a graceful stop included. */
  Ok: 0,
  /** Something failed at run time. */
  Failure: 1,
  /** The command line is wrong. */
  Usage: 2,
  /** The environment or the configuration file is wrong (EX_CONFIG of sysexits.h). */
  Config: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
