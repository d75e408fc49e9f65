/** The type of value that a number of processes has. */
import * as z from 'zod';
import { parsed } from './list-values.js';
import type { ValueType } from './values.js';

/** Each takes some 45 MiB before it serves anybody. */
const MAX_WORKERS = 256;

const AUTO = 'auto';

/** How many processes: a whole number, or one for each processor. */
export function workerCount(): ValueType<number | 'auto'> {
  const clause = `give a whole number from 1 to ${MAX_WORKERS}, or auto`;
  const text = parsed((given) => (/^[1-9]\d*$/.test(given) ? Number(given) : null), clause);
  const number = z.int(clause).min(1, clause).max(MAX_WORKERS, clause);
  return {
    valueName: 'N',
    clause,
    schema: z.union([number, z.literal(AUTO, clause), text.pipe(number)], clause),
    typeText: `number | '${AUTO}'`,
    isRepeatable: false,
    fromText: (given) => given,
    toText: String,
    toJson: (value) => value,
  };
}
