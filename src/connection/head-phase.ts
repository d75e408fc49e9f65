/** Reads the head of a request, and decides on it by what the operator has set. */
import { HANDSHAKE_RULES, HandshakeError, type HandshakeRule } from '../errors.js';
import { fieldsForLog, isInstance, memberOf } from '../foreign.js';
import { asClientSent, forwardedScheme } from '../handshake/forwarded.js';
import { checkHost } from '../handshake/host.js';
import type { HostPolicy, OriginPolicy, SubprotocolPolicy, Way } from '../handshake/policy.js';
import { ProxyHeaderParser } from '../handshake/proxy-protocol.js';
import {
  type UpgradeRequest,
  isHealthRequest,
  isOptionsRequest,
  parsePlainRequest,
  parseUpgradeRequest,
} from '../handshake/request.js';
import { type HeadLimits, type RequestHead, RequestHeadParser } from '../handshake/request-head.js';
import {
  healthResponse,
  optionsResponse,
  refusalResponse,
  upgradeResponse,
} from '../handshake/response.js';
import { checkOrigin, selectSubprotocol, type WebScheme } from '../handshake/upgrade.js';
import type { ServiceRequest } from '../http/tunnel.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { TlsPeer } from '../net/tls-peer.js';
import type { SessionRoute, SessionUpgrade } from '../session/session-host.js';
import type { Connection } from './connection.js';
import { type Arriving, type FirstHead, Phase } from './phase.js';

/** What serves a request, and on which terms. */
export interface Route extends SessionRoute {
  readonly origin: OriginPolicy;
}

/** How load balancers are told whether clients may be sent here. */
export interface HealthCheck {
  /** As `routePath` has it. */
  readonly path: string;
  /** @param asked by this connection, whose own place does not count */
  isReady(asked: { readonly isCounted: boolean }): boolean;
}

/** What decides on an opening handshake. */
export interface OpeningPolicy {
  readonly head: HeadLimits;
  readonly allowedHosts: HostPolicy;
  readonly subprotocol: SubprotocolPolicy;
  /** Where load balancers ask; without this, and with null, nowhere. */
  readonly health?: HealthCheck | null;
  /** Finds what serves a request. @throws HandshakeError when nothing does */
  findRoute(request: UpgradeRequest): Route;
  /**
   * Authenticates the client, where that is asked for, and finds a place for the connection. Nothing but the head's
   * credentials is looked at before.
   *
   * @param waiting its signal is aborted when the client does not wait any more
   * @returns whose password was right; null where none is asked for
   * @throws HandshakeError, or rejects with one, when the handshake is to be refused
   */
  authorize?(
    request: RequestHead,
    connection: Connection,
    waiting: { readonly signal: AbortSignal },
  ): string | null | PromiseLike<string | null>;
  /** Whether a connection from there must begin with a PROXY protocol header; without this, none does. */
  expectsProxyHeader?(peer: PeerAddress): boolean;
}

/**
 * Reads a request for a file or a page.
 *
 * @throws {HandshakeError} when the request is to be refused
 */
export function readPlain(
  { allowedHosts }: OpeningPolicy,
  head: RequestHead,
  way: Way,
  { tls }: Asker = ANYBODY,
): ServiceRequest {
  const request = parsePlainRequest(head);
  checkHost(allowedHosts, request.host, way);
  const scheme = schemeOf(head, way, tls !== null) ?? (tls === null ? 'http' : 'https');
  return { ...request, scheme, tls };
}

/**
 * By which scheme the client has come, where that is known: a proxy may have come by another one, and one that
 * we do not know of may have ended TLS before us.
 */
function schemeOf({ headers }: RequestHead, way: Way, isSecure: boolean): WebScheme | null {
  if (way === 'proxy') return forwardedScheme(headers);
  return isSecure ? 'https' : null;
}

/** What is known of a client, beside what it says. */
export interface Asker {
  /** Null for a client that has not come by TLS. */
  readonly tls: TlsPeer | null;
  /** Whose password was right; null where none is asked for. */
  readonly user: string | null;
}

