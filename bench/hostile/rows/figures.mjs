/** Figures that several rows have. */

/** @typedef {import('../measure.mjs').Figure} Figure */

const MIB = 1024 * 1024;

/**
 * The 99th percentile of the good client's round trips.
 * @param {number} goal in milliseconds
 * @returns {Figure}
 */
export function p99(goal) {
  return { what: 'p99', unit: 'ms', goal, isTime: true, read: ({ beside }) => beside.p99Ms };
}

/** Nothing of the good client is lost, wrong or refused. @type {Figure} */
export const NONE_FAILED = {
  what: 'failed',
  unit: '',
  goal: 0,
  read: ({ beside, isAlive }) => (isAlive ? beside.failed : Infinity),
};

/**
 * Resident memory above that before the attack.
 * @param {number} goal in MiB
 * @returns {Figure}
 */
export function memory(goal) {
  return {
    what: 'memory',
    unit: 'MiB',
    goal,
    read: ({ peakBytes, idleBytes }) => (peakBytes - idleBytes) / MIB,
  };
}

/** In MiB: what `--max-memory` is where the machine has enough. */
export const MAX_MEMORY_MIB = 512;
/** Resident memory may be so much of it. */
export const MEMORY_FACTOR = 1.5;

/** Whatever a row does, memory stays below what is promised. */
export const BOUNDED_MEMORY = memory(MEMORY_FACTOR * MAX_MEMORY_MIB);
