/** `twist serve --workers N`: runs workers until a signal ends them. */
import type { Logger } from 'pino';
import type { Loaded } from '../../config/load.js';
import type { Flags } from '../../config/text-sources.js';
import { passedSockets } from '../../net/passed-sockets.js';
import { OWNER_ONLY, freeUnixPath } from '../../server/unix-socket.js';
import { newTicketKeys } from '../../server/tls/tls-context.js';
import { clusterWorkers } from '../../workers/cluster-worker.js';
import type { ConfigFile } from '../../workers/messages.js';
import { type Failure, Primary } from '../../workers/primary.js';
import type { Viewer } from '../../workers/viewer/viewer.js';
import { WorkersSource } from '../../workers/workers-source.js';
import { logMetrics } from '../../admin/metrics/log-metrics.js';
import { LocalSource } from '../../admin/local-source.js';
import { makeAdmin } from '../../app/admin.js';
import { makeAuthenticator } from '../../app/resources/resources.js';
import { readTls } from '../../app/resources/tls.js';
import type { Authenticator } from '../../server/auth/authenticator.js';
import { ClientLines } from '../../server/log/client-lines.js';
import type { ServerTls } from '../../server/tls/server-tls.js';
import { version } from '../../app/version.js';
import { lineOf } from '../../recording/write/record-encoder.js';
import type { Batch } from '../../recording/write/batch.js';
import type { Inspector } from '../../app/inspect/inspector.js';
import { inspectMetrics } from '../../admin/metrics/recording-metrics.js';
import { ENDED } from '../../workers/messages.js';
import { inspectorOf } from './inspector.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { complain, createLog } from '../output/log.js';
import { hasColor } from '../output/style.js';
import { readAgain } from '../read-again.js';
import { EXIT_MS, Ending } from './ending.js';
import { tellReady } from './run-server.js';
import { startFailure } from './start-failure.js';

/** Beyond what a worker takes by its own deadlines it has so long to be gone, in milliseconds. */
const GRACE_MS = 2000;

/** What workers are started with. */
export interface WorkersStart {
  readonly workers: number;
  readonly loaded: Loaded;
  readonly flags: Flags;
  /** The configuration file; null without one. */
  readonly configText: string | null;
}

/** Runs the workers until they are told to stop. @returns the exit status */
export async function serveWorkers(
  { workers, loaded, flags, configText }: WorkersStart,
  io: Io,
  log: Logger,
): Promise<number> {
  const { settings } = loaded;
  const ticketKeys = newTicketKeys();
  // It binds the Unix sockets at any time, and makes no other files: nobody else may connect before a socket has its mode.
  const umask = settings.unixMode === null ? null : process.umask(OWNER_ONLY);
  const passed = passedSockets(io);
  const primary = new Primary({
    workers,
    hasPassedSockets: settings.listen.some(({ kind }) => kind === 'systemd'),
    order: {
      flags,
      configText,
      ticketKeys: ticketKeys.toString('base64'),
      umask,
      isTTY: io.stderr.isTTY === true,
      isStyled: hasColor(io.stderr, io.env),
    },
    readConfig: () => readConfig(settings.config, io),
    startWorker: clusterWorkers(settings.listen.length + passed.length, settings.inspect !== null),
    stopMs: settings.drainDelay + settings.drainTimeout + EXIT_MS + GRACE_MS,
    stopNowMs: EXIT_MS + GRACE_MS,
    log,
    write: (lines) => io.stderr.write(lines),
  });
  const own = new LocalSource([], [logMetrics(io.stderr)], version());
  const source = new WorkersSource(primary, own);
  const inspector = await inspectorOf({ loaded, flags, configText, workers }, io, log);
  const shown = inspector === null ? NOBODY : feedFrom(primary, inspector, own);
  const protection = await protectionOf(loaded, io, log, ticketKeys);
  const { tls } = protection;
  const admin = makeAdmin(settings, source, protection, log);
  const reload = async (): Promise<void> => {
    // What is wrong with it is said by the workers, which read it too.
    shown.reload();
    await Promise.allSettled([primary.reload(), tls?.watch.reload()]);
  };
  const exit = (code: number): void => {
    // Nobody else would end them at once.
    primary.kill();
    io.exit(code);
  };
  const ending = new Ending(primary, reload, { ...io, exit }, log);
  try {
    try {
      for (const address of settings.listen)
        if (address.kind === 'unix') await freeUnixPath(address.path);
      if (admin !== null) await source.start();
      await tls?.watch.start();
      await admin?.start();
      await ending.during(shown.start(), shown);
    } catch (error) {
      complain(io, startFailure(error), settings.logFormat);
      return ExitCode.Failure;
    }
    const failure = await runToEnd(primary, io, log);
    if (failure === null) return ending.exitCode;
    if (failure.sentence !== '') complain(io, failure.sentence, settings.logFormat);
    return failure.exitCode;
  } finally {
    await shown.close();
    await admin?.close();
    tls?.watch.stop();
    source.stop();
    ending.release();
    if (umask !== null) process.umask(umask);
  }
}

