/**
 * Listens for signals from the first line of the program: main.ts imports it before anything else.
 * Otherwise nothing could end the first process of a container while it loads, which takes a tenth of a
 * second: the kernel delivers no signal to process 1 that it has no handler for.
 */
import { WORKER_VARIABLE } from '../workers/messages.js';
import { VIEWER_VARIABLE } from '../workers/viewer/viewer-messages.js';
import type { Signal } from './io.js';

/** SIGTERM first: it is what stops a container. */
const NUMBERS: Readonly<Record<Signal, number>> = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 };

/**
 * Whether this process is a worker. Its primary tells it when to stop: a terminal and systemd send their
 * signals to both of them.
 */
export const isWorker = process.env[WORKER_VARIABLE] !== undefined;
/** Whether it is that of an inspector, which ends when its server does. */
export const isViewer = process.env[VIEWER_VARIABLE] !== undefined;
// They are not for what a user's own module starts.
Reflect.deleteProperty(process.env, WORKER_VARIABLE);
Reflect.deleteProperty(process.env, VIEWER_VARIABLE);

/** The signals that nothing else listens for yet. */
const early = new Map<Signal, () => void>();

for (const name of Object.keys(NUMBERS) as Signal[]) {
  const end = (): void => {
    endBy(name);
  };
  early.set(name, end);
  process.on(name, end);
}

/**
 * Passes a signal on to a listener that knows what to do.
 * @returns a function that removes the listener
 */
export function onSignal(name: Signal, listener: () => void): () => void {
  process.on(name, listener);
  leave(name);
  return () => process.off(name, listener);
}

/** There is no server yet, so nothing has to be stopped with care. */
function endBy(name: Signal): void {
  if (isWorker || isViewer) return;
  if (process.argv[2] === 'serve') {
    // Without a terminal the signal asks to reopen files, and none is open.
    if (name === 'SIGHUP' && !process.stderr.isTTY) return;
    if (name !== 'SIGHUP') process.exit(0);
  }
  leave(name);
  process.kill(process.pid, name);
  // Process 1 survives that.
  process.exit(128 + NUMBERS[name]);
}

function leave(name: Signal): void {
  const end = early.get(name);
  if (end !== undefined) process.off(name, end);
  early.delete(name);
}
