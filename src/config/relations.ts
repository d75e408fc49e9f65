import { configError, show } from './complaint.js';
import { environmentNameOf, flagOf } from './option.js';
import { OPTIONS } from './options.js';
import type { Provided, Source } from './settings.js';

/** The options that are looked at here. */
type RelatedKey = 'outputPause' | 'outputLimit' | 'maxRequestLine' | 'maxHeaderLine' | 'maxHead';

/** Options of which the first must not be above the second. */
const ORDERED: readonly (readonly [low: RelatedKey, high: RelatedKey])[] = [
  ['outputPause', 'outputLimit'],
  ['maxRequestLine', 'maxHead'],
  ['maxHeaderLine', 'maxHead'],
];

type Related = Readonly<Record<RelatedKey, Provided<number>>>;

const STRENGTH: Readonly<Record<Source, number>> = {
  flag: 3,
  environment: 2,
  file: 1,
  call: 1,
  default: 0,
};

/**
 * Checks what options have to do with each other.
 * @throws {ConfigError} that names both options and blames the one the user set last
 */
export function checkRelations(values: Related): void {
  for (const [low, high] of ORDERED) {
    if (values[low].value <= values[high].value) continue;
    const isLowToBlame = STRENGTH[values[low].source] > STRENGTH[values[high].source];
    const [blamed, other] = isLowToBlame ? [low, high] : [high, low];
    const { source } = values[blamed];
    const name = nameIn(blamed, values[blamed], source);
    const otherName = nameIn(other, values[other], source);
    const bound = `it must be at ${isLowToBlame ? 'most' : 'least'} ${otherName}, which is ${text(other, values)}`;
    const standing = values[other].source === 'default' ? ' by default' : '';
    throw configError(
      `${name} cannot be ${show(text(blamed, values))}: ${bound}${standing}`,
      source,
    );
  }
}

function text(key: RelatedKey, values: Related): string {
  return OPTIONS[key].kind.toText(values[key].value);
}

/** The option as the user wrote it; one that stands at its default, in the manner of the other one. */
function nameIn(key: string, { source, from }: Provided, other: Source): string {
  const manner = source === 'default' ? other : source;
  if (manner === 'flag') return flagOf(key);
  if (manner === 'environment') return environmentNameOf(key);
  return source === 'file' ? `${key} in ${from}` : key;
}
