import { printable, printableJson } from '../../printable.js';
import { SESSION_KEYS, isEndedSession, sessionLine } from './session-line.js';
import { styled } from './style.js';

/** These are shown elsewhere in the line. */
const OWN_KEYS = ['level', 'time', 'msg'];

/** Values that read well without quotes. */
const PLAIN = /^[\w./:@%+,[\]-]+$/;

/**
 * The part of a log line that a person reads: the message, then `key=value` for each field; what is known of a session that
 * is over stands in columns, and the stack of an error goes below. Fields can hold what a peer sent, so control characters are escaped.
 * @param log one line of the log, parsed
 */
export function prettyMessage(
  log: Readonly<Record<string, unknown>>,
  messageKey: string,
  isStyled: boolean,
): string {
  const message = log[messageKey];
  // The level comes first: this aligns what follows, whatever the level is.
  let line = ' '.repeat(Math.max(0, 'error'.length - String(log['level']).length));
  if (typeof message === 'string') line += printable(message);
  const isSession = isEndedSession(log);
  if (isSession) line += `  ${sessionLine(log, isStyled)}`;
  let below = '';
  for (const [key, value] of Object.entries(log)) {
    if (OWN_KEYS.includes(key) || (isSession && SESSION_KEYS.includes(key))) continue;
    if (isError(value)) below += stack(value, isStyled);
    // Beside the columns it is small print.
    else if (isSession) line += styled('dim', ` ${printable(key)}=${shown(value)}`, isStyled);
    else line += ` ${styled('dim', `${printable(key)}=`, isStyled)}${shown(value)}`;
  }
  return line + below;
}

function shown(value: unknown): string {
  return typeof value === 'string' && PLAIN.test(value)
    ? value
    : printableJson(JSON.stringify(value));
}

/** An error as pino's serializer writes it. */
function isError(value: unknown): value is { readonly stack: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'stack' in value &&
    typeof value.stack === 'string'
  );
}

function stack(error: { readonly stack: string }, isStyled: boolean): string {
  const lines = error.stack.split('\n');
  return lines.map((line) => `\n${styled('dim', `  ${printable(line)}`, isStyled)}`).join('');
}
