import { ConfigError } from '../../errors.js';
import { systemReason } from '../../system-reason.js';

/** What the process was started for. */
const VERB = 'serve';

/**
 * The options that a server was started with, for whoever asks it beside it: Docker starts a health check with the
 * environment of the server, but not with its command line. An init or a shell's `exec` before the command is no matter.
 *
 * @param pid the number of its process
 * @param readFile see `Io`
 * @returns none if it was not started by `twist serve`
 * @throws {ConfigError} when there is no such process, which only Linux knows
 */
export function wordsOfServer(pid: string, readFile: (path: string) => string): readonly string[] {
  const refuse = (clause: string): ConfigError =>
    new ConfigError(`--pid cannot be ${JSON.stringify(pid)}: ${clause}`, { source: 'flag' });
  if (!/^[1-9]\d*$/.test(pid)) throw refuse('give the number of a process');
  let text: string;
  try {
    text = readFile(`/proc/${pid}/cmdline`);
  } catch (error) {
    throw refuse(systemReason(error, { ENOENT: 'there is no such process' }));
  }
  // Each word ends with a null byte.
  const words = text.split('\0').slice(0, -1);
  const verb = words.indexOf(VERB);
  return verb === -1 ? [] : words.slice(verb + 1);
}