const ANYBODY: Asker = { tls: null, user: null };

/**
 * Decides on an opening handshake, as far as that is not up to its mode.
 *
 * @returns what its mode may accept
 * @throws HandshakeError when the handshake is to be refused
 */
export function decideUpgrade(
  policy: OpeningPolicy,
  head: RequestHead,
  way: Way,
  { tls, user }: Asker = ANYBODY,
): SessionUpgrade {
  const parsed = parseUpgradeRequest(head);
  const asked: UpgradeRequest =
    tls === null && user === null
      ? parsed
      : {
          ...parsed,
          ...(tls === null ? {} : { scheme: 'wss', tls }),
          ...(user === null ? {} : { user }),
        };
  checkHost(policy.allowedHosts, asked.host, way);
  const request = way === 'proxy' ? asClientSent(asked) : asked;
  const found = policy.findRoute(request);
  const scheme = schemeOf(head, way, tls !== null);
  checkOrigin(found.origin, request, scheme);
  found.tap?.admit();
  const chosen = found.mode.choose?.(request, found.extensions) ?? null;
  const route = chosen === null ? found : { ...found, ...chosen };
  return {
    request,
    route,
    subprotocol: selectSubprotocol(
      policy.subprotocol,
      request.subprotocols,
      route.mode.unsupportedSubprotocols,
    ),
  };
}

export class HeadPhase extends Phase {
  readonly #arriving: Arriving;
  readonly #parser: RequestHeadParser;
  readonly #refusal: HandshakeError | null;
  /** Reads what comes before the head; null when that is complete, or none is due. */
  #proxyHeader: ProxyHeaderParser | null;
  /** The connection has had an answer before. */
  readonly #isFollowUp: boolean;
  #chargedBytes = 0;

