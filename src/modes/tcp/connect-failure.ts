/** Turns a failed attempt to connect into the answer to the client and a line of the log. */
import { isIPv4 } from 'node:net';
import { formatHostAndPort, type Target } from '../../net/socket-address.js';
import { HandshakeError, type HandshakeRule } from '../../errors.js';
import { NameError } from './names/name-resolver.js';

/** What Node reports for an error of the system, of a name or of TLS. */
interface Details extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  /** OpenSSL's own words, or a message about the names in a certificate. */
  readonly reason?: string;
}

/** The error of a socket that ran out of time. */
export class ConnectTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

/**
 * What errors of the system mean. Any other error means that the target refused, including that of a
 * Unix socket whose backlog is full (EAGAIN).
 */
const MEANINGS: Readonly<Record<string, HandshakeRule>> = {
  // The fault is ours: no descriptor, no memory, no free place for a lookup.
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOBUFS: 'exhausted',
  ENOMEM: 'exhausted',
  EBUSY: 'exhausted',
  // Denied by a file's permissions, or by a filter on this machine.
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
  // The Unix socket does not exist.
  ENOENT: 'target-unreachable',
  ENOTDIR: 'target-unreachable',
};

/**
 * One address may be out of reach while another refuses. The first rule in this list is the one
 * reported.
 */
const MOST_TELLING: readonly HandshakeRule[] = [
  'exhausted',
  'target-not-allowed',
  'target-refused',
  'target-timeout',
  'target-unreachable',
];

/**
 * Makes the refusal of a handshake whose target could not be connected to. Its notes, for the log, name
 * the target and say why: `ECONNREFUSED 127.0.0.1:5900`.
 *
 * @param isInTls whether the connection was made, and TLS is what failed
 */
export function connectFailure(target: Target, cause: unknown, isInTls: boolean): HandshakeError {
  if (cause instanceof HandshakeError) return cause;
  // One error for each address of the name.
  const parts = (cause instanceof AggregateError ? cause.errors : [cause]) as Details[];
  const reason = parts.map(describe).join(', ');
  const failure = new HandshakeError(ruleOf(parts, isInTls), {}, { target: target.text, reason });
  failure.cause = cause;
  return failure;
}

/** The target has no address that may be connected to. */
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
  // All ports for connections to it are in use. With IPv6 the likelier cause is a machine without any
  // IPv6 address.
  if (code === 'EADDRNOTAVAIL' && isIPv4(address)) return 'exhausted';
  return MEANINGS[code] ?? 'target-refused';
}

function describe({ code, address, port, reason, message }: Details): string {
  if (code !== undefined && address !== undefined)
    return `${code} ${port === undefined ? address : formatHostAndPort(address, port)}`;
  // Newer versions of Node append advice on how to run Node.
  const [fault = ''] = message.split('; ', 1);
  const text = reason ?? fault;
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`;
}
