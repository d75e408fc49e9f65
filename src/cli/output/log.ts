import { createRequire } from 'node:module';
import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino';
import type * as pinoPretty from 'pino-pretty';
import type { Settings } from '../../config/settings.js';
import { printableJson } from '../../printable.js';
import { valueWithoutSecrets } from '../../handshake/redaction/secrets-in-text.js';
import type { Io, TextOutput } from '../io.js';
import { prettyMessage } from './pretty-message.js';

const require = createRequire(import.meta.url);

const FORMAT_FLAG = '--log-format';

/**
 * Makes the operational log. This is the only place that makes one, and it writes in this
 * thread: a worker could not be bundled, and would lose the last lines of a process that ends.
 * @param format `auto` is pretty on a terminal and JSON elsewhere
 * @param isStyled whether pretty lines have colors
 * @param bindings what stands in every line; null for nothing
 */
export function createLog(
  level: Settings['logLevel'],
  format: Settings['logFormat'],
  output: TextOutput,
  isStyled = false,
  bindings: object | null = null,
): Logger {
  const options = {
    level,
    base: bindings,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: publicError },
  };
  const isPretty = format === 'auto' ? output.isTTY === true : format === 'pretty';
  return pino(options, isPretty ? prettyOutput(output, isStyled) : jsonOutput(output));
}

/** Lines are read by people too, on a terminal: what a peer sent is not shown there as it is. */
function jsonOutput(output: TextOutput): { write: (line: string) => void } {
  return {
    write: (line) => {
      output.write(`${printableJson(line.trimEnd())}\n`);
    },
  };
}

/** An error as pino has it, without the secrets of URLs in its words: what fails likes to quote one. */
function publicError(error: Error): unknown {
  // It gives back what is no error as it is.
  const serialized: unknown = stdSerializers.err(error);
  if (typeof serialized !== 'object' || serialized === null) return valueWithoutSecrets(serialized);
  // A copy: of objects that have a class only the class knows what is in them.
  return valueWithoutSecrets(Object.fromEntries(Object.entries(serialized)));
}

function prettyOutput(output: TextOutput, isStyled: boolean): { write: (line: string) => void } {
  // Loaded here: a service writes JSON (docs/adr/0040-start.md).
  const { prettyFactory } = require('pino-pretty') as typeof pinoPretty;
  const prettify = prettyFactory({
    colorize: isStyled,
    customColors: 'message:reset',
    useOnlyCustomProps: false,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l o',
    customPrettifiers: { time: String },
    messageFormat: (log, messageKey) => prettyMessage(log, messageKey, isStyled),
    hideObject: true,
  });
  return {
    write: (line) => {
      output.write(prettify(line));
    },
  };
}

/**
 * Writes the sentence that the process ends with: as text, or as a line of the log if that is to be JSON.
 *
 * @param format null while the settings are unknown: the command line and the environment, which may be
 *   what is wrong, are searched for it
 */
export function complain(
  io: Pick<Io, 'argv' | 'env' | 'stderr'>,
  sentence: string,
  format: Settings['logFormat'] | null = null,
): void {
  // `auto` is about the log: the person who typed the command reads a sentence, also in a file.
  if ((format ?? askedFormat(io)) === 'json') createLog('fatal', 'json', io.stderr).fatal(sentence);
  else io.stderr.write(`twist: ${sentence}\n`);
}

function askedFormat({ argv, env }: Pick<Io, 'argv' | 'env'>): string | undefined {
  if (argv[0] !== 'serve') return undefined;
  let format = env['TWIST_LOG_FORMAT'];
  for (const [index, argument] of argv.entries()) {
    if (argument === FORMAT_FLAG) format = argv[index + 1];
    else if (argument.startsWith(`${FORMAT_FLAG}=`))
      format = argument.slice(FORMAT_FLAG.length + 1);
  }
  return format;
}
