/** Connections to targets: TCP, TLS and Unix sockets. */
import { once } from 'node:events';
import { type OnReadOpts, type Socket, connect, isIP } from 'node:net';
import { type SecureContext, connect as connectTls, createSecureContext } from 'node:tls';
import type { Session } from '../../session/session.js';
import { AddressList } from '../../net/address-range.js';
import { connectToFirst } from './address-race.js';
import { ConnectTimeoutError, connectFailure, notAllowed } from './connect-failure.js';
import { NameResolver } from './names/name-resolver.js';
import type { TargetCounters } from './target-counters.js';
import { proxyHeader } from './proxy-header-writer.js';
import type { TargetConnector, TargetReceiver } from './tcp-mode.js';
import type { Target } from '../../net/socket-address.js';

/**
 * The most that one read brings. All targets share the one buffer, because each read is used up at
 * once. A larger buffer and its block no longer fit into the processor's cache together: for messages
 * of 1 MiB, 256 KiB took 1.4 times the processor time of a plain pipe, 64 KiB takes 0.9
 * (bench/README.md).
 */
const READ_BYTES = 64 * 1024;

/** The system counts the silence before a probe in seconds. */
const MIN_KEEPALIVE_MS = 1000;

/** How `tls://` targets are verified, and how we identify ourselves. PEM. */
export interface TargetTlsOptions {
  /** Authorities that replace those that Node knows. */
  readonly ca: string | Buffer | null;
  /** Our own certificate with its chain, and its key: both or neither. */
  readonly cert: string | Buffer | null;
  readonly key: string | Buffer | null;
  /** Accept any certificate. */
  readonly isInsecure: boolean;
  /** The name to ask for and to find in the certificate; null for the target's host. */
  readonly servername: string | null;
}

export interface TargetConnectorOptions {
  /** The time for lookup, connection, PROXY header and TLS handshake together, in milliseconds. */
  readonly connectMs: number;
  /** Silence before the system probes whether a target is still there, in milliseconds; 0 for never. */
  readonly keepAliveMs: number;
  /**
   * Ranges of addresses that may be connected to, each with its prefix length; empty or null allows
   * all.
   */
  readonly allow: readonly string[] | null;
  /** Version of the PROXY protocol header that is sent to targets; 0 for none. */
  readonly proxyProtocol: 0 | 1 | 2;
  readonly tls: TargetTlsOptions;
  /** Counts the attempts; by default nothing does. */
  readonly counters?: TargetCounters | undefined;
  /** Resolves names, once for each connection. */
  readonly names?: TargetNames;
}

/** Finds the addresses of names. */
export interface TargetNames {
  /**
   * Finds all addresses of a name.
   *
   * @param signal aborted when nobody waits for them any more
   */
  resolve(name: string, signal: AbortSignal): Promise<readonly string[]>;
}

type TlsTarget = Extract<Target, { kind: 'tcp' | 'tls' }>;

/** How far an attempt to connect has come. */
interface Attempt {
  /** What the attempt is waiting for, in words. */
  awaited: string;
  /** Aborted when the time is up, or when nobody waits for the connection any more. */
  readonly signal: AbortSignal;
  /** The outermost socket, once there is one; destroying it destroys all below. */
  socket: Socket | null;
}

const TLS_HANDSHAKE = 'TLS handshake';

export class NetTargetConnector implements TargetConnector {
  readonly #options: TargetConnectorOptions;
  readonly #names: TargetNames;
  readonly #allow: AddressList | null;
  readonly #bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Made at first use: without `ca` it loads the many authorities that Node knows. */
  #secureContext: SecureContext | null = null;

  /** @throws Error when a certificate or key cannot be used */
  constructor(options: TargetConnectorOptions) {
    this.#options = options;
    this.#names = options.names ?? new NameResolver();
    const { allow } = options;
    this.#allow = allow === null || allow.length === 0 ? null : new AddressList(allow);
    const { ca, cert, key } = options.tls;
    if ((ca ?? cert ?? key) !== null) this.#secureContext = makeSecureContext(options.tls);
  }

  async connect(
    target: Target,
    session: Session,
    receiver: TargetReceiver,
    signal: AbortSignal,
  ): Promise<Socket> {
    signal.throwIfAborted();
    const { connectMs, counters } = this.#options;
    const beganMs = performance.now();
    const stop = new AbortController();
    const attempt: Attempt = {
      awaited: 'address for its name',
      signal: stop.signal,
      socket: null,
    };
    const timer = setTimeout(() => {
      stop.abort(new ConnectTimeoutError(`no ${attempt.awaited} within ${connectMs} ms`));
    }, connectMs);
    const giveUp = (): void => {
      stop.abort(signal.reason);
    };
    signal.addEventListener('abort', giveUp);
    try {
      const socket = await this.#establish(attempt, target, session, receiver).finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      });
      counters?.connects.add(performance.now() - beganMs);
      return socket;
    } catch (error) {
      signal.throwIfAborted();
      const failure = connectFailure(target, error, attempt.awaited === TLS_HANDSHAKE);
      counters?.countFailure(failure.rule);
      throw failure;
    }
  }

