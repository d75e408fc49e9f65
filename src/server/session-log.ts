/** One line at the end of each session, and one for each handshake that was refused. */
import { formatPeer, type PeerAddress } from '../net/socket-address.js';
import type { ClientCertificate } from '../net/tls-peer.js';
import type { Log } from '../log.js';
import { printable } from '../printable.js';
import type { Session, SessionSummary } from '../session/session.js';
import type { HandshakeError } from '../errors.js';
import type { Declined } from '../extensions/negotiation.js';
import { errorForLog, fieldsForLog } from '../foreign.js';
import { type Redaction, STRICT_REDACTION } from '../handshake/redaction/redaction.js';
import { textWithoutSecrets, valueWithoutSecrets } from '../handshake/redaction/secrets-in-text.js';

/** What the log itself writes into each line. */
const LINE_FIELDS: readonly string[] = ['level', 'time', 'msg'];

/**
 * Logs how a session went. A defect of our own is an error, all else is information.
 *
 * @param redaction hides what a client has told in confidence
 */
export function logSession(
  log: Log,
  summary: SessionSummary,
  redaction: Redaction = STRICT_REDACTION,
): void {
  const isDefect = summary.error instanceof Error;
  const who = {
    session: summary.id,
    peer: formatPeer(summary),
    path: redaction.path(summary.path),
    mode: summary.mode,
  };
  const fields = {
    ...who,
    ...publicNotes(summary.notes, redaction),
    // Once more: no note takes the place of a field.
    ...who,
    ...certificateFields(summary.clientCertificate),
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
      : isDefect
        ? { err: errorForLog(summary.error) }
        : { error: valueWithoutSecrets(summary.error) }),
  };
  if (isDefect) log.error(fields, 'session ended by an internal error');
  else log.info(fields, 'session ended');
}

/** A CA of the operator has signed it, but what it says may be odd all the same. */
function certificateFields(certificate: ClientCertificate | undefined): object {
  if (certificate === undefined) return {};
  const { subject, fingerprint } = certificate;
  return { clientCertificate: { subject: printable(subject), fingerprint } };
}

/** Logs what a mode or an extension threw when its session had its line already, or was to get none. */
export function logLateFailure(
  log: Log,
  session: Session,
  mode: string,
  error: Error,
  redaction: Redaction = STRICT_REDACTION,
): void {
  const fields = {
    session: session.id,
    peer: formatPeer(session),
    path: redaction.path(session.path),
    mode,
    err: errorForLog(error),
  };
  log.error(fields, 'failed after the end of a session');
}

/** Logs an extension that is not used. An offer that does not suit is everyday, the rest wants looking at. */
export function logDeclined(log: Log, session: number, { name, reason, why }: Declined): void {
  const fields = { session, extension: name, why, reason: textWithoutSecrets(reason) };
  if (why === 'offer') log.debug(fields, 'extension declined');
  else log.warn(fields, 'extension declined');
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
  log: Log,
  address: PeerAddress,
  error: HandshakeError,
  cause: unknown,
  redaction: Redaction = STRICT_REDACTION,
): void {
  const fields = {
    peer: formatPeer(address),
    status: error.status,
    rule: error.rule,
    ...publicNotes(error.notes, redaction),
  };
  if (error.rule === 'internal')
    log.error({ ...fields, err: errorForLog(cause) }, 'handshake failed by an internal error');
  // The fault is on this machine: its operator has to act.
  else if (error.rule === 'exhausted') log.warn(fields, `handshake refused: ${error.message}`);
  else log.info(fields, `handshake refused: ${error.message}`);
}
