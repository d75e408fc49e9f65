/** The composition root: settings in, a running server out, until a signal ends it. */
import type { Logger } from 'pino';
import { ConfigError } from '../../errors.js';
import { type ModeOnPath, serverOptions } from '../../app/server-options.js';
import { ReplayMode } from '../../modes/replay/replay.js';
import { TcpMode } from '../../modes/tcp/tcp-mode.js';
import type { Recorder } from '../../recording/write/recorder.js';
import { checkUnixPath } from '../../server/listener.js';
import { Server } from '../../server/server.js';
import { complain } from '../complain.js';
import { Ending } from './ending.js';
import { ExitCode } from '../exit-code.js';
import { privatePaths } from './given-files.js';
import type { Inputs } from './inputs.js';
import type { Io } from '../io.js';
import { modesOf } from './modes-of.js';
import { openFilesProblem } from './open-files.js';
import { claimRecording, makeRecorder, startRecorder } from './recording.js';
import { startFailure } from './start-failure.js';

/** Runs the server until it is told to stop. @returns the exit status */
export async function serve(inputs: Inputs, io: Io, log: Logger): Promise<ExitCode> {
  const { settings, values } = inputs;
  const { server, recorder, modes } = compose(inputs, log);
  const takesTwo = modes.some(({ mode }) => mode instanceof TcpMode || mode instanceof ReplayMode);
  const problem = openFilesProblem(io, settings.maxConnections, takesTwo ? 2 : 1);
  if (problem !== null) log.warn(problem);
  // Before the log says that the server listens, so that no signal is lost.
  const ending = new Ending(server, recorder, io, log);
  try {
    try {
      // The file may be that of another server: nothing is done to it before we know that we can listen.
      if (recorder !== null) await claimRecording(recorder, values);
      await server.start(async () => {
        if (recorder !== null) await startRecorder(recorder, values);
      });
    } catch (error) {
      await recorder?.close();
      if (error instanceof ConfigError && error.cause !== undefined) throw error;
      complain(io, startFailure(error), settings.logFormat);
      return ExitCode.Failure;
    }
    await ending.stopped;
    // Behind the last record of the last session.
    await recorder?.close();
    return ending.exitCode;
  } finally {
    ending.release();
  }
}

/** Makes the server as `serve` would, and does not start it. @throws {ConfigError} when that cannot be done */
export function check(inputs: Inputs, log: Logger): void {
  compose(inputs, log);
  for (const address of inputs.settings.listen) {
    if (address.kind === 'unix') checkUnixPath(address.path);
  }
}

/** A server that does not listen, and what it serves. */
interface Composed {
  readonly server: Server;
  readonly recorder: Recorder | null;
  readonly modes: readonly ModeOnPath[];
}

/** Makes the server as it would run. @throws {ConfigError} when that cannot be done */
function compose(inputs: Inputs, log: Logger): Composed {
  const { settings, modules, authenticator } = inputs;
  const modes = modesOf(inputs, log);
  const recorder = makeRecorder(settings, log);
  const server = new Server(
    serverOptions(settings, {
      modes,
      extensions: modules.extensions,
      authenticator,
      staticDir: settings.static,
      privatePaths: privatePaths(settings),
      recorder,
      log,
    }),
  );
  return { server, recorder, modes };
}
