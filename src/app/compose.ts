/** The one composition root, of the command and of the library: resources in, a server out that can be started. */
import type { AdminServer } from '../admin/admin-server.js';
import type { LocalSource } from '../admin/local-source.js';
import type { Log } from '../log.js';
import { type RouteMode, formatRouteMode } from '../config/values/route-text.js';
import { DeflateCounters } from '../extensions/permessage-deflate/deflate-counters.js';
import type { PassedSocket } from '../net/passed-sockets.js';
import { EchoPage } from '../http/echo-page.js';
import type { PageControl, PageFiles } from '../http/page-source.js';
import type { Mode } from '../session/mode.js';
import { filesEachOf } from '../modes/registry.js';
import type { Recorder } from '../recording/write/recorder.js';
import { type Inspector, endsSessionsOf } from './inspect/inspector.js';
import { checkUnixPath } from '../server/unix-socket.js';
import type { ServerOptions } from '../server/server-options.js';
import { Server } from '../server/server.js';
import { makeAdmin, makeSource } from './admin.js';
import type { ServerGroup } from '../server/server-group.js';
import { chosenMode } from './mode-choice.js';
import { DescriptorWatch } from './open-files.js';
import { Configuration, type Rereading } from './reload/configuration.js';
import { Reloader } from './reload/reloader.js';
import { privatePaths } from './resources/given-files.js';
import type { Resources } from './resources/resources.js';
import { shownOf } from './resources/shown.js';
import { type ModeOnPath, makeDeflate, serverOptions } from './server-options.js';
import { version } from './version.js';

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
  /** Takes no more connections than so many, whatever the settings say, also after a reload. */
  readonly limitConnections: (most: number) => void;
  /** Reloads since the start: those that went well, and those of which something could not be used. */
  readonly reloadCounters: { readonly succeeded: number; readonly failed: number };
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
  /** What is left to do once the server has stopped: the last records, the inspector, and then the admin endpoint. */
  readonly close: () => Promise<void>;
}

/**
 * Makes the server, and touches nothing.
 *
 * @param rereading how the configuration is read again; null for one that a program has given
 * @param group the processes that serve together with this one; null, the default, for none
 * @param passedSockets those that whoever started this process has opened for it; none by default
 * @param inspector shows the traffic; null, the default, for nobody
 * @throws {ConfigError} when it cannot be made
 */
