/** The type of value that a limit of memory has. */
import { formatSize } from './units.js';
import { type ValueType, size, withSchema } from './values.js';

const AUTO = 'auto';

/** A size of memory in bytes, or a share of what there is. */
export function sizeOrAuto(min: number, max: number): ValueType<number | 'auto'> {
  const bytes = size({ min, max });
  const clause = `give a size from ${formatSize(min)} to ${formatSize(max)}, such as 256m, or auto`;
  return withSchema<number | 'auto'>(
    {
      valueName: bytes.valueName,
      clause,
      typeText: `${bytes.typeText} | '${AUTO}'`,
      isRepeatable: bytes.isRepeatable,
      shortcut: (given) => (given === AUTO ? AUTO : bytes.shortcut(given)),
      fromText: (text) => bytes.fromText(text),
      toText: (value) => (value === AUTO ? AUTO : bytes.toText(value)),
      toJson: (value) => (value === AUTO ? AUTO : bytes.toJson(value)),
    },
    // Tried first: the other one would say of the word what a size must be.
    (z) => z.union([z.literal(AUTO), bytes.schema], clause),
  );
}
