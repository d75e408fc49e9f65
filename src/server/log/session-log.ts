/** One line at the end of each session, and one for each handshake that was refused. */
import { formatPeer, type PeerAddress } from '../../net/socket-address.js';
import type { ClientCertificate } from '../../net/tls-peer.js';
import type { ClientLog } from '../../log.js';
import { printable } from '../../printable.js';
import type { Session, SessionSummary } from '../../session/session.js';
import { HANDSHAKE_RULES, type HandshakeError } from '../../errors.js';
import type { Declined } from '../../extensions/negotiation.js';
import { errorForLog, fieldsForLog } from '../../foreign.js';
import { type Redaction, STRICT_REDACTION } from '../../handshake/redaction/redaction.js';
import {
  textWithoutSecrets,
  valueWithoutSecrets,
} from '../../handshake/redaction/secrets-in-text.js';

/** What the log itself writes into each line. */
const LINE_FIELDS: readonly string[] = ['level', 'time', 'msg'];

/**
 * Logs how a session went. A defect of our own is an error, all else is information.
 *
 * @param redaction hides what a client has told in confidence
 */
export function logSession(
  log: ClientLog,
  summary: SessionSummary,
  redaction: Redaction = STRICT_REDACTION,
): void {
  const { rule, remoteAddress } = summary;
  const fields = (): object => sessionFields(summary, redaction);
  if (summary.error instanceof Error)
    log.write('error', remoteAddress, 'session ended by an internal error', fields, rule);
  else log.write('info', remoteAddress, 'session ended', fields, rule);
}

function sessionFields(summary: SessionSummary, redaction: Redaction): object {
  const who = {
    session: summary.id,
    peer: formatPeer(summary),
    path: redaction.path(summary.path),
    mode: summary.mode,
  };
  return {
    ...who,
    ...publicNotes(summary.notes, redaction),
    // Once more: no note takes the place of a field.
    ...who,
    ...certificateFields(summary.clientCertificate),
    ...(summary.user === undefined ? {} : { user: printable(summary.user) }),
    ...(summary.subprotocol === null
      ? {}
      : { subprotocol: redaction.subprotocol(summary.subprotocol) }),
    ...(summary.extensions === null
      ? {}
      : {
          extensions: redaction.extensions(summary.extensions),
          extensionStats: summary.extensionStats,
        }),
    in: { messages: summary.messagesIn, bytes: summary.bytesIn },
    out: { messages: summary.messagesOut, bytes: summary.bytesOut },
    durationMs: summary.durationMs,
    closedBy: summary.closedBy,
    code: summary.closeCode,
    ...(summary.closeReason === ''
      ? {}
      : { reason: printable(textWithoutSecrets(summary.closeReason)) }),
    ...(summary.rule === null ? {} : { rule: summary.rule }),
    ...(summary.error === null
      ? {}
      : summary.error instanceof Error
        ? { err: errorForLog(summary.error) }
        : { error: valueWithoutSecrets(summary.error) }),
  };
}

/** A CA of the operator has signed it, but what it says may be odd all the same. */
function certificateFields(certificate: ClientCertificate | undefined): object {
  if (certificate === undefined) return {};
  const { subject, fingerprint } = certificate;
  return { clientCertificate: { subject: printable(subject), fingerprint } };
}

/** Logs what a mode or an extension threw when its session had its line already, or was to get none. */
export function logLateFailure(
  log: ClientLog,
  session: Session,
  mode: string,
  error: Error,
  redaction: Redaction = STRICT_REDACTION,
): void {
  const fields = (): object => ({
    session: session.id,
    peer: formatPeer(session),
    path: redaction.path(session.path),
    mode,
    err: errorForLog(error),
  });
  log.write('error', session.remoteAddress, 'failed after the end of a session', fields);
}

/** Logs an extension that is not used. An offer that does not suit is everyday, the rest wants looking at. */
export function logDeclined(
  log: ClientLog,
  { id, remoteAddress }: Pick<Session, 'id' | 'remoteAddress'>,
  { name, reason, why }: Declined,
): void {
  const fields = (): object => ({
    session: id,
    extension: name,
    why,
    reason: textWithoutSecrets(reason),
  });
  log.write(why === 'offer' ? 'debug' : 'warn', remoteAddress, 'extension declined', fields);
}

/**
 * What a mode or a refusal has to say, as plain values that take no place of what every line has; two of the
 * notes are what the client wrote into a header.
 */
function publicNotes(notes: unknown, redaction: Redaction): Readonly<Record<string, unknown>> {
  const shown = valueWithoutSecrets(fieldsForLog(notes)) as Record<string, unknown>;
  for (const name of LINE_FIELDS) Reflect.deleteProperty(shown, name);
  const { host, origin } = shown;
  if (typeof host === 'string') shown['host'] = redaction.header('host', host);
  if (typeof origin === 'string') shown['origin'] = redaction.origin(origin);
  return shown;
}

/** Logs a refused handshake. */
export function logRefusal(
  log: ClientLog,
  address: PeerAddress,
  error: HandshakeError,
  cause: unknown,
  redaction: Redaction = STRICT_REDACTION,
): void {
  const { rule, status } = error;
  // What the client is told may have something of its own in it.
  const [, text] = HANDSHAKE_RULES[rule];
  const fields = (): object => ({
    peer: formatPeer(address),
    status,
    rule,
    ...publicNotes(error.notes, redaction),
    ...(rule === 'internal' ? { err: errorForLog(cause) } : {}),
  });
  const { remoteAddress } = address;
  if (rule === 'internal')
    log.write('error', remoteAddress, 'handshake failed by an internal error', fields, rule);
  // The fault is on this machine: its operator has to act.
  else if (rule === 'exhausted')
    log.write('warn', remoteAddress, `handshake refused: ${text}`, fields, rule);
  else log.write('info', remoteAddress, `handshake refused: ${text}`, fields, rule);
}
