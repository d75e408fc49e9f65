/** Names of files that change with the time: `traffic-%Y%m%d.ndjson`. */
/** A file's name, parts of which stand for the time, UTC. */
export interface FileNamePattern {
  /** No part stands for the time. */
  readonly isFixed: boolean;
  /** The pattern for this worker alone: with its number in place of `%w`. */
  readonly ownText: string;
  /** @param timeMs milliseconds since 1970 */
  format(timeMs: number): string;
}

/** Stands for the number of the worker that writes the file. */
const WORKER = 'w';

/** The supported letters of strftime (POSIX). */
const FIELDS: Readonly<Record<string, (time: Date) => string>> = {
  Y: (time) => digits(time.getUTCFullYear(), 4),
  m: (time) => digits(time.getUTCMonth() + 1, 2),
  d: (time) => digits(time.getUTCDate(), 2),
  H: (time) => digits(time.getUTCHours(), 2),
  M: (time) => digits(time.getUTCMinutes(), 2),
  S: (time) => digits(time.getUTCSeconds(), 2),
  j: (time) => digits(dayOfYear(time), 3),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
};

const DAY_MS = 86_400_000;

/**
 * Parses a file's name with `%Y %m %d %H %M %S` (date and time, UTC), `%j` (day of the year), `%s`
 * (seconds since 1970), `%w` (number of the worker) and `%%`.
 *
 * @param worker whose number `%w` stands for
 * @returns null if there is any other `%`, or a NUL, which no file name contains
 */
export function parseFileNamePattern(text: string, worker = 1): FileNamePattern | null {
  if (text.includes('\0')) return null;
  // The text before the first %, and the text after each one. A NUL stands for %% meanwhile.
  const [head, ...tails] = text.replaceAll('%%', '\0').split('%');
  const parts: (string | ((time: Date) => string))[] = [head!];
  let isFixed = true;
  for (const tail of tails) {
    const letter = tail.charAt(0);
    if (letter === WORKER) {
      parts.push(String(worker), tail.slice(1));
      continue;
    }
    const field = FIELDS[letter];
    if (field === undefined) return null;
    isFixed = false;
    parts.push(field, tail.slice(1));
  }
  const format = (timeMs: number): string => {
    const time = new Date(timeMs);
    const texts = parts.map((part) => (typeof part === 'string' ? part : part(time)));
    return texts.join('').replaceAll('\0', '%');
  };
  const ownText = text.replaceAll(/%(.)/gs, (found, letter: string) =>
    letter === WORKER ? String(worker) : found,
  );
  return { isFixed, ownText, format };
}

/** The number of digits of each letter; `s` and `w` have any number of them. */
const WIDTHS: Readonly<Record<string, string>> = {
  ...{ Y: '{4}', m: '{2}', d: '{2}', H: '{2}', M: '{2}', S: '{2}', j: '{3}', s: '+', w: '+' },
};

/**
 * @param text a pattern that can be parsed.
 * @returns the source of an expression for the names that it makes
 */
export function fileNameExpression(text: string): string {
  return text.replace(/%(.)|[\\^$.*+?()[\]{}|/-]/gs, (found, letter: string | undefined) => {
    if (letter === undefined) return `\\${found}`;
    return letter === '%' ? '%' : `\\d${WIDTHS[letter]!}`;
  });
}

/** A time in a form that sorts, for file names: `20261123T043105.123Z`. */
export function timeStamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:]/g, '');
}

function digits(number: number, width: number): string {
  return String(number).padStart(width, '0');
}

function dayOfYear(time: Date): number {
  return Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}
