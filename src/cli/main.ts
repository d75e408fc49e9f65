/** The entry of the bundle, and with early-signals.ts the only place that touches `process`. */
// First, because it listens for signals while the rest is loaded.
import { isViewer, isWorker, onSignal } from './early-signals.js';
import { closeSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { ByteOutput } from './output/byte-output.js';
import { ExitCode } from './exit-code.js';
import type { Io } from './io.js';
import { StandardError } from './output/error-output.js';
import { type Parts, runCli } from './run-cli.js';
import { checkComposition } from '../app/compose.js';
import { runWorker } from './serve/run-worker.js';
import { serve } from './serve/serve.js';
import { PrimaryLink } from '../workers/primary-link.js';
import { StandardOutput } from './output/standard-output.js';
import { standardInput } from './standard-input.js';

// After a burst of connections V8 keeps a young generation of over 20 MiB: more than the connections
// themselves need. Messages hardly allocate, so a small one does as well: 10,000 idle connections cost a
// third less memory, and the time per message stays the same (bench/README.md).
setFlagsFromString('--semi-space-growth-factor=1');

// Node would open its debugger on the first, which lets others run code in here, and end on the second.
const UNUSED = ['SIGUSR1', 'SIGUSR2'] as const;
for (const signal of UNUSED) process.on(signal, () => undefined);

const bytes = new ByteOutput(process.stdout, 1);
const stdout = new StandardOutput(bytes, process.stdout.isTTY, process.stdout.columns);
const stderr = new StandardError(2, () => process.stderr);
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
let hasHungUp = false;

const io: Io = {
  self: process,
  argv: process.argv.slice(2),
  env: process.env,
  pid: process.pid,
  ppid: process.ppid,
  stdout,
  stderr,
  bytes,
  stdin: () => standardInput(process),
  readFile: (path) => readFileSync(path, 'utf8'),
  importFile,
  onSignal: (name, listener) =>
    onSignal(name, () => {
      hasHungUp ||= name === 'SIGHUP' && stderr.isTTY;
      listener();
    }),
  onUnusedSignal: (listener) => {
    for (const signal of UNUSED) process.on(signal, listener);
    return () => {
      for (const signal of UNUSED) process.off(signal, listener);
    };
  },
  onWarning: (listener) => {
    // Node's own listener would write, and wait for the reader.
    const others = process.listeners('warning');
    process.removeAllListeners('warning').on('warning', listener);
    return () => {
      process.off('warning', listener);
      for (const other of others) process.on('warning', other);
    };
  },
  onCrash: (listener) => {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
    return () => process.off('uncaughtException', listener).off('unhandledRejection', listener);
  },
  exit: (code) => process.exit(code),
};

// Writers through `bytes` are told there; a user's own module may write too.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && !bytes.isUsed) throw error;
});

process.on('exit', () => {
  stderr.finish();
  // Node 20 resets terminals when it ends, and aborts if one is gone (nodejs/node#51519); it ignores closed
  // ones.
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
});

async function run(): Promise<number> {
  if (isViewer) {
    const { runViewer } = await import('./view/run-viewer.js');
    return await runViewer(io, {
      send: (message) => process.send?.(message, undefined, undefined, () => undefined),
      onMessage: (listener) => process.on('message', listener),
    });
  }
  if (!isWorker) return await runCli(io, { serve, serveWorkers, check: checkComposition });
  const { clusterChannel } = await import('../workers/cluster-worker.js');
  const exit = (): void => {
    io.exit(ExitCode.Ok);
  };
  return await runWorker(io, new PrimaryLink(clusterChannel(), exit), serve);
}

/** Loaded only where there are workers: a server by itself knows nothing of node:cluster. */
async function serveWorkers(...given: Parameters<Parts['serveWorkers']>): Promise<number> {
  const loaded = await import('./serve/serve-workers.js');
  return await loaded.serveWorkers(...given);
}

void run().then(async (exitCode) => {
  process.exitCode = exitCode;
  const problem = await stdout.finish();
  if (problem !== null) {
    stderr.write(`twist: cannot write standard output: ${problem}\n`);
    if (exitCode === ExitCode.Ok) process.exitCode = ExitCode.Failure;
  }
  if (hasHungUp) {
    // The parent process sees what ended us, as without our graceful stop.
    stderr.finish();
    process.kill(process.pid, 'SIGHUP');
  }
  // What was written must still go out; but what a user's own module has left running, such as a
  // timer, is not waited for.
  process.stdout.write('', () => process.exit());
});

function importFile(path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      const error = new Error('it waits for something that never comes (top-level await)');
      // A stack in our own code does not lead to the line that waits.
      delete error.stack;
      reject(error);
    };
    // Nothing is left to do, and the module has not finished: Node would exit without a word.
    process.once('beforeExit', giveUp);
    void import(pathToFileURL(path).href)
      .finally(() => process.off('beforeExit', giveUp))
      .then(resolve, reject);
  });
}
