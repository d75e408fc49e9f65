/**
 * Sockets that systemd has opened before twist started, and passes on (sd_listen_fds(3)): clients that come while it
 * starts, or is restarted, wait instead of being refused, and it needs no right to a low port.
 */
import { ConfigError } from '../errors.js';
import { formatPassed } from './socket-address.js';

/** A socket that listens already. */
export interface PassedSocket {
  readonly kind: 'passed';
  /** Its file descriptor; in a worker, that of the primary. */
  readonly fd: number;
  /** The unit that it comes from, or what that calls it. */
  readonly name: string;
}

/** The first descriptor after those of input and output. */
const FIRST_FD = 3;

/** A process, which may have got sockets: its environment tells. */
export interface Receiver {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** The number of its parent. */
  readonly ppid: number;
}

/** @param isWorker whether the sockets are those of the primary, which is the parent process and has the same variables */
export function passedSockets({ env, pid, ppid }: Receiver, isWorker = false): PassedSocket[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' } = env;
  // A process that was started with these variables by another one has other descriptors.
  if (Number(LISTEN_PID) !== (isWorker ? ppid : pid)) return [];
  const names = LISTEN_FDNAMES.split(':');
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({
    kind: 'passed',
    fd: FIRST_FD + index,
    name: names[index] ?? '',
  }));
}

/**
 * @param name of those that are wanted; null for all
 * @throws ConfigError when there is none
 */
export function socketsNamed(
  passed: readonly PassedSocket[],
  name: string | null,
): readonly PassedSocket[] {
  const found = passed.filter((one) => name === null || one.name === name);
  if (found.length > 0) return found;
  const others = passed.map((one) => one.name).join(', ');
  throw new ConfigError(
    `cannot listen on ${formatPassed(name)}: ` +
      (others === ''
        ? 'systemd has passed no socket to this process; is the socket unit started?'
        : `systemd has passed no socket of that name, but ${others}`),
  );
}
