/**
 * The lines of a token file, written as websockify's: `token: host:port`, blank lines, and comments
 * that begin with `#`.
 */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Target } from './target.js';

/** Reads a target as the configuration has it; null when it is none. */
export type ParseTarget = (text: string) => Target | null;

/** Why a line does not hold, or another one does not because of it; it never quotes the line. */
export interface LineFault {
  /** Counts from 1. */
  readonly line: number;
  readonly reason: string;
}

/** What websockify takes for a token and a URL can carry: visible ASCII characters, without white space. */
const TOKEN = /^[!-~]{1,128}$/;

/** websockify has at least one white space behind the colon, since a token may contain colons. */
const SEPARATOR = /:\s/;

/** websockify's word for a Unix socket, and ours. */
const UNIX_WORDS = ['unix_socket:', 'unix:'] as const;

/** So many lines are read before others have their turn. */
const LINES_PER_TURN = 1000;

/** Whether it can be a token at all. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** What tokens are compared by: how long it takes to compare two tells nothing of the tokens. */
export function tokenKey(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/**
 * Adds the tokens of a file to `targets`, by their {@link tokenKey}. As in websockify the last line of
 * a token holds.
 */
export async function readTokenLines(
  text: string,
  parseTarget: ParseTarget,
  targets: Map<string, Target>,
): Promise<LineFault[]> {
  const faults: LineFault[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    if (index % LINES_PER_TURN === LINES_PER_TURN - 1) await nextTurn();
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const reason = readLine(line, parseTarget, targets);
    if (reason !== null) faults.push({ line: index + 1, reason });
  }
  return faults;
}

/** Returns what is wrong with the line, if anything. */
function readLine(
  line: string,
  parseTarget: ParseTarget,
  targets: Map<string, Target>,
): string | null {
  const [token = '', written, ...rest] = line.split(SEPARATOR);
  if (written === undefined || rest.length > 0) return 'it is not "token: target"';
  if (!isToken(token)) return 'a token is 1 to 128 visible ASCII characters';
  const target = parseTarget(targetText(written.trim()));
  if (target === null) return 'the target is not host:port, tls://host:port or unix:PATH';
  const key = tokenKey(token);
  const isRepeated = targets.has(key);
  targets.set(key, target);
  return isRepeated ? 'the token was there before: this line holds' : null;
}

/** What websockify takes beyond our own notation: its word for Unix sockets, and IPv6 without brackets. */
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
