/** The entry of the bundle, and with early-signals.ts the only place that touches `process`. */
// First, because it hears signals while the rest is loaded.
import { onSignal } from './early-signals.js';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { ByteOutput } from './byte-output.js';
import type { Io } from './io.js';
import { openStandardError } from './log.js';
import { runCli } from './run-cli.js';
import { check, serve } from './serve.js';

// V8 answers a burst of connections with a young generation of over 20 MiB, which it keeps: more
// than the connections themselves need. Messages hardly allocate, so a small one serves as well: 10,000
// idle connections cost a third less memory, and the time per message stays the same (bench/README.md).
setFlagsFromString('--semi-space-growth-factor=1');

const bytes = new ByteOutput(process.stdout, 1);

const io: Io = {
  argv: process.argv.slice(2),
  env: process.env,
  stdout: process.stdout,
  stderr: openStandardError(process.stderr.isTTY),
  bytes,
  stdin: () => process.stdin,
  readFile: (path) => readFileSync(path, 'utf8'),
  importFile,
  onSignal,
  onCrash: (listener) => {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
    return () => process.off('uncaughtException', listener).off('unhandledRejection', listener);
  },
  exit: (code) => process.exit(code),
};

// `twist --help | head -1` leaves us with nobody to write to, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && !bytes.isUsed) throw error;
});

void runCli(io, { serve, check }).then((exitCode) => {
  process.exitCode = exitCode;
  // What was written must still go out; but nobody waits for what a user's own module has left
  // running, a timer for instance.
  process.stdout.write('', () => process.exit());
});

function importFile(path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      const error = new Error('it waits for something that never comes (top-level await)');
      // Where in our own code this was found out leads nobody to the line that waits.
      delete error.stack;
      reject(error);
    };
    // Nothing is left to be done, and the module has not ended: Node would leave without a word.
    process.once('beforeExit', giveUp);
    void import(pathToFileURL(path).href)
      .finally(() => process.off('beforeExit', giveUp))
      .then(resolve, reject);
  });
}
