/**
 * The text forms of sizes and durations, in one strict spelling each. Sizes are whole bytes, with
 * k, m and g as powers of 1024; durations always have a unit, because a bare number would leave it
 * to be guessed. There is no fraction, sign, blank or capital letter: what is not exact is refused.
 */

type Units = readonly (readonly [suffix: string, factor: number])[];

/** Largest first, so that formatting finds the shortest exact form. */
const SIZE_UNITS: Units = [
  ['g', 1024 ** 3],
  ['m', 1024 ** 2],
  ['k', 1024],
  ['', 1],
];

const DURATION_UNITS: Units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** What {@link parseSize} takes, for the JSON Schema. */
export const SIZE_PATTERN = /^(0|[1-9]\d*)[kmg]?$/;

/** What {@link parseDuration} takes, for the JSON Schema. */
export const DURATION_PATTERN = /^(0|[1-9]\d*)(ms|s|m|h)$/;

/** @returns bytes, or null when `text` is not a size such as `125`, `64k`, `16m` or `1g` */
export function parseSize(text: string): number | null {
  return parse(text, SIZE_UNITS);
}

/** @returns the shortest text that {@link parseSize} reads as exactly this many bytes */
export function formatSize(bytes: number): string {
  return format(bytes, SIZE_UNITS);
}

/** @returns milliseconds, or null when `text` is not a duration such as `500ms`, `30s`, `5m` or `2h` */
export function parseDuration(text: string): number | null {
  return parse(text, DURATION_UNITS);
}

/** @returns the shortest text that {@link parseDuration} reads as exactly this many milliseconds */
export function formatDuration(ms: number): string {
  return format(ms, DURATION_UNITS);
}

function parse(text: string, units: Units): number | null {
  const digits = /^(?:0|[1-9]\d*)/.exec(text)?.[0];
  if (digits === undefined) return null;
  const factor = new Map(units).get(text.slice(digits.length));
  return factor === undefined ? null : Number(digits) * factor;
}

function format(amount: number, units: Units): string {
  for (const [suffix, factor] of units) {
    if (amount >= factor && amount % factor === 0) return `${amount / factor}${suffix}`;
  }
  return `0${units === DURATION_UNITS ? 'ms' : ''}`;
}
