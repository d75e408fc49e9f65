/** The entry of the bundle, and the only place that touches `process`. */
import { readFileSync } from 'node:fs';
import type { Io } from './io.js';
import { openStandardError } from './log.js';
import { runCli } from './run-cli.js';
import { serve } from './serve.js';

const io: Io = {
  argv: process.argv.slice(2),
  env: process.env,
  stdout: process.stdout,
  stderr: openStandardError(process.stderr.isTTY),
  readFile: (path) => readFileSync(path, 'utf8'),
  onSignal: (name, listener) => {
    process.on(name, listener);
    return () => process.off(name, listener);
  },
  onCrash: (listener) => {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
    return () => process.off('uncaughtException', listener).off('unhandledRejection', listener);
  },
};

// `twist --help | head -1` leaves us with nobody to write to, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCli(io, { serve }).then((exitCode) => {
  // Not process.exit: what was written must still go out.
  process.exitCode = exitCode;
});
