/** The opening handshake of one connection, from its first byte to the answer; dropped afterwards. */
import {
  HANDSHAKE_RULES,
  HandshakeError,
  type HandshakeRule,
  InvalidStateError,
} from '../errors.js';
import { fieldsForLog, isInstance, memberOf } from '../foreign.js';
import { checkHost } from '../handshake/host.js';
import { forwardedScheme } from '../handshake/forwarded.js';
import type { PeerAddress } from '../net/socket-address.js';
import {
  parsePlainRequest,
  parseUpgradeRequest,
  type PlainRequest,
  type UpgradeRequest,
} from '../handshake/request.js';
import type { HostPolicy, OriginPolicy, SubprotocolPolicy, Way } from '../handshake/policy.js';
import { ProxyHeaderParser } from '../handshake/proxy-protocol.js';
import { type HeadLimits, type RequestHead, RequestHeadParser } from '../handshake/request-head.js';
import { optionsResponse, refusalResponse, upgradeResponse } from '../handshake/response.js';
import { checkOrigin, selectSubprotocol } from '../handshake/upgrade.js';
import { EarlyBytes } from './early-bytes.js';
import type { PlainExchange } from '../http/exchange.js';
import type { SessionRoute, SessionUpgrade } from '../session/session-host.js';

/** Who serves a request, and on which terms. */
export interface Route extends SessionRoute {
  readonly origin: OriginPolicy;
}

/** What decides on an opening handshake. */
export interface OpeningPolicy {
  readonly head: HeadLimits;
  readonly allowedHosts: HostPolicy;
  readonly subprotocol: SubprotocolPolicy;
  /** Finds who serves a request. @throws HandshakeError when nobody does */
  findRoute(request: UpgradeRequest): Route;
  /**
   * Asks who the client is, where that is asked at all.
   *
   * @throws HandshakeError, or rejects with one, when the handshake is to be refused
   */
  authorize?(request: RequestHead): void | PromiseLike<void>;
  /** Whether a connection from there must begin with a PROXY protocol header; without this, none does. */
  expectsProxyHeader?(peer: PeerAddress): boolean;
}

/** A PROXY protocol header that is read, and who is told about it. */
interface ProxyHeader {
  readonly parser: ProxyHeaderParser;
  readonly found: (client: PeerAddress) => void;
}

export class Opening {
  readonly #policy: OpeningPolicy;
  readonly #parser: RequestHeadParser;
  /** What comes before the head; null when it has come, or none is due. */
  #proxyHeader: ProxyHeader | null = null;
  /** By which way the request has come. */
  readonly way: Way;
  /** True when the connection has had an answer before. */
  readonly isFollowUp: boolean;
  /** Null for an opening handshake, and as long as that is not known. */
  plain: PlainExchange | null = null;
  /** Why it is refused, if that is known before the request is. */
  refusal: HandshakeError | null = null;
  /** What accepts it, once the extensions are agreed on. */
  answer: Uint8Array | null = null;
  /**
   * Bytes that came behind the head while the consumer made up its mind, or a request was answered. The
   * connection sees to it that they do not become many.
   */
  readonly early: EarlyBytes;

  /** @param early what came behind the request that was answered before this one */
  constructor(policy: OpeningPolicy, way: Way = 'network', early: EarlyBytes | null = null) {
    this.#policy = policy;
    this.way = way;
    this.isFollowUp = early !== null;
    this.early = early ?? new EarlyBytes();
    this.#parser = new RequestHeadParser(policy.head);
  }

  /**
   * The connection begins with a PROXY protocol header.
   *
   * @param found told at once whom the header names, if it names anybody
   */
  expectProxyHeader(found: (client: PeerAddress) => void): void {
    this.#proxyHeader = { parser: new ProxyHeaderParser(), found };
  }

  /** True when the client has said anything at all, or a proxy half a sentence about it. */
  get hasReceivedBytes(): boolean {
    return this.#parser.hasReceivedBytes || this.#proxyHeader?.parser.hasReceivedBytes === true;
  }

  /** The request's method, once the head is complete. */
  get method(): string | null {
    return this.#parser.head?.method ?? null;
  }

  /** The request head, once it is complete. */
  get head(): RequestHead | null {
    return this.#parser.head;
  }

  /**
   * Takes bytes of the request head, and of what comes before it.
   *
   * @returns the index of the first byte behind the head, or -1: more is needed
   * @throws HandshakeError when the head is malformed
   */
  receive(bytes: Uint8Array, start: number, end: number): number {
    const headStart = this.#receiveProxyHeader(bytes, start, end);
    return headStart < 0 ? -1 : this.#parser.receive(bytes, headStart, end);
  }

  #receiveProxyHeader(bytes: Uint8Array, start: number, end: number): number {
    if (this.#proxyHeader === null) return start;
    const { parser, found } = this.#proxyHeader;
    const next = parser.receive(bytes, start, end);
    if (next < 0) return -1;
    this.#proxyHeader = null;
    if (parser.client !== null) found(parser.client);
    return next;
  }

  /**
   * Reads the request, whose head is complete, if it is one that is answered without a WebSocket connection.
   *
   * @param hasFiles whether there are files to ask for
   * @returns null when it is to be decided on
   * @throws HandshakeError when the request is to be refused
   */
  readPlain(hasFiles: boolean): PlainRequest | null {
    const request = parsePlainRequest(this.#completeHead, hasFiles);
    if (request !== null) checkHost(this.#policy.allowedHosts, request.host, this.way);
    return request;
  }

  /**
   * Decides on the request, whose head is complete.
   *
   * @returns what can be accepted
   * @throws HandshakeError when the handshake is to be refused
   */
  decide(): SessionUpgrade {
    const head = this.#completeHead;
    const request = parseUpgradeRequest(head);
    checkHost(this.#policy.allowedHosts, request.host, this.way);
    const route = this.#policy.findRoute(request);
    const scheme = this.way === 'proxy' ? forwardedScheme(head.headers) : null;
    checkOrigin(route.origin, request, scheme);
    route.recorder?.admit();
    return {
      request,
      route,
      subprotocol: selectSubprotocol(
        this.#policy.subprotocol,
        request.subprotocols,
        route.consumer.unsupportedSubprotocols,
      ),
    };
  }

  get #completeHead(): RequestHead {
    const { head } = this.#parser;
    if (head === null) throw new InvalidStateError('the request head is not complete');
    return head;
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

/** The answer to a request that wants to know whether we are there. */
export function optionsBytes(): Uint8Array {
  return Buffer.from(optionsResponse(new Date()), 'latin1');
}

/**
 * What went wrong while a consumer opened, as an answer: its own refusal, or 500. A mode from a file has
 * no copy of our classes, so an error of that name with one of our rules means the same.
 */
export function refusalOf(error: unknown): HandshakeError {
  const isOurs = isInstance(error, HandshakeError);
  // One of a class made from ours may have members that are not what they seem.
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
 * The answer that refuses a handshake; 500 when a consumer's own headers cannot be sent.
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
