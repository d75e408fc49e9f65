/** The log of the program that a server runs in: whatever becomes of a line, the server goes on. */
import { onRejection } from '../foreign.js';
import type { Log, LogLevel } from '../log.js';

/** As a log may really be: it need not keep to returning nothing. */
type Lines = Readonly<Record<LogLevel, (fields: object, message: string) => unknown>>;

/** @returns a log that writes to `log`, and throws nothing */
export function guardedLog(log: Log): Log {
  const guarded =
    (level: LogLevel) =>
    (fields: object, message: string): void => {
      try {
        onRejection((log as Lines)[level](fields, message), ignore);
      } catch {
        // Where would it be reported?
      }
    };
  return {
    debug: guarded('debug'),
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
  };
}

function ignore(): void {
  // As above.
}
