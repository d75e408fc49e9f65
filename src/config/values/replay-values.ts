/** Kinds of values that are about replaying a recording. */
import * as z from 'zod';
import type { Kind } from './values.js';

const OFF = 'off';

/** Beside 0. A smaller one would be written as `1e-7`. */
const MIN_FACTOR = 0.001;
const MAX_FACTOR = 1_000_000;

/** How much faster something is: a number, decimals allowed; 0 has a meaning of its own. */
export function factor(): Kind<number> {
  const clause = `give 0, or a number from ${MIN_FACTOR} to ${MAX_FACTOR} such as 0.5 or 10`;
  const text = z.string(clause).regex(/^(0|[1-9]\d*)(\.\d+)?$/, clause);
  return {
    valueName: 'FACTOR',
    clause,
    schema: z
      .union([z.number(clause), text], clause)
      .transform(Number)
      .refine((value) => value === 0 || (value >= MIN_FACTOR && value <= MAX_FACTOR), clause),
    typeText: 'number',
    isRepeatable: false,
    fromText: (given) => given,
    toText: String,
    toJson: (value) => value,
  };
}

/** Which session of a recording: an id, the beginning of one, or a number; `off` (null) for none. */
export function recordedSession(): Kind<string | null> {
  const clause = 'give the id of a session, the beginning of it or its number, or off';
  const text = z.string(clause).min(1, clause);
  return {
    valueName: 'SESSION',
    clause,
    schema: z
      .union([z.int(clause).min(1, clause), text], clause)
      .transform((given) => (given === OFF ? null : String(given))),
    typeText: 'string | number',
    isRepeatable: false,
    fromText: (given) => given,
    toText: (value) => value ?? OFF,
    toJson: (value) => value ?? OFF,
  };
}
