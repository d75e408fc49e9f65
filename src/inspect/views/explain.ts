/** What close codes and broken rules mean, in sentences for people; the rules' own are those of `errors.ts`. */
import { ownBeginning } from '../own-beginning.js';
import {
  OVERLOAD_RULES,
  PAYLOAD_RULES,
  POLICY_RULES,
  PRESENCE_RULES,
  PROTOCOL_RULES,
  SIZE_RULES,
  type PeerRule,
} from '../../errors.js';
import { printable } from '../../printable.js';
import type { CloseRecord } from '../../recording/format/record.js';
import type { DropRule } from '../../session/session.js';
import type { SessionRow } from '../page-protocol.js';

/** RFC 6455 §7.4.1, and the registry of close codes at IANA. */
const CODES: Readonly<Record<number, string>> = {
  1000: 'The session is over as it should be: its purpose is fulfilled.',
  1001: 'One side goes away: the server stops or has heard nothing for too long, or the page was left.',
  1002: 'The other side broke a rule of the protocol.',
  1003: 'The other side sent a kind of data that cannot be taken, such as binary where only text is.',
  1004: 'A reserved code without a meaning.',
  1005: 'The Close had no code: the session is over, and nothing says why.',
  1006: 'The connection was lost without a Close.',
  1007: 'A message was not what its type says, such as a text that is not UTF-8.',
  1008: 'A message broke a rule that the receiver has set, or a limit was exceeded.',
  1009: 'A message was larger than the receiver takes.',
  1010: 'The client needs an extension that the server did not agree to.',
  1011: 'The server, or what is behind it, failed.',
  1012: 'The server restarts: come again.',
  1013: 'The server is overloaded: try again later.',
  1014: 'A gateway got a bad answer from the server behind it.',
  1015: 'The TLS handshake failed.',
  3000: 'The client is not authorized.',
  3003: 'The client may not do this.',
  3008: 'It took too long.',
};

/** The most characters of a reason: a Close has room for 123 bytes (RFC 6455 §5.5.1); other recordings may have more. */
const MAX_REASON = 500;

const CODE_SECTION = 'RFC 6455 §7.4.1';

/** Rules that end a connection at once; a peer has perhaps not read why. */
const DROPS: Readonly<Record<Exclude<DropRule, PeerRule>, string>> = {
  'close-timeout': 'the client did not answer the Close in time (RFC 6455 7.1.1)',
  shutdown: 'the server has stopped, and the client was still connected (RFC 6455 7.1.1)',
  'dropped-by-mode': 'the mode has ended the connection without a Close (RFC 6455 7.1.5)',
};

const RULES: ReadonlyMap<string, string> = new Map(
  [
    ...[PROTOCOL_RULES, PAYLOAD_RULES, POLICY_RULES, PRESENCE_RULES, SIZE_RULES, OVERLOAD_RULES],
    DROPS,
  ].flatMap((rules) => Object.entries(rules)),
);

/** `frame is masked (RFC 6455 5.1)`: what the sentence ends in. */
const SECTION = / \((RFC \d+) (\d[\d.]*)\)$/;

/** @returns a sentence on any close code */
export function codeSentence(code: number): string {
  const known = CODES[code];
  if (known !== undefined) return known;
  if (code >= 3000 && code <= 3999) return 'A code of a library or a framework; IANA may know it.';
  if (code >= 4000 && code <= 4999) return "The application's own code.";
  return 'A code that RFC 6455 gives no meaning.';
}

/** @returns the sentence of a rule, and the section that it comes from; null for a rule that nobody knows */
export function explainRule(rule: string): { sentence: string; section: string } | null {
  const text = RULES.get(rule);
  if (text === undefined) return null;
  const match = SECTION.exec(text);
  const sentence = match === null ? text : text.slice(0, match.index);
  // What is a limit of ours has the section that lets us close for it.
  const section = match === null ? CODE_SECTION : `${match[1]!} §${match[2]!}`;
  return { sentence: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`, section };
}

/** How a session ended, for its row. */
export function closeOf({
  t,
  by,
  code,
  reason,
  rule,
}: Pick<CloseRecord, 't' | 'by' | 'code' | 'reason' | 'rule'>): NonNullable<SessionRow['close']> {
  const why = rule === undefined ? null : explainRule(rule);
  return {
    t,
    by,
    code,
    reason: printable(ownBeginning(reason, MAX_REASON)),
    ...(rule === undefined ? {} : { rule: printable(ownBeginning(rule, MAX_REASON)) }),
    ...(why === null ? {} : { ruleSentence: why.sentence, ruleSection: why.section }),
    codeSentence: codeSentence(code),
  };
}
