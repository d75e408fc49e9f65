/** What the operating system says about a process: processor time and resident memory (Linux). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

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
    const fields = readStat(pid);
    return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
  }
}

/**
 * Processor time of a process and all that it has started, in nanoseconds: of those that live, and in ticks of those
 * that have ended and were waited for. A proxy may have a process for each connection.
 * @param {number} pid
 */
export function readTreeCpuNs(pid) {
  const processes = readProcesses();
  const family = [pid];
  // It grows while it is walked, until the last one has no child.
  for (const parent of family)
    for (const each of processes) if (each.parent === parent) family.push(each.pid);
  return family.reduce((sum, member) => {
    const endedNs = processes.find((each) => each.pid === member)?.endedNs ?? 0;
    try {
      return sum + endedNs + readCpuNs(member);
    } catch {
      return sum + endedNs;
    }
  }, 0);
}

/** Every process: who started it, and what those took that it has waited for. */
function readProcesses() {
  /** @type {{ pid: number, parent: number, endedNs: number }[]} */
  const processes = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const fields = readStat(pid);
      const endedNs = (Number(fields[13]) + Number(fields[14])) * TICK_NS;
      processes.push({ pid, parent: Number(fields[1]), endedNs });
    } catch {
      // It has ended in the meantime.
    }
  }
  return processes;
}

/**
 * The fields of `/proc/PID/stat` from the third on. The second is the command's name in parentheses and may hold spaces.
 * @param {number} pid
 */
function readStat(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
}

/**
 * Resident memory in bytes.
 * @param {number} pid
 */
export function readResidentBytes(pid) {
  return readStatus(pid, /^VmRSS:\s+(\d+) kB$/m);
}

/**
 * The most resident memory since it started, or since `forgetPeak`.
 * @param {number} pid
 */
export function readPeakBytes(pid) {
  return readStatus(pid, /^VmHWM:\s+(\d+) kB$/m);
}

/**
 * The peak is counted from now on. Where the system does not allow that, it stays what it is.
 * @param {number} pid
 */
export function forgetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // It is then the peak since the start.
  }
}

/**
 * @param {number} pid
 * @param {RegExp} field
 */
function readStatus(pid, field) {
  return Number(field.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

/** How many files this process, and a process it starts, may have open. */
export function readOpenFilesLimit() {
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(
    readFileSync('/proc/self/limits', 'latin1'),
  );
  return match?.[1] === 'unlimited' ? Infinity : Number(match?.[1]);
}
