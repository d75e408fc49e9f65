/** The sentence with which the process ends: as text, or as a line of the log where that was asked to be JSON. */
import type { Settings } from '../config/settings.js';
import type { Io } from './io.js';
import { createLog } from './output/log.js';

const FLAG = '--log-format';

/**
 * Says what is wrong.
 *
 * @param format as far as the settings are known; without it the command line and the environment are
 *   looked at, which may be what is wrong
 */
export function complain(
  io: Pick<Io, 'argv' | 'env' | 'stderr'>,
  sentence: string,
  format: Settings['logFormat'] | null = null,
): void {
  // `auto` is for the log: whoever typed a command reads a sentence, into a file as well.
  if ((format ?? askedFormat(io)) === 'json') createLog('fatal', 'json', io.stderr).fatal(sentence);
  else io.stderr.write(`twist: ${sentence}\n`);
}

function askedFormat({ argv, env }: Pick<Io, 'argv' | 'env'>): string | undefined {
  if (argv[0] !== 'serve') return undefined;
  let format = env['TWIST_LOG_FORMAT'];
  for (const [index, argument] of argv.entries()) {
    if (argument === FLAG) format = argv[index + 1];
    else if (argument.startsWith(`${FLAG}=`)) format = argument.slice(FLAG.length + 1);
  }
  return format;
}
