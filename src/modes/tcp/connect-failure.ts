/** What became of an attempt to connect, as the answer to the client and as a line of the log. */
import { formatHostAndPort } from '../../connection/host-and-port.js';
import { HandshakeError } from '../../errors.js';
import type { Target } from './target.js';

/** What Node tells of an error of the system, of a name or of TLS. */
interface Details extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  /** OpenSSL's own words, or those about a certificate's names. */
  readonly reason?: string;
}

/** The error of a socket whose time was over. */
export class ConnectTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

/**
 * The refusal of a handshake whose target could not be connected to. Its notes, for the log, name the
 * target and say why: `ECONNREFUSED 127.0.0.1:5900`.
 */
export function connectFailure(target: Target, cause: unknown): HandshakeError {
  if (cause instanceof HandshakeError) return cause;
  // One error for each address that the name has.
  const parts = (cause instanceof AggregateError ? cause.errors : [cause]) as Details[];
  const isLate = parts.every(({ code }) => code === 'ETIMEDOUT');
  const reason = parts.map(describe).join(', ');
  const failure = new HandshakeError(
    isLate ? 'target-timeout' : 'target-refused',
    {},
    { target: target.text, reason },
  );
  failure.cause = cause;
  return failure;
}

/** A target is at none of the addresses that may be connected to. */
export function notAllowed(
  target: Target,
  found: readonly { readonly address: string }[],
): HandshakeError {
  const addresses = found.map(({ address }) => address).join(', ');
  return new HandshakeError(
    'target-not-allowed',
    {},
    { target: target.text, reason: `not among the allowed addresses: ${addresses}` },
  );
}

function describe({ code, address, port, reason, message }: Details): string {
  if (code !== undefined && address !== undefined)
    return `${code} ${port === undefined ? address : formatHostAndPort(address, port)}`;
  // Newer versions of Node go on with advice on how to run Node.
  const [fault = ''] = message.split('; ', 1);
  const text = reason ?? fault;
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`;
}
