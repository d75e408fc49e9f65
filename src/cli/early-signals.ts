/**
 * Hears signals from the first line of the program on: main.ts imports it before anything else. As the
 * first process of a container nothing else would end it: the kernel keeps from process 1 every signal
 * that it has no handler for, and loading the rest takes a tenth of a second.
 */
import type { Signal } from './io.js';

const NUMBERS: Readonly<Record<Signal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** What still is heard here, since nobody else has asked for it. */
const early = new Map<Signal, () => void>();

for (const name of Object.keys(NUMBERS) as Signal[]) {
  const end = (): void => {
    endBy(name);
  };
  early.set(name, end);
  process.on(name, end);
}

/**
 * Gives a signal to somebody who knows what to do then.
 * @returns a function that removes the listener
 */
export function onSignal(name: Signal, listener: () => void): () => void {
  process.on(name, listener);
  leave(name);
  return () => process.off(name, listener);
}

/** There is no server yet, so there is nothing to be stopped with care. */
function endBy(name: Signal): void {
  if (process.argv[2] === 'serve') {
    // Who has no terminal is asked to open files anew, and none is open.
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
