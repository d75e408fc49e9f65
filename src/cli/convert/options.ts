import { Option } from 'commander';

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
  readonly grep?: string;
}

type Row = readonly [group: string, flags: string, help: string];

const ROWS: readonly Row[] = [
  ['Output', '--to <format>', `${formatNames()} [from the name of the output, or text]`],
  ['Output', '-o, --out <file>', 'where to write, or - for standard output [-]'],
  [
    'Output',
    '--time <which>',
    'clock, relative (to the first record) or delta (since the message before) [clock]',
  ],
  ['Output', '--full', 'in text, whole payloads, also on a terminal and of binary messages'],
  ['Output', '--color <when>', 'auto, always or never [auto]'],
  [
    'Input',
    '-f, --follow',
    'keep reading as the newest file grows and others follow it: rotated ones, and those of a name with the time in it (as --record takes it)',
  ],
  ['Filters', '--session <id>', 'one session: its id, the beginning or end of it, or its number'],
  ['Filters', '--path <path>', 'sessions on this path; /chat* is every path that begins so'],
  ['Filters', '--since <time>', 'from this time on (2026-01-31T12:00:00Z), or this long ago (10m)'],
  ['Filters', '--until <time>', 'until this time, given in the same way'],
  ['Filters', '--limit <number>', 'stop after this many messages'],
  ['Filters', '--dir <direction>', 'in: only what clients sent; out: only what they got'],
  ['Filters', '--grep <regexp>', 'messages that match, with their sessions'],
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
