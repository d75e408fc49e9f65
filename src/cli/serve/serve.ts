/** `twist serve`: runs a server until a signal ends it. */
import type { Logger } from 'pino';
import { compose } from '../../app/compose.js';
import type { Rereading } from '../../app/reload/configuration.js';
import { openFilesProblem } from '../../app/open-files.js';
import type { Resources } from '../../app/resources/resources.js';
import type { Settings } from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { complain } from '../output/log.js';
import { Ending } from './ending.js';
import { startFailure } from './start-failure.js';

/** Resources of a server whose settings are those of a command. */
export type CommandResources = Resources & { readonly settings: Settings };

/**
 * Runs the server until it is told to stop.
 *
 * @param load brings all sources together once more, for a reload
 * @returns the exit status
 */
export async function serve(
  resources: CommandResources,
  io: Io,
  log: Logger,
  load: Rereading['load'],
): Promise<ExitCode> {
  const { settings, values } = resources;
  const composed = compose(resources, log, { load, files: io });
  const { server, filesEach } = composed;
  const problem = openFilesProblem(io, values.maxConnections, filesEach);
  if (problem !== null) log.warn(problem);
  // Before the log says that the server listens, so that no signal is lost.
  const ending = new Ending(server, composed.reload, io, log);
  try {
    try {
      await composed.start();
    } catch (error) {
      if (error instanceof ConfigError && error.source !== null) throw error;
      complain(io, startFailure(error), settings.logFormat);
      return ExitCode.Failure;
    }
    await ending.stopped;
    await composed.close();
    return ending.exitCode;
  } finally {
    ending.release();
  }
}
