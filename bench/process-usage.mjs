/** What the operating system says about a process: processor time and resident memory (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of `/proc/PID/stat` in a second: the same on every Linux a Node runs on. */
const TICK_NS = 1e9 / 100;

/**
 * Processor time of all threads that live, user and system, in nanoseconds. The scheduler counts to the nanosecond; a
 * kernel without its counters still has ticks of 10 ms.
 * @param {number} pid
 */
export function readCpuNs(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const [running = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(
        ' ',
      );
      return sum + Number(running);
    }, 0);
  } catch {
    // The second field is the command's name in parentheses and may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
  }
}

/**
 * Resident memory in bytes.
 * @param {number} pid
 */
export function readResidentBytes(pid) {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1]) * 1024;
}

/** How many files this process, and a process it starts, may have open. */
export function readOpenFilesLimit() {
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(
    readFileSync('/proc/self/limits', 'latin1'),
  );
  return match?.[1] === 'unlimited' ? Infinity : Number(match?.[1]);
}
