/** Sizes, counts and times as people read them: short, with a space no browser breaks, and without a locale's surprises. */

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Keeps a number and its unit on one line. */
const SPACE = '\u00a0';

/** `17 B`, `4.2 KiB`, `128 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let index = 0;
  // What would be rounded to 1024 is one of the next unit.
  while (value >= 1023.5 && index < SIZES.length - 1) {
    value /= 1024;
    index++;
  }
  const isShort = index === 0 || value >= 99.95;
  return `${isShort ? value.toFixed(0) : trimmed(value.toFixed(1))}${SPACE}${SIZES[index]!}`;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 message`, `2 messages`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** Seconds as `480 µs`, `3.2 ms`, `1.25 s`, `4 min 20 s`, `3 h 5 min`, `2 d 4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds === 0) return `0${SPACE}s`;
  if (seconds < 0.000_999_5) return `${Math.round(seconds * 1e6)}${SPACE}µs`;
  if (seconds < 0.999_5) return `${threeDigits(seconds * 1e3)}${SPACE}ms`;
  if (seconds < 59.95) return `${threeDigits(seconds)}${SPACE}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return parts(whole, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return parts(minutes, 60, 'h', 'min');
  return parts(Math.round(seconds / 3600), 24, 'd', 'h');
}

function parts(value: number, size: number, large: string, small: string): string {
  const rest = value % size;
  const first = `${Math.floor(value / size)}${SPACE}${large}`;
  return rest === 0 ? first : `${first} ${rest}${SPACE}${small}`;
}

/** Of less than 1000, three digits at most. */
function threeDigits(value: number): string {
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return trimmed(value.toFixed(digits));
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** The time of day here, `14:03:09.482`, of seconds since 1970. */
export function formatClock(time: number, digits = 3): string {
  const micros = microsOf(time);
  const date = new Date(Math.floor(micros / 1000));
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const clock = [hours, minutes, seconds].map((part) => pad(part, 2)).join(':');
  if (digits === 0) return clock;
  return `${clock}.${pad(micros % 1e6, 6).slice(0, digits)}`;
}

/** The day and the time of day here, `2026-11-30 14:03:09.482`. */
export function formatMoment(time: number, digits = 3): string {
  const date = new Date(Math.floor(microsOf(time) / 1000));
  const day = [date.getMonth() + 1, date.getDate()].map((part) => pad(part, 2)).join('-');
  return `${pad(date.getFullYear(), 4)}-${day} ${formatClock(time, digits)}`;
}

/** Recordings have microseconds, and what a sum of seconds has beyond them is an error of rounding. */
function microsOf(time: number): number {
  return Math.round(time * 1e6);
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

/** Reads `512`, `10k`, `1.5 MiB`; null when it is none. */
export function parseBytes(text: string): number | null {
  const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)i?b?\s*$/i.exec(text) ?? [];
  if (digits === undefined) return null;
  const power = unit === '' ? 0 : 1 + 'kmg'.indexOf(unit.toLowerCase());
  const bytes = Math.round(Number(digits) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
