/** Which programs of the machine come before others. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

export const isRoot = process.getuid?.() === 0;

/** What programs that are started in a session of their own get; null leaves them alone. @type {number | null} */
let granted = null;

/**
 * Linux asks all that was started from a terminal as one. It is as before when this process ends.
 * @param {number} niceness of this process and those that it starts
 */
export function comeFirst(niceness) {
  if (!isRoot || !existsSync(autogroupOf('self'))) return;
  const before = /nice (-?\d+)/.exec(readFileSync(autogroupOf('self'), 'latin1'))?.[1] ?? '0';
  if (!setNiceness('self', niceness)) return;
  granted = niceness;
  process.once('exit', () => {
    setNiceness('self', Number(before));
  });
}

/**
 * A process in a session of its own is asked for itself.
 * @param {number} pid
 */
export function comeAlong(pid) {
  if (granted !== null) setNiceness(pid, granted);
}

/** @param {number | 'self'} pid */
function autogroupOf(pid) {
  return `/proc/${pid}/autogroup`;
}

/**
 * @param {number | 'self'} pid
 * @param {number} niceness
 */
function setNiceness(pid, niceness) {
  try {
    writeFileSync(autogroupOf(pid), String(niceness));
    return true;
  } catch {
    // Then others take their share.
    return false;
  }
}