export function compose(
  resources: Resources,
  log: Log,
  rereading: Rereading | null = null,
  group: ServerGroup | null = null,
  passedSockets: readonly PassedSocket[] = [],
  inspector: Inspector | null = null,
): Composed {
  const { settings, values, authenticator, tls, memory, targets, recording } = resources;
  const descriptors = new DescriptorWatch(log);
  const recorder = recorderOf(resources, log, group, inspector);
  // One for all of them, whatever is reloaded: they share the budget of compressors.
  const deflateCounters = new DeflateCounters();
  const deflate = makeDeflate(settings, deflateCounters, memory);
  let made = new Map<string, Mode>();
  const { maxMessage } = settings;
  const optionsOf = (now: Resources): ServerOptions =>
    serverOptions(now.settings, {
      modes: modesOf(now, made),
      extensions: now.modules.extensions,
      memory,
      deflate,
      authenticator,
      tls,
      staticDir: settings.static,
      pages: (rules) =>
        new EchoPage({ version: version(), maxMessage, load: loadEchoPage, loadControls }, rules),
      privatePaths: privatePaths(now.settings),
      recorder,
      descriptors,
      group,
      passedSockets,
      log,
      clientLog: resources.clientLog,
    });
  const server = new Server(optionsOf(resources));
  let { modeReloadables } = resources;
  const configuration =
    rereading &&
    new Configuration(
      resources,
      rereading,
      ({ resources: now, keepsModes }) => {
        if (!keepsModes) made = new Map();
        const kept = keepsModes ? modeReloadables : [];
        server.reconfigure(optionsOf(now));
        recorder?.show(shownOf(now.settings));
        modeReloadables = [...new Set([...kept, ...now.modeReloadables])];
      },
      log,
    );
  const reloadLog = group?.reloadLog ?? log;
  const reloader = new Reloader(function* () {
    if (configuration !== null) yield configuration;
    yield* resources.reloadables;
    yield* modeReloadables;
  }, reloadLog);
  const started = new Later();
  const source = makeSource(settings, {
    server,
    // Without a file it has nothing to tell.
    recorder: settings.record === null ? null : recorder,
    memory,
    deflate: deflateCounters,
    targets,
    tls,
    reloads: reloader.counters,
    authenticator,
    descriptors,
  });
  // Whoever leads the group has the endpoint.
  const admin = group === null ? makeAdmin(settings, source, resources, log) : null;
  const close = async (): Promise<void> => {
    // After the last record of the last session.
    await recorder?.close();
    await inspector?.close();
    await admin?.close();
    source.stop();
    descriptors.stop();
  };
  return {
    server,
    recorder,
    source,
    admin,
    close,
    filesEach: filesEachOfAll(resources),
    limitConnections: (most) => {
      server.limitConnections(most);
    },
    reloadCounters: reloader.counters,
    reload: async () => {
      await started.promise;
      // A recording whose disk hangs keeps nothing else from being read again.
      const reopened = recorder?.reopen();
      inspector?.reload();
      if (server.isDraining) reloadLog.info({}, 'not reloaded: the server is stopping');
      else await reloader.reload();
      await server.recheck();
      await reopened;
    },
    start: async () => {
      descriptors.start();
      try {
        if (settings.admin !== null) await source.start();
        // First: who asks meanwhile is told that nothing listens yet.
        await admin?.start();
        await inspector?.start();
        // The file may belong to another server: it is not touched before this one is known to listen.
        if (recorder !== null) await recording!.claimRecording(recorder, values);
        await server.start(async () => {
          if (recorder !== null) await recording!.startRecorder(recorder, values);
        });
      } catch (error) {
        await close();
        throw error;
      }
      started.resolve();
    },
  };
}

async function loadControls(): Promise<readonly PageControl[]> {
  const { pageControls } = await import('../modes/echo-controls/page-controls.js');
  return pageControls();
}

async function loadEchoPage(): Promise<PageFiles> {
  return await import('twist:page/echo');
}

/** @returns what records sessions, for a file or for somebody who watches; null where nothing does */
function recorderOf(
  { settings, recording, memory }: Resources,
  log: Log,
  group: ServerGroup | null,
  inspector: Inspector | null,
): Recorder | null {
  const recorder =
    recording?.makeRecorder(settings, log, group?.worker, memory, inspector?.feed) ?? null;
  if (recorder !== null && inspector !== null) inspector.onEnd = endsSessionsOf(recorder, log);
  return recorder;
}

/** How many files a session may keep open. */
function filesEachOfAll(resources: Resources): 1 | 2 {
  if (resources.settings.static !== null) return 2;
  return servedBy(resources).some(({ asked }) => filesEachOf(asked.kind) === 2) ? 2 : 1;
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

/** Makes the modes. Paths that are to be served alike share one, and those that are made already are taken. */
function modesOf(resources: Resources, made: Map<string, Mode>): ModeOnPath[] {
  const { modules, makeMode, settings } = resources;
  return servedBy(resources).map(({ path, asked }) => {
    const text = formatRouteMode(asked);
    const mode =
      made.get(text) ?? (asked.kind === 'mode' ? modules.modes.get(asked.file)! : makeMode(asked));
    made.set(text, mode);
    const hasTokenBelow = asked.kind === 'token' && settings.tokenFrom === 'path';
    return { path, mode, hasTokenBelow, hasPage: asked.kind === 'echo' };
  });
}
