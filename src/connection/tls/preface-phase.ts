/**
 * A connection on a TLS port before the handshake: reads the PROXY header, if one is due, and the client's first byte.
 * Until then it holds no more memory than on a plain port.
 */
import { HandshakeError } from '../../errors.js';
import { ProxyHeaderParser } from '../../handshake/proxy-protocol.js';
import type { Connection } from '../connection.js';
import { type Arriving, type FirstHead, Phase } from '../phase.js';

const A = 0x41;
const Z = 0x5a;
/** The bit by which lower-case letters differ from upper-case ones. */
const LOWER_CASE = 0x20;

export class PrefacePhase extends Phase {
  readonly #arriving: Arriving;
  readonly #first: FirstHead;
  /** Null when the header is complete, or none is due. */
  #proxyHeader: ProxyHeaderParser | null;

  constructor(connection: Connection, arriving: Arriving, first: FirstHead) {
    super(connection);
    this.#arriving = arriving;
    this.#first = first;
    this.#proxyHeader = first.hasProxyHeader ? new ProxyHeaderParser() : null;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    const { connection } = this;
    let next: number;
    try {
      next = this.#receiveProxyHeader(bytes, start, end);
      if (next < 0 || next === end) return;
      // A method begins with a letter, and no record of TLS does (RFC 8446 §5.1).
      if (isLetter(bytes[next]!)) throw new HandshakeError('not-tls');
    } catch (error) {
      connection.refuseHandshake(this, this.#first.refusal ?? error, null);
      return;
    }
    const first = { refusal: this.#first.refusal, hasProxyHeader: false };
    connection.secure(this, this.#arriving, first, bytes.slice(next, end));
  }

  /** @returns where the client begins, or -1: more is needed before it */
  #receiveProxyHeader(bytes: Uint8Array, start: number, end: number): number {
    if (this.#proxyHeader === null) return start;
    const next = this.connection.receiveProxyHeader(this.#proxyHeader, bytes, start, end);
    if (next >= 0) this.#proxyHeader = null;
    return next;
  }

  /** The client has sent nothing: it may have probed the port, or changed its mind. */
  override receiveEof(): void {
    this.connection.socket.destroy();
  }

  check(): void {
    this.giveUp();
  }

  override shutDown(): void {
    this.connection.socket.destroy();
  }
}

function isLetter(byte: number): boolean {
  const upper = byte & ~LOWER_CASE;
  return upper >= A && upper <= Z;
}
