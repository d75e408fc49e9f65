/** The one composition root, of the command and of the library: resources in, a server out that can be started. */
import type { Log } from '../log.js';
import { ReplayMode } from '../modes/replay/replay.js';
import { TcpMode } from '../modes/tcp/tcp-mode.js';
import type { Recorder } from '../recording/write/recorder.js';
import { checkUnixPath } from '../server/listener.js';
import { Server } from '../server/server.js';
import { modesOf } from './modes-of.js';
import { privatePaths } from './resources/given-files.js';
import { claimRecording, makeRecorder, startRecorder } from './resources/recording.js';
import type { Resources } from './resources/resources.js';
import { serverOptions } from './server-options.js';

/** A server that does not listen yet. */
export interface Composed {
  readonly server: Server;
  /** Records the sessions; null for none. Close it after the server has stopped. */
  readonly recorder: Recorder | null;
  /** How many files a session may keep open, its own connection included. */
  readonly filesEach: 1 | 2;
  /**
   * Listens on all addresses and opens the recording, or does neither.
   *
   * @throws {ConfigError} as a rejection: with a `cause` when a setting is wrong, without one when something
   *   else on this machine is in the way
   * @throws {Error} as a rejection, with the `code` of the system (`EADDRINUSE`), when it cannot listen
   */
  readonly start: () => Promise<void>;
}

/** Makes the server, and touches nothing. @throws {ConfigError} when it cannot be made */
export function compose(resources: Resources, log: Log): Composed {
  const { settings, values, modules, authenticator } = resources;
  const modes = modesOf(resources, log);
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
  const takesTwo = modes.some(({ mode }) => mode instanceof TcpMode || mode instanceof ReplayMode);
  return {
    server,
    recorder,
    filesEach: takesTwo ? 2 : 1,
    start: async () => {
      try {
        // The file may belong to another server: it is not touched before this one is known to listen.
        if (recorder !== null) await claimRecording(recorder, values);
        await server.start(async () => {
          if (recorder !== null) await startRecorder(recorder, values);
        });
      } catch (error) {
        await recorder?.close();
        throw error;
      }
    },
  };
}

/** Makes the server, looks at where it would listen, and starts nothing. @throws {ConfigError} when it could not start */
export function checkComposition(resources: Resources, log: Log): void {
  compose(resources, log);
  for (const address of resources.settings.listen) {
    if (address.kind === 'unix') checkUnixPath(address.path);
  }
}
