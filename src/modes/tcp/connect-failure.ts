/** What became of an attempt to connect, as the answer to the client and as a line of the log. */
import { isIPv4 } from 'node:net';
import { formatHostAndPort, type Target } from '../../net/socket-address.js';
import { HandshakeError, type HandshakeRule } from '../../errors.js';
import { NameError } from './names/name-resolver.js';

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
 * What errors of the system mean. All others say that the target refused: that of a Unix socket whose
 * backlog is full (EAGAIN) among them.
 */
const MEANINGS: Readonly<Record<string, HandshakeRule>> = {
  // It is ours: no descriptor, no memory, no place for a lookup.
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOBUFS: 'exhausted',
  ENOMEM: 'exhausted',
  EBUSY: 'exhausted',
  // A file's permissions, or a filter on this machine.
  EACCES: 'target-not-allowed',
  EPERM: 'target-not-allowed',
  ETIMEDOUT: 'target-timeout',
  ETIMEOUT: 'target-timeout',
  ENETUNREACH: 'target-unreachable',
  ENETDOWN: 'target-unreachable',
  EHOSTUNREACH: 'target-unreachable',
  EHOSTDOWN: 'target-unreachable',
  EAFNOSUPPORT: 'target-unreachable',
  EADDRNOTAVAIL: 'target-unreachable',
  // There is no such Unix socket.
  ENOENT: 'target-unreachable',
  ENOTDIR: 'target-unreachable',
};

/** Of several addresses one may be out of reach and another refuse. The first of these is told. */
const MOST_TELLING: readonly HandshakeRule[] = [
  'exhausted',
  'target-not-allowed',
  'target-refused',
  'target-timeout',
  'target-unreachable',
];

/**
 * The refusal of a handshake whose target could not be connected to. Its notes, for the log, name the
 * target and say why: `ECONNREFUSED 127.0.0.1:5900`.
 *
 * @param isInTls whether the connection was there, and TLS is what failed
 */
export function connectFailure(target: Target, cause: unknown, isInTls: boolean): HandshakeError {
  if (cause instanceof HandshakeError) return cause;
  // One error for each address that the name has.
  const parts = (cause instanceof AggregateError ? cause.errors : [cause]) as Details[];
  const reason = parts.map(describe).join(', ');
  const failure = new HandshakeError(ruleOf(parts, isInTls), {}, { target: target.text, reason });
  failure.cause = cause;
  return failure;
}

/** A target is at none of the addresses that may be connected to. */
export function notAllowed(target: Target, found: readonly string[]): HandshakeError {
  return new HandshakeError(
    'target-not-allowed',
    {},
    { target: target.text, reason: `not among the allowed addresses: ${found.join(', ')}` },
  );
}

function ruleOf(parts: readonly Details[], isInTls: boolean): HandshakeRule {
  if (parts.some((part) => part instanceof ConnectTimeoutError)) return 'target-timeout';
  if (isInTls) return 'target-tls';
  const rules = parts.map(meaningOf);
  return MOST_TELLING.find((rule) => rules.includes(rule)) ?? 'target-unknown';
}

function meaningOf(part: Details): HandshakeRule {
  const { code = '', address = '' } = part;
  if (part instanceof NameError) return code === 'ETIMEOUT' ? 'target-timeout' : 'target-unknown';
  // All ports for connections to it are in use. With IPv6 it is rather a machine that has none.
  if (code === 'EADDRNOTAVAIL' && isIPv4(address)) return 'exhausted';
  return MEANINGS[code] ?? 'target-refused';
}

function describe({ code, address, port, reason, message }: Details): string {
  if (code !== undefined && address !== undefined)
    return `${code} ${port === undefined ? address : formatHostAndPort(address, port)}`;
  // Newer versions of Node go on with advice on how to run Node.
  const [fault = ''] = message.split('; ', 1);
  const text = reason ?? fault;
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`;
}
