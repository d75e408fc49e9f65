import { Option } from 'commander';
import { RECORD_KINDS } from '../../recording/convert/conditions.js';

/** The names of the formats, in the order of help; formats.ts has what makes them. */
export const FORMAT_NAMES = ['text', 'ndjson', 'har', 'pcapng', 'novnc'] as const;

/** The flags of `twist convert`, as they were given. */
export interface ConvertFlags {
  readonly to?: string;
  readonly out?: string;
  readonly follow?: boolean;
  readonly session?: string;
  readonly path?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly time?: string;
  readonly full?: boolean;
  readonly color?: string;
  readonly dir?: string;
  readonly kind?: string;
  readonly minSize?: string;
  readonly maxSize?: string;
  readonly text?: string;
  readonly grep?: string;
  readonly ignoreCase?: boolean;
  readonly legend?: boolean;
}

type Row = readonly [group: string, flags: string, help: string];

const ROWS: readonly Row[] = [
  ['Output', '--to <format>', `${formatNames()} [as --out ends, or text]`],
  ['Output', '-o, --out <file>', 'where to write, or - for standard output [-]'],
  ['Output', '--time <which>', 'clock, relative (to the first record) or delta [clock]'],
  ['Output', '--full', 'in text, whole payloads, of binary messages too'],
  ['Output', '--color <when>', 'auto, always or never [auto]'],
  ['Output', '--no-legend', 'with -f, do not say first what the columns and signs mean'],
  ['Input', '-f, --follow', 'read on as the newest file grows, and files that follow it'],
  ['Filters', '--session <id>', 'one session: its id, an end of it, or its number'],
  ['Filters', '--path <path>', 'sessions on this path; /chat* is every path that begins so'],
  ['Filters', '--since <time>', 'from a time (2026-01-31T12:00:00Z), or so long ago (10m)'],
  ['Filters', '--until <time>', 'until this time, given in the same way'],
  ['Filters', '--limit <number>', 'stop after this many messages'],
  ['Filters', '--dir <direction>', 'in: only what clients sent; out: only what they got'],
  ['Filters', '--kind <list>', `some of ${RECORD_KINDS.join(', ')}`],
  ['Filters', '--min-size <size>', 'payloads of this many bytes or more (64k)'],
  ['Filters', '--max-size <size>', 'payloads of this many bytes or less'],
  ['Filters', '--text <text>', 'payloads with this text in them'],
  ['Filters', '--grep <regexp>', 'payloads that match'],
  ['Filters', '-i, --ignore-case', 'in --text and --grep, capital letters match small ones'],
];

/** The options of `twist convert` for commander. */
export function convertOptions(): Option[] {
  return ROWS.map(([group, flags, help]) => new Option(flags, help).helpGroup(group));
}

/** The groups that they are shown in. */
export function optionGroups(): string[] {
  return [...new Set(ROWS.map(([group]) => group))];
}

/** `text, ndjson or har` */
export function formatNames(): string {
  return FORMAT_NAMES.join(', ').replace(/, (?=[^,]+$)/, ' or ');
}
