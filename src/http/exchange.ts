/** One request that asks for no WebSocket connection, from its admission to the end of its response. */
import type { RequestHead } from '../handshake/request-head.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { ConnectionHost } from '../connection/connection-host.js';
import type { Outbox } from '../connection/outbox.js';
import { HttpTunnel, type TunnelTransport } from './tunnel.js';
import type { SessionTransport } from '../session/session-transport.js';

/** What an exchange needs of its connection. */
export interface PlainTransport extends SessionTransport {
  readonly outbox: Outbox;
  /** The response is complete, and the kernel has all of it. */
  responded(isLast: boolean): void;
}

export class PlainExchange implements TunnelTransport {
  /** Who had connected, when the client is another one. */
  readonly proxy: PeerAddress | null;
  /** The peer sends nothing more; its answers are still due. */
  isPeerDone = false;
  /** No request is taken behind this one: the server stops. */
  isLast = false;

  readonly #request: string;
  readonly #transport: PlainTransport;
  readonly #host: ConnectionHost;
  #tunnel: HttpTunnel | null = null;

  /** @param request as a whole, in Latin-1 */
  constructor(
    request: string,
    proxy: PeerAddress | null,
    transport: PlainTransport,
    host: ConnectionHost,
  ) {
    this.#request = request;
    this.proxy = proxy;
    this.#transport = transport;
    this.#host = host;
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get remotePort(): number {
    return this.#transport.remotePort;
  }

  /**
   * Finds out whether the client is to be answered at all.
   *
   * @throws HandshakeError, or rejects with one, when the request is to be refused
   */
  admit(head: RequestHead): void | PromiseLike<void> {
    const refusal = this.#host.findRefusal(this.#transport);
    if (refusal !== null) throw refusal;
    return this.#host.opening.authorize?.(head);
  }

  /** Hands the request to the HTTP server. */
  serve(): void {
    this.#transport.outbox.restartStall(this.#host.clock.nowMs);
    this.check(this.#host.clock.nowMs);
    this.#tunnel = new HttpTunnel(this, this.#request);
    this.#host.http!.serve(this.#tunnel);
  }

  sendPieces(pieces: readonly Uint8Array[]): boolean {
    const { outbox } = this.#transport;
    outbox.writePieces(pieces, this.#host.clock.nowMs);
    return !outbox.isBlocked;
  }

  /** The socket has taken everything that was written. */
  drained(): void {
    const { outbox } = this.#transport;
    outbox.unblock();
    outbox.restartStall(this.#host.clock.nowMs);
    this.#tunnel!.drained();
  }

  /** Looks at the deadline: a response that does not move is given up, whosever fault it is. */
  check(nowMs: number): void {
    const { sendTimeout } = this.#host.limits;
    if (this.#transport.outbox.stalledMs(nowMs) >= sendTimeout)
      this.#transport.drop('send-timeout');
    else this.#transport.checkWithin(Math.ceil(sendTimeout / 4));
  }

  responded(isLast: boolean): void {
    this.#transport.responded(isLast || this.isLast);
  }

  responseBroken(): void {
    // What has left of it would be taken for the whole, were there an orderly end behind it. There is no
    // session that the rule could be told to.
    this.#transport.drop('shutdown');
  }

  /** The connection is gone. */
  abandon(): void {
    this.#tunnel?.destroy();
  }
}
