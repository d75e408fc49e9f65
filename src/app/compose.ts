/** The one composition root, of the command and of the library: resources in, a server out that can be started. */
import type { AdminServer } from '../admin/admin-server.js';
import type { LocalSource } from '../admin/local-source.js';
import type { Log } from '../log.js';
import { type RouteMode, formatRouteMode } from '../config/values/route-text.js';
import type { Mode } from '../session/mode.js';
import { filesEachOf } from '../modes/registry.js';
import type { Recorder } from '../recording/write/recorder.js';
import type { Reloadable } from '../reloadable.js';
import { checkUnixPath } from '../server/unix-socket.js';
import { Server } from '../server/server.js';
import { makeAdmin, makeSource } from './admin.js';
import { chosenMode } from './mode-choice.js';
import { Reloader } from './reload/reloader.js';
import { privatePaths } from './resources/given-files.js';
import { claimRecording, makeRecorder, startRecorder } from './resources/recording.js';
import type { Resources } from './resources/resources.js';
import { type ModeOnPath, serverOptions } from './server-options.js';

/** A server that does not listen yet. */
export interface Composed {
  readonly server: Server;
  /** Records the sessions; null for none. */
  readonly recorder: Recorder | null;
  /** What this process tells of itself. */
  readonly source: LocalSource;
  /** Answers probes and Prometheus; null for none. */
  readonly admin: AdminServer | null;
  /** How many files a session may keep open, its own connection included. */
  readonly filesEach: 1 | 2;
  /** What a reload reads again. */
  readonly reloadables: readonly Reloadable[];
  /**
   * Reads all of it again, and opens the file of the recording anew. It waits until
   * the server has started, and once that stops reads nothing. It does not reject: a line of the log says what has
   * changed, or what cannot be used.
   */
  readonly reload: () => Promise<void>;
  /**
   * Listens on all addresses and opens the recording, or does neither.
   *
   * @throws {ConfigError} as a rejection: with a `source` when a setting is wrong, without one when something
   *   else on this machine is in the way
   * @throws {Error} as a rejection, with the `code` of the system (`EADDRINUSE`), when it cannot listen
   */
  readonly start: () => Promise<void>;
  /** What is left to do once the server has stopped: the last records, and then the admin endpoint. */
  readonly close: () => Promise<void>;
}

/** Makes the server, and touches nothing. @throws {ConfigError} when it cannot be made */
export function compose(resources: Resources, log: Log): Composed {
  const { settings, values, modules, authenticator, reloadables } = resources;
  const recorder = makeRecorder(settings, log);
  const server = new Server(
    serverOptions(settings, {
      modes: modesOf(resources),
      extensions: modules.extensions,
      authenticator,
      staticDir: settings.static,
      privatePaths: privatePaths(settings),
      recorder,
      log,
    }),
  );
  const reloader = new Reloader(() => reloadables, log);
  const started = new Later();
  const source = makeSource({ server, recorder });
  const admin = makeAdmin(settings, source, authenticator, log);
  const close = async (): Promise<void> => {
    // After the last record of the last session.
    await recorder?.close();
    await admin?.close();
  };
  return {
    server,
    recorder,
    source,
    admin,
    close,
    filesEach: servedBy(resources).some(({ asked }) => filesEachOf(asked.kind) === 2) ? 2 : 1,
    reloadables,
    reload: async () => {
      await started.promise;
      // A recording whose disk hangs keeps nothing else from being read again.
      const reopened = recorder?.reopen();
      if (server.isDraining) log.info({}, 'not reloaded: the server is stopping');
      else await reloader.reload();
      await reopened;
    },
    start: async () => {
      try {
        if (admin !== null) await source.start();
        // First: who asks meanwhile is told that nothing listens yet.
        await admin?.start();
        // The file may belong to another server: it is not touched before this one is known to listen.
        if (recorder !== null) await claimRecording(recorder, values);
        await server.start(async () => {
          if (recorder !== null) await startRecorder(recorder, values);
        });
      } catch (error) {
        await close();
        throw error;
      }
      started.resolve();
    },
  };
}

/** A promise that is resolved from outside. */
class Later {
  /** Resolves it. */
  resolve!: () => void;
  readonly promise = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });
}

/** Makes the server, looks at where it would listen, and starts nothing. @throws {ConfigError} when it could not start */
export function checkComposition(resources: Resources, log: Log): void {
  compose(resources, log);
  for (const address of resources.settings.listen) {
    if (address.kind === 'unix') checkUnixPath(address.path);
  }
}

/** What settings ask for on a path; null is every path that no other one has. */
interface Served {
  readonly path: string | null;
  readonly asked: RouteMode;
}

function servedBy({ settings, values }: Resources): Served[] {
  const served: Served[] = settings.route.map(({ path, mode }) => ({ path, asked: mode }));
  const fallback = chosenMode(values);
  return fallback === null ? served : [...served, { path: null, asked: fallback }];
}

/** Makes the modes. Paths that are to be served alike share one. */
function modesOf(resources: Resources): ModeOnPath[] {
  const { modules, makeMode } = resources;
  const made = new Map<string, Mode>();
  return servedBy(resources).map(({ path, asked }) => {
    const text = formatRouteMode(asked);
    const mode =
      made.get(text) ?? (asked.kind === 'mode' ? modules.modes.get(asked.file)! : makeMode(asked));
    made.set(text, mode);
    return { path, mode };
  });
}
