/** The exit statuses of twist, which scripts and supervisors rely on. */
export const ExitCode = {
  /** Success, including a graceful stop. */
  Ok: 0,
  /** A failure at run time. */
  Failure: 1,
  /** Wrong usage. */
  Usage: 2,
  /** A bad environment or configuration file (EX_CONFIG of sysexits.h). */
  Config: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
