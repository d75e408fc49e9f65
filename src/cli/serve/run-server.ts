/** What a server, a primary and each worker do alike: a log, and what is reported there beside. */
import type { Logger } from 'pino';
import type { Loaded } from '../../config/load.js';
import { ConfigError } from '../../errors.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { createLog } from '../output/log.js';

/** Makes the log, and has everything that the process reports go there. @param bindings stand in every line */
export function openLog(
  { settings }: Loaded,
  io: Io,
  isStyled: boolean,
  bindings: object | null = null,
): Logger {
  const log = createLog(settings.logLevel, settings.logFormat, io.stderr, isStyled, bindings);
  io.stderr.doNotWait((lines) => {
    log.warn({ lines }, 'lines of the log were lost: nobody took them');
  });
  io.onWarning(({ name, message }) => {
    log.warn({ name }, message);
  });
  io.onUnusedSignal((signal) => {
    log.info({ signal }, 'signal ignored');
  });
  return log;
}

/** Tells whoever has started the process and waits until it is ready. */
export async function tellReady({ env }: Pick<Io, 'env'>, log: Logger): Promise<void> {
  if (env['NOTIFY_SOCKET'] === undefined) return;
  // Few starts have to, and it needs another process.
  const { notify } = await import('./readiness.js');
  await notify(env, log);
}

/** A bad configuration that only shows when the server starts is reported like any other. */
export function failed(error: unknown, log: Logger): ExitCode {
  if (error instanceof ConfigError) throw error;
  log.fatal({ err: error }, 'twist cannot go on');
  return ExitCode.Failure;
}
