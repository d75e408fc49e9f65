/** What somebody has chosen to see, and the filter that the server gets for it. */
import type { RowFilter, RowKind } from '../../../src/inspect/page-protocol.js';
import { parseBytes } from '../../shared/model/units.js';

export const KIND_GROUPS = {
  text: ['text'],
  binary: ['binary'],
  pings: ['ping', 'pong'],
  events: ['open', 'close', 'end', 'target', 'gap', 'count'],
  frames: ['frame'],
} as const satisfies Readonly<Record<string, readonly RowKind[]>>;

export type KindGroup = keyof typeof KIND_GROUPS;

export const GROUPS = Object.keys(KIND_GROUPS) as KindGroup[];

/** Pings, and what is only of interest to few, are hidden at first. */
export const FIRST_GROUPS: readonly KindGroup[] = ['text', 'binary', 'events'];

export interface Choice {
  readonly direction: 'both' | 'in' | 'out';
  readonly groups: readonly KindGroup[];
  /** As they were typed. */
  readonly minSize: string;
  readonly maxSize: string;
  readonly text: string;
  readonly isPattern: boolean;
  readonly isCaseSensitive: boolean;
  readonly since: number | null;
  readonly until: number | null;
}

export const NO_CHOICE: Choice = {
  direction: 'both',
  groups: FIRST_GROUPS,
  minSize: '',
  maxSize: '',
  text: '',
  isPattern: false,
  isCaseSensitive: false,
  since: null,
  until: null,
};

export interface Filtered {
  readonly filter: RowFilter;
  /** What is wrong with an input, by its name; that input sets no condition. */
  readonly faults: Readonly<Partial<Record<'minSize' | 'maxSize' | 'text', string>>>;
}

export function filterOf(choice: Choice, session: string | null): Filtered {
  const { direction, groups, since, until } = choice;
  const sizes = sizesOf(choice);
  const text = textOf(choice);
  return {
    filter: {
      ...(session !== null && { session }),
      ...(direction !== 'both' && { direction }),
      ...(groups.length < GROUPS.length && { kinds: kindsOf(groups) }),
      ...sizes.filter,
      ...text.filter,
      ...(since !== null && { since }),
      ...(until !== null && { until }),
    },
    faults: { ...sizes.faults, ...text.faults },
  };
}

function sizesOf({ minSize, maxSize }: Choice): Filtered {
  const minLength = sizeOf(minSize);
  const maxLength = sizeOf(maxSize);
  // Whatever is compared with NaN is not greater.
  const isEmpty = minLength !== null && maxLength !== null && minLength > maxLength;
  const maxFault = isEmpty
    ? 'The largest size is less than the smallest one.'
    : sizeFault(maxSize, maxLength);
  const minFault = sizeFault(minSize, minLength);
  return {
    filter: {
      ...(minLength !== null && minFault === null && { minLength }),
      ...(maxLength !== null && maxFault === null && { maxLength }),
    },
    faults: {
      ...(minFault !== null && { minSize: minFault }),
      ...(maxFault !== null && { maxSize: maxFault }),
    },
  };
}

function textOf({ text, isPattern, isCaseSensitive }: Choice): Filtered {
  if (text === '') return { filter: {}, faults: {} };
  const fault = isPattern ? patternFault(text) : null;
  if (fault !== null) return { filter: {}, faults: { text: fault } };
  return { filter: { ...(isPattern ? { pattern: text } : { text }), isCaseSensitive }, faults: {} };
}

/** How many conditions differ from what is chosen at first. */
export function countConditions(choice: Choice): number {
  const { direction, groups, minSize, maxSize, text, since, until } = choice;
  const hasOtherGroups =
    groups.length !== FIRST_GROUPS.length || !FIRST_GROUPS.every((group) => groups.includes(group));
  return [
    direction !== 'both',
    hasOtherGroups,
    minSize !== '' || maxSize !== '',
    text !== '',
    since !== null || until !== null,
  ].filter(Boolean).length;
}

/** Null where nothing is to be matched or it cannot be one; a sentence says why. */
export function patternFault(pattern: string): string | null {
  try {
    new RegExp(pattern);
    return null;
  } catch (error) {
    return `This is no regular expression: ${String(error).replace(/^.*: /, '')}.`;
  }
}

function kindsOf(groups: readonly KindGroup[]): RowKind[] {
  return groups.flatMap((group) => [...KIND_GROUPS[group]]);
}

/** @returns null for none, NaN for what cannot be read */
function sizeOf(text: string): number | null {
  return text.trim() === '' ? null : (parseBytes(text) ?? NaN);
}

function sizeFault(text: string, size: number | null): string | null {
  return Number.isNaN(size) ? `“${text.trim()}” is no size; write 512, 10k or 1.5m.` : null;
}
