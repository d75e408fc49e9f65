/**
 * Warns when the system will not let twist open as many connections as it may: beyond that limit
 * accepting fails without a word (EMFILE is reported nowhere in Node).
 */
import { optionName } from '../config/messages.js';
import type { ProvidedServerSettings } from '../config/settings.js';
import type { Files } from '../modes/built-in.js';

/** Descriptors that are needed beside connections: listeners, the log, the event loop. */
const RESERVED_FILES = 64;

const LIMITS_FILE = '/proc/self/limits';

/**
 * @param filesEach what a connection takes: a proxied one has a connection to its target too, and one
 *   that gets a recording has that open
 * @param manner how an option that stands at its default is named
 * @returns what to tell the operator, or null when all is well or nothing is known
 */
export function openFilesProblem(
  io: Pick<Files, 'readFile'>,
  maxConnections: ProvidedServerSettings['maxConnections'],
  filesEach: 1 | 2 = 1,
  manner: 'flag' | 'call' = 'flag',
): string | null {
  const limit = openFilesLimit(io);
  if (limit === null || maxConnections.value * filesEach + RESERVED_FILES <= limit) return null;
  const most = Math.max(1, Math.floor((limit - RESERVED_FILES) / filesEach));
  return (
    `${optionName('maxConnections', maxConnections, manner)} is ${maxConnections.value}, but this process may open only ${limit} files: ` +
    `raise the limit (ulimit -n, LimitNOFILE=) or lower the option to ${most}`
  );
}

/** The soft limit that Linux tells; null elsewhere and when there is none. */
function openFilesLimit(io: Pick<Files, 'readFile'>): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(io.readFile(LIMITS_FILE));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
