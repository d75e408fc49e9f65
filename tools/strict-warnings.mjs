/**
 * A warning of Node's fails the test that is running: a file that nobody closes, listeners that pile up and the like
 * are faults, whoever makes them, and nobody reads what is printed between a thousand tests.
 */
import process from 'node:process';

/** A file handle that was left to the garbage collector. */
const LEFT_OPEN = 'DEP0137';

process.on('warning', (warning) => {
  const { name, code } = /** @type {Error & { code?: string }} */ (warning);
  // Those are about what Node itself will do, and come of tap's code as of ours.
  if (name === 'ExperimentalWarning') return;
  if (name === 'DeprecationWarning' && code !== LEFT_OPEN) return;
  throw warning;
});
