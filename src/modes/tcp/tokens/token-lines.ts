/**
 * Parses the lines of a token file, written as websockify's: `token: host:port`, blank lines, and
 * comments that begin with `#`.
 */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Target } from '../../../net/socket-address.js';

/** Reads a target in the notation of the configuration; null if it is not one. */
export type ParseTarget = (text: string) => Target | null;

/** Why a line is rejected, or makes another line invalid; it never quotes the line. */
export interface LineFault {
  /** Counts from 1. */
  readonly line: number;
  readonly reason: string;
}

/** websockify requires white space after the colon, since a token may contain colons. */
const SEPARATOR = /:\s/;
const SEPARATOR_LENGTH = 2;

/** The most faults of one file that are listed; further ones are only counted. */
const MAX_FAULTS = 20;

/** The word for a Unix socket: websockify's, and ours. */
const UNIX_WORDS = ['unix_socket:', 'unix:'] as const;

/** This many lines are read before other work gets a turn. */
const LINES_PER_TURN = 1000;

/** The replacement for bytes that are not UTF-8: different bytes become the same character. */
const REPLACEMENT = '\uFFFD';

/**
 * Whether the text can be a token at all. As in websockify that is any text, with blanks, of any
 * script, and as long as a request line may be. Bytes that are not UTF-8 are excluded: one such token
 * would match another.
 */
export function isToken(text: string): boolean {
  return text !== '' && !text.includes(REPLACEMENT);
}

/** The key that tokens are compared by: the time of a comparison reveals nothing about the tokens. */
export function tokenKey(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/** What is wrong with a file: the first faults, and how many there are. */
interface LineFaults {
  readonly first: readonly LineFault[];
  readonly count: number;
}

/**
 * Adds the tokens of a file to `targets`, by their keys: {@link tokenKey}, unless `keyOf` makes others. As in websockify, the last line of
 * a token counts.
 */
export async function readTokenLines(
  text: string,
  parseTarget: ParseTarget,
  targets: Map<string, Target>,
  keyOf: (token: string) => string = tokenKey,
): Promise<LineFaults> {
  const first: LineFault[] = [];
  let count = 0;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    if (index % LINES_PER_TURN === LINES_PER_TURN - 1) await nextTurn();
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const reason = readLine(line, parseTarget, targets, keyOf);
    if (reason === null) continue;
    count += 1;
    if (first.length < MAX_FAULTS) first.push({ line: index + 1, reason });
  }
  return { first, count };
}

/** Returns what is wrong with the line, if anything. */
function readLine(
  line: string,
  parseTarget: ParseTarget,
  targets: Map<string, Target>,
  keyOf: (token: string) => string,
): string | null {
  const end = line.search(SEPARATOR);
  const written = line.slice(end + SEPARATOR_LENGTH);
  if (end === -1 || SEPARATOR.test(written)) return 'it is not "token: target"';
  const token = line.slice(0, end);
  if (!isToken(token)) return token === '' ? 'the token is empty' : 'the token is not UTF-8';
  const target = parseTarget(targetText(written.trim()));
  if (target === null) return 'the target is not host:port, tls://host:port or unix:PATH';
  const key = keyOf(token);
  const isRepeated = targets.has(key);
  targets.set(key, target);
  return isRepeated ? 'the token was there before: this line holds' : null;
}

/**
 * What websockify accepts beyond our own notation: its word for Unix sockets, and IPv6 without
 * brackets.
 */
function targetText(text: string): string {
  const [theirs, ours] = UNIX_WORDS;
  if (text.startsWith(theirs)) return ours + text.slice(theirs.length);
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(colon, 0));
  return isIPv6(host) ? `[${host}]${text.slice(colon)}` : text;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