  /** @param first null when the connection has had an answer before */
  constructor(connection: Connection, arriving: Arriving, first: FirstHead | null) {
    super(connection);
    this.#arriving = arriving;
    this.#parser = new RequestHeadParser(connection.host.opening.head);
    this.#refusal = first?.refusal ?? null;
    this.#proxyHeader = first?.hasProxyHeader === true ? new ProxyHeaderParser() : null;
    this.#isFollowUp = first === null;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    const { connection } = this;
    let next: number;
    try {
      const headStart = this.#receiveProxyHeader(bytes, start, end);
      if (headStart < 0) return;
      next = this.#parser.receive(bytes, headStart, end);
      if (this.#parser.head === null) {
        this.#charge(this.#parser.heldBytes);
        return;
      }
      this.#take(this.#parser.head);
    } catch (error) {
      // What a later phase throws is a defect of ours.
      if (!this.#refuse(this.#refusal ?? error)) throw error;
      return;
    }
    connection.passOn(bytes, next, end);
  }

  /** @returns where the head goes on, or -1: more is needed before it */
  #receiveProxyHeader(bytes: Uint8Array, start: number, end: number): number {
    if (this.#proxyHeader === null) return start;
    const next = this.connection.receiveProxyHeader(this.#proxyHeader, bytes, start, end);
    if (next >= 0) this.#proxyHeader = null;
    return next;
  }

  /** The head is complete. */
  #take(head: RequestHead): void {
    const { connection } = this;
    const { host } = connection;
    host.setExpendable(connection, false);
    const { health = null } = host.opening;
    // Before everything else: who asks comes from nowhere that was let in, and is told yes or no.
    if (health !== null && isHealthRequest(head, health.path)) {
      connection.endWith(this, healthBytes(health.isReady(connection), head.method));
      return;
    }
    const proxy = connection.identify(host.findClient(connection, head.headers));
    // This comes first: a client that is not let in learns nothing about paths and origins.
    const refusal = this.#refusal ?? host.findRefusal(connection);
    if (refusal !== null) throw refusal;
    // Says nothing but that a server is here, and is asked by those who know no password.
    if (isOptionsRequest(head)) connection.endWith(this, optionsBytes());
    else connection.admit(this, this.#arriving, head, proxy);
  }

  #refuse(cause: unknown): boolean {
    return this.connection.refuseHandshake(this, cause, this.#parser.head?.method ?? null);
  }

  /** The client left during the handshake; no response is due. */
  override receiveEof(): void {
    this.#clientLeft('end');
    this.connection.socket.destroy();
  }

  override lost(error: string): void {
    this.#clientLeft(error);
  }

  /** Whoever has sent nothing may have probed the port, and after an answer everybody may leave. */
  #clientLeft(how: string): void {
    if (this.#hasReceivedBytes) this.connection.host.clientLeft(this.connection, how);
  }

  override heldBytes(): number {
    return this.#chargedBytes;
  }

  #charge(heldBytes: number): void {
    this.connection.host.memory.charge(heldBytes - this.#chargedBytes);
    this.#chargedBytes = heldBytes;
  }

  override left(): void {
    const { memory } = this.connection.host;
    memory.release(this.#chargedBytes);
    this.#chargedBytes = 0;
  }

  override socketClosed(): void {
    this.left();
  }

  check(): void {
    this.giveUp();
  }

  /** A client that has sent nothing gets no answer: it may have probed the port, or changed its mind. */
  override giveUp(): void {
    if (this.#hasReceivedBytes) this.#refuse(new HandshakeError('handshake-timeout'));
    else super.giveUp();
  }

  override shutDown(): void {
    // A client that has nothing more to ask for is told nothing.
    if (this.#isFollowUp && !this.#hasReceivedBytes) this.connection.end(this, null);
    else this.#refuse(new HandshakeError('draining'));
  }

  /** Whether the client has sent anything, or a proxy a part of its header. */
  get #hasReceivedBytes(): boolean {
    return this.#parser.hasReceivedBytes || this.#proxyHeader?.hasReceivedBytes === true;
  }
}

/**
 * The answer that opens the WebSocket connection (RFC 6455 §4.2.2).
 *
 * @param extensions value of Sec-WebSocket-Extensions; null for none
 */
export function acceptingResponse(
  { request, subprotocol }: SessionUpgrade,
  extensions: string | null,
): Uint8Array {
  return Buffer.from(upgradeResponse(request.key, subprotocol, extensions), 'latin1');
}

/** The answer to a load balancer. */
function healthBytes(isReady: boolean, method: string): Uint8Array {
  return Buffer.from(healthResponse(isReady, new Date(), method), 'latin1');
}

/** The answer to a request that asks whether the server is there. */
export function optionsBytes(): Uint8Array {
  return Buffer.from(optionsResponse(new Date()), 'latin1');
}

/**
 * The refusal for what a mode threw: its own, or 500. A mode from a file has no copy of our classes, so an
 * error of that name with one of our rules means the same.
 */
export function refusalOf(error: unknown): HandshakeError {
  const isOurs = isInstance(error, HandshakeError);
  // A class derived from ours may have members that are not what they seem.
  if (isOurs && Object.getPrototypeOf(error) === HandshakeError.prototype) return error;
  const rule = memberOf(error, 'rule');
  if ((!isOurs && memberOf(error, 'name') !== 'HandshakeError') || !isRule(rule))
    return new HandshakeError('internal');
  const headers = fieldsForLog(memberOf(error, 'headers')) as Record<string, string>;
  return new HandshakeError(rule, headers, fieldsForLog(memberOf(error, 'notes')));
}

function isRule(rule: unknown): rule is HandshakeRule {
  return typeof rule === 'string' && Object.hasOwn(HANDSHAKE_RULES, rule);
}

/**
 * The answer that refuses a handshake; 500 when a mode's own headers cannot be sent.
 *
 * @param method of the request, once it is known
 */
export function refusalBytes(error: HandshakeError, method: string | null): Uint8Array {
  const now = new Date();
  try {
    return Buffer.from(refusalResponse(error, now, method), 'latin1');
  } catch {
    return Buffer.from(refusalResponse(new HandshakeError('internal'), now, method), 'latin1');
  }
}
