/** What the flags of `twist convert` ask for. */
import { parseDuration, parseSize } from '../../config/values/units.js';
import { ConfigError } from '../../errors.js';
import {
  RECORD_KINDS,
  type RecordKind,
  literalExpression,
} from '../../recording/convert/conditions.js';
import type { FilterOptions } from '../../recording/convert/filter.js';
import type { TextTimes } from '../../recording/convert/text/text.js';
import type { Direction } from '../../recording/format/record.js';
import { FORMATS, TEXT_FORMAT, type Format } from './formats.js';
import { formatNames, type ConvertFlags } from './options.js';

export interface ConvertRequest {
  /** Paths; `-` is standard input. */
  readonly inputs: readonly string[];
  readonly format: Format;
  /** Null is standard output. */
  readonly out: string | null;
  /** The newest input is followed. */
  readonly isFollowing: boolean;
  /** What the columns and signs mean is said first, if somebody reads along on a terminal. */
  readonly hasLegend: boolean;
  /** These three are about text: whole payloads, times, colors. */
  readonly isFull: boolean;
  readonly times: TextTimes;
  readonly color: 'auto' | 'always' | 'never';
  /** Null: everything passes. */
  readonly filters: FilterOptions | null;
}

const STANDARD = '-';

/** A date, or date and time; UTC where no zone is named. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * @param nowMs what the clock says, in milliseconds since 1970
 * @param isTerminal whether standard output is one
 * @throws ConfigError whose message is one sentence when the command line is wrong
 */
export function convertRequest(
  inputs: readonly string[],
  flags: ConvertFlags,
  nowMs: number,
  isTerminal: boolean,
): ConvertRequest {
  if (inputs.length === 0) {
    throw wrong('name a recording, or - for standard input; see twist convert --help');
  }
  if (inputs.filter((input) => input === STANDARD).length > 1) {
    throw wrong('standard input (-) can only be read once');
  }
  const isFollowing = flags.follow === true;
  if (isFollowing && inputs.at(-1) === STANDARD) {
    throw wrong('--follow needs a file: standard input is read until it ends anyway');
  }
  const out = flags.out === undefined || flags.out === STANDARD ? null : flags.out;
  if (out === '') throw refusal('--out', '', 'give the path of a file, or -');
  const format = formatOf(flags.to, out);
  if (format.isBinary && out === null && isTerminal) {
    throw wrong(`${format.name} is not for a terminal: give --out FILE`);
  }
  return {
    inputs,
    format,
    out,
    isFollowing,
    hasLegend: flags.legend !== false,
    isFull: flags.full === true,
    times: oneOf('--time', flags.time, ['clock', 'relative', 'delta']),
    color: oneOf('--color', flags.color, ['auto', 'always', 'never']),
    filters: filtersOf(flags, nowMs),
  };
}

/** @param words what can be given; the first one is what it is otherwise */
function oneOf<Word extends string>(
  flag: string,
  given: string | undefined,
  words: readonly [Word, Word, Word],
): Word {
  if (given === undefined) return words[0];
  const found = words.find((word) => word === given);
  if (found === undefined)
    throw refusal(flag, given, `give ${words[0]}, ${words[1]} or ${words[2]}`);
  return found;
}

function formatOf(to: string | undefined, out: string | null): Format {
  if (to !== undefined) {
    const named = FORMATS.find(({ name }) => name === to);
    if (named === undefined) throw refusal('--to', to, `give ${formatNames()}`);
    return named;
  }
  if (out === null) return TEXT_FORMAT;
  const name = out.toLowerCase();
  const found = FORMATS.find(({ extensions }) => extensions.some((end) => name.endsWith(end)));
  if (found !== undefined) return found;
  if (/\.[^./]+$/.test(name))
    throw refusal('--out', out, `its ending tells no format; give --to ${formatNames()}`);
  return TEXT_FORMAT;
}

