/** The opening handshake of one connection, from its first byte to the answer; dropped afterwards. */
import { HANDSHAKE_RULES, HandshakeError } from '../errors.js';
import type { OriginPolicy, SubprotocolPolicy } from '../handshake/policy.js';
import { type HeadLimits, RequestHeadParser } from '../handshake/request-head.js';
import { refusalResponse, upgradeResponse } from '../handshake/response.js';
import { checkOrigin, selectSubprotocol } from '../handshake/upgrade-decision.js';
import { type UpgradeRequest, parseUpgradeRequest } from '../handshake/upgrade-request.js';
import type { Consumer } from './session.js';

/** What decides on an opening handshake. */
export interface OpeningPolicy {
  readonly head: HeadLimits;
  readonly origin: OriginPolicy;
  readonly subprotocol: SubprotocolPolicy;
  /** Finds who serves a request. @throws HandshakeError when nobody does */
  findConsumer(request: UpgradeRequest): Consumer;
}

/** A handshake that may be answered with 101 once its consumer agrees. */
export interface AcceptableUpgrade {
  readonly request: UpgradeRequest;
  readonly consumer: Consumer;
  readonly subprotocol: string | null;
}

export class Opening {
  readonly #policy: OpeningPolicy;
  readonly #parser: RequestHeadParser;
  /** The decision, once the request head is complete. */
  upgrade: AcceptableUpgrade | null = null;
  /** What accepts it, once the extensions are agreed on. */
  answer: Uint8Array | null = null;
  /** Bytes that came behind the head while the consumer made up its mind. */
  early: Uint8Array = new Uint8Array(0);

  constructor(policy: OpeningPolicy) {
    this.#policy = policy;
    this.#parser = new RequestHeadParser(policy.head);
  }

  /** True when the peer has said anything at all. */
  get hasReceivedBytes(): boolean {
    return this.#parser.hasReceivedBytes;
  }

  /** The request's method, once the head is complete. */
  get method(): string | null {
    return this.#parser.head?.method ?? null;
  }

  /**
   * Takes bytes of the request head.
   *
   * @returns the index of the first byte behind the head, with `upgrade` set, or -1: more is needed
   * @throws HandshakeError when the handshake is to be refused
   */
  receive(bytes: Uint8Array, start: number, end: number): number {
    const next = this.#parser.receive(bytes, start, end);
    const { head } = this.#parser;
    if (next < 0 || head === null) return -1;
    const request = parseUpgradeRequest(head);
    checkOrigin(this.#policy.origin, request);
    this.upgrade = {
      request,
      consumer: this.#policy.findConsumer(request),
      subprotocol: selectSubprotocol(this.#policy.subprotocol, request.subprotocols),
    };
    return next;
  }

  /** Keeps frames that came right behind the head; reading has stopped, so it is one read's worth. */
  keepEarly(bytes: Uint8Array, start: number, end: number): void {
    this.early = Buffer.concat([this.early, bytes.subarray(start, end)]);
  }
}

/**
 * The answer that opens the WebSocket connection (RFC 6455 §4.2.2).
 *
 * @param extensions value of Sec-WebSocket-Extensions; null for none
 */
export function acceptingResponse(
  { request, subprotocol }: AcceptableUpgrade,
  extensions: string | null,
): Uint8Array {
  return Buffer.from(upgradeResponse(request.key, subprotocol, extensions), 'latin1');
}

/**
 * What went wrong while a consumer opened, as an answer: its own refusal, or 500. A mode from a file has
 * no copy of our classes, so an error of that name with one of our rules means the same.
 */
export function refusalOf(error: unknown): HandshakeError {
  if (error instanceof HandshakeError) return error;
  const { name, rule, headers } = (error ?? {}) as Partial<HandshakeError>;
  if (name !== 'HandshakeError' || rule === undefined || !Object.hasOwn(HANDSHAKE_RULES, rule))
    return new HandshakeError('internal');
  return new HandshakeError(rule, headers);
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
