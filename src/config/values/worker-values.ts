/** The type of value that a number of processes has. */
import { parsed } from './list-values.js';
import { type ValueType, withSchema } from './values.js';

/** Each takes some 45 MiB before it serves anybody. */
const MAX_WORKERS = 256;

const AUTO = 'auto';

/** How many processes: a whole number, or one for each processor. */
export function workerCount(): ValueType<number | 'auto'> {
  const clause = `give a whole number from 1 to ${MAX_WORKERS}, or auto`;
  const parse = (text: string): number | null => (/^[1-9]\d*$/.test(text) ? Number(text) : null);
  return withSchema<number | 'auto'>(
    {
      valueName: 'N',
      clause,
      typeText: `number | '${AUTO}'`,
      isRepeatable: false,
      shortcut: (given) => (given === AUTO ? AUTO : given === '1' ? 1 : undefined),
      fromText: (given) => given,
      toText: String,
      toJson: (value) => value,
    },
    (z) => {
      const text = parsed(z, parse, clause);
      const number = z.int(clause).min(1, clause).max(MAX_WORKERS, clause);
      return z.union([number, z.literal(AUTO, clause), text.pipe(number)], clause);
    },
  );
}