  async #establish(
    attempt: Attempt,
    target: Target,
    session: Session,
    receiver: TargetReceiver,
  ): Promise<Socket> {
    const addresses = await this.#addressesOf(target, attempt.signal);
    attempt.awaited = 'connection';
    const connected = await connectToFirst(
      addresses,
      (address) => this.#open(target, address, receiver),
      attempt.signal,
    );
    attempt.socket = connected;
    const giveUp = (): void => {
      attempt.socket?.destroy(attempt.signal.reason as Error);
    };
    attempt.signal.addEventListener('abort', giveUp);
    try {
      return await this.#greet(attempt, connected, target, session, receiver).finally(() => {
        attempt.signal.removeEventListener('abort', giveUp);
      });
    } catch (error) {
      attempt.socket.destroy();
      throw error;
    }
  }

  /** Does everything that precedes the session's own bytes. */
  async #greet(
    attempt: Attempt,
    connected: Socket,
    target: Target,
    session: Session,
    receiver: TargetReceiver,
  ): Promise<Socket> {
    const { proxyProtocol } = this.#options;
    let socket = connected;
    if (proxyProtocol !== 0) await write(socket, proxyHeader(proxyProtocol, session));
    if (target.kind === 'tls') {
      attempt.awaited = TLS_HANDSHAKE;
      socket = this.#secure(socket, target, receiver);
      attempt.socket = socket;
      await once(socket, 'secureConnect');
    }
    // Another event may have come between an event and the code that awaits it. From here on none can:
    // the session takes the socket over in the same turn.
    if (socket.destroyed || socket.readableEnded)
      throw socket.errored ?? new Error('the target hung up');
    return socket;
  }

  /**
   * Finds where to connect to: addresses, or the path of a Unix socket. Addresses that are not allowed
   * are left out here, so exactly the addresses that were checked are connected to.
   */
  async #addressesOf(target: Target, signal: AbortSignal): Promise<readonly string[]> {
    if (target.kind === 'unix') return [target.path];
    const found =
      isIP(target.host) === 0 ? await this.#names.resolve(target.host, signal) : [target.host];
    const allow = this.#allow;
    if (allow === null) return found;
    const allowed = found.filter((address) => allow.has(address));
    if (allowed.length === 0) throw notAllowed(target, found);
    return allowed;
  }

  #open(target: Target, address: string, receiver: TargetReceiver): Socket {
    const { keepAliveMs } = this.#options;
    const options = {
      // Both are needed for the reason given in src/server/listener.ts.
      noDelay: true,
      highWaterMark: 1,
      allowHalfOpen: true,
      keepAlive: keepAliveMs > 0,
      keepAliveInitialDelay: Math.max(keepAliveMs, MIN_KEEPALIVE_MS),
      // Below TLS a read is not yet a read from the target.
      ...(target.kind === 'tls' ? {} : { onread: this.#onread(receiver) }),
    };
    const socket =
      target.kind === 'unix'
        ? connect({ ...options, path: address })
        : connect({ ...options, host: address, port: target.port });
    // Called before the socket is connected, so reading does not even begin.
    socket.pause();
    socket.on('error', ignore);
    return socket;
  }

  #onread(receiver: TargetReceiver): OnReadOpts {
    return {
      buffer: this.#bytes,
      callback: (count, bytes) => receiver.receive(bytes, count),
    };
  }

  #secure(socket: Socket, { host }: TlsTarget, receiver: TargetReceiver): Socket {
    const { isInsecure, servername } = this.#options.tls;
    const options = {
      socket,
      host,
      // An address must not be sent as a server name (RFC 6066 §3), but the certificate is checked for
      // it. The dot that ends a fully qualified name is not part of it either.
      servername: servername ?? (isIP(host) === 0 ? host.replace(/\.$/, '') : ''),
      secureContext: (this.#secureContext ??= makeSecureContext(this.#options.tls)),
      rejectUnauthorized: !isInsecure,
      highWaterMark: 1,
    };
    const secured = connectTls(options);
    // Bytes that follow the handshake directly wait in the stream. `onread` is for sockets without TLS.
    secured.pause();
    secured.on('data', (chunk: Buffer) => {
      if (!receiver.receive(chunk, chunk.length)) secured.pause();
    });
    secured.on('error', ignore);
    return secured;
  }
}

function makeSecureContext({ ca, cert, key }: TargetTlsOptions): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  });
}

/** For sockets that nobody waits for: an 'error' without a listener ends the process. */
function ignore(): void {
  // The code that waits for the socket learns of it in another way.
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