/** What is started, read again and ended together with the primary. */
type Lifecycle = Pick<Inspector, 'start' | 'reload' | 'close'>;

/** In place of an inspector. */
const NOBODY: Lifecycle = {
  start: () => Promise.resolve(),
  reload: () => undefined,
  close: () => Promise.resolve(),
};

/** How long a worker may take to end a session, in milliseconds. */
const END_MS = 2000;

/** The inspector gets the records of all workers, and a session is ended by whoever has it. */
function feedFrom(primary: Primary, inspector: Viewer, own: LocalSource): Lifecycle {
  own.add(inspectMetrics(inspector));
  primary.onRecords = (batch) => {
    inspector.feed.take(batch);
  };
  const { onDeath } = primary;
  primary.onDeath = (worker) => {
    onDeath(worker);
    if (!primary.isStopping) inspector.feed.take(deathOf(worker));
  };
  inspector.onEnd = async (session, code, reason) => {
    const replies = await primary.ask({ what: 'end', session, code, reason }, END_MS);
    const values = replies.map(({ value }) => value);
    // One of them has it, and the others do not know it.
    return values.includes(ENDED) ? null : 'this session is not open any more';
  };
  return inspector;
}

/** The sessions of a worker are over that has died. */
function deathOf(worker: number): Batch {
  const t = Date.now() / 1000;
  const line = lineOf({ ev: 'gap', t, since: t, records: 0, error: 'worker-died', worker });
  return { chunks: [line], bytes: line.length, records: 1 };
}

/** @returns why the workers did not start, or ended; null after a stop that went well */
async function runToEnd(primary: Primary, io: Io, log: Logger): Promise<Failure | null> {
  const failure = await primary.start();
  if (failure !== null) return failure;
  await tellReady(io, log);
  return await primary.ended;
}

/** What protects the admin endpoint, as far as there is one: the same files as in the workers. */
async function protectionOf(
  { settings, values }: Loaded,
  io: Io,
  log: Logger,
  ticketKeys: Buffer,
): Promise<{ authenticator: Authenticator | null; tls: ServerTls | null }> {
  if (settings.admin === null) return { authenticator: null, tls: null };
  const logs = { log, clientLog: new ClientLines(log, settings.maxLogRate) };
  const authenticator = await makeAuthenticator(values, logs, []);
  const silent = createLog('silent', 'json', io.stderr);
  // Certificates that end soon, and the like, are a matter of the workers.
  const clientLog = new ClientLines(silent, 0);
  return { authenticator, tls: await readTls(values, silent, clientLog, ticketKeys) };
}

/** The workers all get the same text, and say themselves what is wrong with it. */
function readConfig(file: string | null, io: Pick<Io, 'readFile'>): ConfigFile {
  if (file === null) return { text: null, fault: null };
  try {
    return { text: readAgain(file, io), fault: null };
  } catch (error) {
    return { text: null, fault: (error as { readonly code: string }).code };
  }
}
