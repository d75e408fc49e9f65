import { configError, deepestFault, show, valueAt } from '../messages.js';
import type { Option } from '../options/option.js';
import type { Provided, Source } from '../settings.js';

/**
 * Reads a value that a flag or an environment variable gives.
 * @param name as the user wrote it: `--listen` or `TWIST_LISTEN`
 * @param given the JSON form of the value, not yet judged
 * @throws {ConfigError} when it is not allowed
 */
export function readTextValue(
  option: Option,
  name: string,
  given: unknown,
  source: Source,
): Provided {
  const result = option.kind.schema.safeParse(given);
  if (result.success) return { value: result.data, source, from: name };
  const { path, clause } = deepestFault(result.error.issues, given);
  // Each repeated flag holds one item; a variable holds them all.
  const verb = source !== 'flag' && path.length > 0 ? 'cannot contain' : 'cannot be';
  const shown = show(valueAt(given, path), option.isSecret);
  throw configError(`${name} ${verb} ${shown}: ${clause}`, source);
}
