/** The composition root: settings in, a running server out, until a signal ends it. */
import type { Logger } from 'pino';
import { ConfigError } from '../errors.js';
import { type ModeOnPath, serverOptions } from '../library/server-options.js';
import { ReplayMode } from '../modes/replay/replay.js';
import { TcpMode } from '../modes/tcp/tcp-mode.js';
import type { Recorder } from '../recording/recorder.js';
import { checkUnixPath } from '../server/listener.js';
import { Server } from '../server/server.js';
import { ExitCode } from './exit-code.js';
import type { Inputs } from './inputs.js';
import type { Io } from './io.js';
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
  const signals = watchSignals(server, recorder, io, log);
  try {
    // The file may be that of another server: nothing is done to it before we know that we can listen.
    if (recorder !== null) await claimRecording(recorder, values);
    await server.start(async () => {
      if (recorder !== null) await startRecorder(recorder, values);
    });
  } catch (error) {
    signals.ignore();
    await recorder?.close();
    if (error instanceof ConfigError && error.cause !== undefined) throw error;
    io.stderr.write(`twist: ${startFailure(error)}\n`);
    return ExitCode.Failure;
  }
  const exitCode = await signals.stopped;
  // Behind the last record of the last session.
  await recorder?.close();
  return exitCode;
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
      recorder,
      log,
    }),
  );
  return { server, recorder, modes };
}

/** Ends the server: the first signal drains, the second one stops at once. */
function watchSignals(
  server: Server,
  recorder: Recorder | null,
  io: Io,
  log: Logger,
): { readonly stopped: Promise<ExitCode>; ignore(): void } {
  let exitCode: ExitCode = ExitCode.Ok;
  let isStopping = false;
  let tell: (exitCode: ExitCode) => void;
  const stopped = new Promise<ExitCode>((resolve) => {
    tell = resolve;
  });
  const stop = (): void => {
    if (isStopping) {
      exitCode = ExitCode.Failure;
      server.stopNow();
      return;
    }
    isStopping = true;
    void server.stop().then(() => {
      ignore();
      tell(exitCode);
    });
  };
  const removers = [
    io.onSignal('SIGTERM', stop),
    io.onSignal('SIGINT', stop),
    io.onSignal('SIGHUP', () => {
      // The terminal is gone; without one the signal asks for a reload.
      if (io.stderr.isTTY === true) stop();
      else if (recorder !== null) void recorder.reopen();
      else log.info('nothing to reload');
    }),
    io.onCrash((error) => {
      // The state is unknown from here on: say so, let clients go, and leave the restart to whoever
      // watches over the process.
      log.fatal({ err: error }, 'internal error');
      stop();
      exitCode = ExitCode.Failure;
    }),
  ];
  const ignore = (): void => {
    for (const remove of removers) remove();
  };
  return { stopped, ignore };
}
