/**
 * How much memory this process may use: that of the machine, or less if a control group says so. A container has
 * one, and so has a systemd unit with `MemoryMax=`.
 *
 * A group holds its own limit and those of all groups above it, so each is looked at, as far as they can be seen. In
 * version 2 of control groups the file is `memory.max`, in version 1 `memory.limit_in_bytes` (cgroups(7)).
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** `auto`: a quarter, and no more than this. */
const AUTO_SHARE = 4;
const AUTO_MAX_BYTES = 512 * 1024 ** 2;

/** A mounted hierarchy of control groups that may limit memory. */
interface Hierarchy {
  /** Where it is mounted, and what of it: `/` for all. */
  readonly mount: string;
  readonly root: string;
  /** The file that has the limit. */
  readonly file: string;
  /** The group of this process. */
  readonly group: string;
}

/** The limit in bytes that a setting of `maxMemory` means. */
export function memoryLimit(setting: number | 'auto', available = availableMemory()): number {
  if (setting !== 'auto') return setting;
  return Math.min(Math.floor(available / AUTO_SHARE), AUTO_MAX_BYTES);
}

/**
 * @param root where the file systems of the kernel are; another one in tests
 * @returns bytes
 */
export function availableMemory(root = '/', machineBytes = os.totalmem()): number {
  const limits = hierarchiesIn(root).flatMap((hierarchy) => limitsOf(root, hierarchy));
  return Math.min(machineBytes, ...limits);
}

/** All limits from the group of this process up to the root of what is mounted. */
function limitsOf(root: string, { mount, root: mounted, file, group }: Hierarchy): number[] {
  const limits: number[] = [];
  const inside = path.posix.relative(mounted, group);
  // A group outside of what is mounted cannot be looked at; what is mounted holds for it all the same.
  let at = inside.startsWith('..') ? '' : inside;
  for (;;) {
    const bytes = parseLimit(readText(`${root}${mount}/${at}/${file}`));
    if (bytes !== null) limits.push(bytes);
    if (at === '' || at === '.') return limits;
    at = path.posix.dirname(at);
  }
}

/** `max`, or no file, is none; and 0 is no limit that a process could live with. */
function parseLimit(text: string): number | null {
  const bytes = Number.parseInt(text, 10);
  return bytes > 0 ? bytes : null;
}

function hierarchiesIn(root: string): Hierarchy[] {
  const groups = readText(`${root}/proc/self/cgroup`).split('\n');
  const unified = groupOf(groups, (id) => id === '0');
  const old = groupOf(groups, (_id, controllers) => controllers.includes('memory'));
  const found: Hierarchy[] = [];
  for (const line of readText(`${root}/proc/self/mountinfo`).split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , mounted = '/', mount = '/'] = before.split(' ').map(unescaped);
    const [type = '', , options = ''] = after.split(' ');
    if (type === 'cgroup2' && unified !== null)
      found.push({ mount, root: mounted, file: 'memory.max', group: unified });
    else if (type === 'cgroup' && old !== null && options.split(',').includes('memory'))
      found.push({ mount, root: mounted, file: 'memory.limit_in_bytes', group: old });
  }
  return found;
}

/** A line is `ID:CONTROLLERS:GROUP`; the group may have colons in its name. */
function groupOf(
  lines: readonly string[],
  isIt: (id: string, controllers: readonly string[]) => boolean,
): string | null {
  for (const line of lines) {
    const [id = '', controllers = '', ...group] = line.split(':');
    if (group.length > 0 && isIt(id, controllers.split(','))) return group.join(':');
  }
  return null;
}

/** Blanks and backslashes in a path are octal there (proc_pid_mountinfo(5)). */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** @returns nothing for a file that is not there, as on other systems than Linux */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