function filtersOf(flags: ConvertFlags, nowMs: number): FilterOptions | null {
  const { session, path, since, until, limit, dir, kind, minSize, maxSize, text, grep } = flags;
  const payload = payloadOf(text, grep, flags.ignoreCase === true);
  const given = [session, path, since, until, limit, dir, kind, minSize, maxSize, text, grep];
  if (given.every((flag) => flag === undefined)) return null;
  const minLength = minSize === undefined ? null : sizeOf('--min-size', minSize);
  const maxLength = maxSize === undefined ? null : sizeOf('--max-size', maxSize);
  if (minLength !== null && maxLength !== null && minLength > maxLength)
    throw refusal('--min-size', minSize!, `--max-size is ${maxSize!}, which is less`);
  return {
    session: session === undefined ? null : sessionOf(session),
    path: path === undefined ? null : pathOf(path),
    sinceTime: since === undefined ? null : timeOf('--since', since, nowMs),
    untilTime: until === undefined ? null : timeOf('--until', until, nowMs),
    maxMessages: limit === undefined ? null : limitOf(limit),
    direction: dir === undefined ? null : directionOf(dir),
    kinds: kind === undefined ? null : kindsOf(kind),
    minLength,
    maxLength,
    payload,
  };
}

/** What a payload has to match; null for anything. */
function payloadOf(
  text: string | undefined,
  grep: string | undefined,
  isCaseIgnored: boolean,
): RegExp | null {
  if (text !== undefined && grep !== undefined) throw wrong('give --text or --grep, not both');
  if (text !== undefined) {
    if (text === '') throw refusal('--text', '', 'give the text that messages have in them');
    return literalExpression(text, !isCaseIgnored);
  }
  if (grep !== undefined) return expressionOf(grep, isCaseIgnored ? 'i' : '');
  if (isCaseIgnored) throw wrong('--ignore-case needs --text or --grep');
  return null;
}

function kindsOf(text: string): ReadonlySet<RecordKind> {
  return new Set(
    text.split(',').map((word) => {
      const kind = RECORD_KINDS.find((one) => one === word.trim());
      if (kind === undefined)
        throw refusal('--kind', text, `give some of ${RECORD_KINDS.join(', ')}`);
      return kind;
    }),
  );
}

function sizeOf(flag: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes === null) throw refusal(flag, text, 'give a number of bytes, such as 125, 64k or 16m');
  return bytes;
}

function sessionOf(text: string): string {
  // As the text format and the log write numbers.
  const session = text.replace(/^#/, '');
  if (!/^[0-9A-Za-z]+$/.test(session)) {
    throw refusal('--session', text, 'give the id of a session, a part of it, or its number');
  }
  return session;
}

function pathOf(path: string): string {
  if (!/^(?:\/|\*$)[^?#]*$/.test(path)) {
    throw refusal('--path', path, 'give a path without query, such as /chat or /chat*');
  }
  return path;
}

function limitOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw refusal('--limit', text, 'give a whole number from 1 on');
  return Number(text);
}

function timeOf(flag: string, text: string, nowMs: number): number {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return (nowMs - agoMs) / 1000;
  const match = TIME.exec(text);
  const zone = match?.[1] === undefined && text.length > 10 ? 'Z' : '';
  const ms = match === null ? NaN : Date.parse(`${text.replace(' ', 'T')}${zone}`);
  if (Number.isNaN(ms)) {
    throw refusal(
      flag,
      text,
      'give a time such as 2026-01-31T12:00:00Z, or a duration such as 10m',
    );
  }
  return ms / 1000;
}

function directionOf(text: string): Direction {
  if (text !== 'in' && text !== 'out') throw refusal('--dir', text, 'give in or out');
  return text;
}

function expressionOf(text: string, flags: string): RegExp {
  try {
    return new RegExp(text, flags);
  } catch (error) {
    // `Invalid regular expression: /(/: Unterminated group`
    const why = (error as Error).message.replace(/^.*: /s, '').toLowerCase();
    throw refusal('--grep', text, `it is not a regular expression (${why})`);
  }
}

function refusal(flag: string, value: string, clause: string): ConfigError {
  return wrong(`${flag} cannot be ${JSON.stringify(value)}: ${clause}`);
}

function wrong(sentence: string): ConfigError {
  return new ConfigError(sentence, { source: 'flag' });
}
