/** A worker: serves as it is ordered, and reports to its primary instead of to the terminal. */
import { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { MemoryAccount } from '../../budget/memory-account.js';
import { reloaded } from '../../app/reload/configuration.js';
import { type Loaded, load } from '../../config/load.js';
import type { Settings } from '../../config/settings.js';
import { readResources } from '../../app/resources/resources.js';
import { ConfigError } from '../../errors.js';
import type { Log } from '../../log.js';
import { numberSessionsFrom } from '../../session/server-session.js';
import { FEED_DESCRIPTOR, type WorkerOrder } from '../../workers/messages.js';
import { WorkerFeed } from '../../workers/viewer/worker-feed.js';
import { workersOf } from '../../workers/processors.js';
import type { PrimaryLink } from '../../workers/primary-link.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { failed, openLog } from './run-server.js';
import type { Membership, serve } from './serve.js';

/** Sessions of one process. The digits before tell its serial number: 3000000017 is the 17th of the third one. */
const SESSIONS_EACH = 1_000_000_000;

/**
 * Runs a worker until its primary ends it, or is gone.
 * @returns the exit status
 */
export async function runWorker(io: Io, link: PrimaryLink, run: typeof serve): Promise<ExitCode> {
  const order = await link.order;
  const fail = async (sentence: string, exitCode: ExitCode): Promise<ExitCode> => {
    await link.tell({ kind: 'failed', sentence, exitCode });
    return exitCode;
  };
  try {
    return await runOrdered(ioOf(order, io, link), order, link, run, fail);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return await fail(error.message, error.source === 'flag' ? ExitCode.Usage : ExitCode.Config);
  }
}

async function runOrdered(
  io: Io,
  order: WorkerOrder,
  link: PrimaryLink,
  run: typeof serve,
  fail: (sentence: string, exitCode: ExitCode) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { worker, serial, flags, configText, reloadedText, ticketKeys, isStyled } = order;
  if (order.umask !== null) process.umask(order.umask);
  // Its warnings were told by the primary.
  const readAll = (readFile: () => string): Loaded =>
    load({ flags, environment: io.env, readFile });
  // What cannot be changed in a running server is as it was when twist started.
  const first = readAll(() => configText!);
  const given = reloadedText === null ? first : reloaded(first, readAll(() => reloadedText).values);
  const loaded = { ...given, settings: shareOf(given.settings) };
  const log = openLog(loaded, io, isStyled, { worker });
  numberSessionsFrom(serial * SESSIONS_EACH + 1);
  const failures: Promise<ExitCode>[] = [];
  const membership: Membership = {
    group: {
      worker,
      reloadLog: reloadLog(log, link),
      reserve: (network, limits, isHandshake) => link.places.reserve(network, limits, isHandshake),
      release: (network) => {
        link.places.release(network);
      },
      listening: (lines) => {
        void link.tell({ kind: 'listening', lines });
      },
    },
    watch: (source) => {
      link.watch(source);
    },
    failed: (sentence) => {
      failures.push(fail(sentence, ExitCode.Failure));
    },
  };
  try {
    // A module of the user's that waits for ever is found when there is nothing else to do.
    link.setNeeded(false);
    const resources = await readResources(
      loaded,
      io,
      log,
      undefined,
      Buffer.from(ticketKeys, 'base64'),
    );
    link.setNeeded(true);
    const inspector = loaded.settings.inspect === null ? null : feedOf(link, resources.memory);
    const exitCode = await run(
      resources,
      io,
      log,
      () => readAll(() => link.readConfig()),
      membership,
      inspector,
    );
    await Promise.all(failures);
    return exitCode;
  } catch (error) {
    return failed(error, log);
  }
}

/** The primary has the page. */
function feedOf(link: PrimaryLink, memory: MemoryAccount): WorkerFeed {
  const inspector = new WorkerFeed(new Socket({ fd: FEED_DESCRIPTOR, readable: false }), memory);
  link.onEnd = (...asked) => inspector.onEnd(...asked);
  return inspector;
}

/** All workers together have a rate, and a size of the recording: each gets its part of it. */
function shareOf(settings: Settings): Settings {
  const { maxLogRate, recordMaxTotal } = settings;
  const workers = workersOf(settings.workers);
  return {
    ...settings,
    maxLogRate: maxLogRate && Math.max(1, maxLogRate / workers),
    recordMaxTotal: Math.floor(recordMaxTotal / workers),
  };
}

/** What came of a reload goes to the primary; a defect of ours is told here as well. */
function reloadLog(log: Logger, link: PrimaryLink): Pick<Log, 'info' | 'error'> {
  return {
    info: (_fields, message) => {
      link.reloaded({ isWell: true, message });
    },
    error: (fields, message) => {
      if ('err' in fields) log.error(fields, message);
      link.reloaded({ isWell: false, message });
    },
  };
}

/** The process as its worker sees it: signals come from the primary, and lines of the log go there. */
function ioOf({ isTTY }: WorkerOrder, io: Io, link: PrimaryLink): Io {
  const { stderr } = io;
  return {
    ...io,
    stderr: {
      isTTY,
      write: (text) => stderr.write(text),
      get lostLines() {
        return stderr.lostLines;
      },
      doNotWait: (tellLost) => {
        stderr.doNotWait(tellLost);
      },
    },
    onSignal: (name, listener) => link.onSignal(name, listener),
  };
}
