/**
 * A request that asks for no WebSocket connection, of a client that was admitted: a service answers it through a
 * tunnel. After the response the next head is read, unless it was the last one.
 */
import {
  type HttpService,
  HttpTunnel,
  type ServiceRequest,
  type TunnelTransport,
} from '../http/tunnel.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { AdmittingPhase } from './deciding-phase.js';
import { WaitingPhase } from './phase.js';

/** A request, and who answers it. */
export interface ServedRequest {
  readonly request: ServiceRequest;
  readonly service: HttpService;
  /** The peer, when it has named another client. */
  readonly proxy: PeerAddress | null;
}

/** The service answers. */
export class AnsweringPhase extends WaitingPhase implements TunnelTransport {
  readonly #request: ServedRequest;
  readonly #tunnel: HttpTunnel;
  /** The peer sends nothing more, and gets its answer all the same. */
  #isPeerDone: boolean;
  /** The server stops: no request is taken after this one. */
  #isLast = false;

  constructor({ connection, arriving, isPeerDone }: AdmittingPhase, request: ServedRequest) {
    super(connection, arriving);
    this.#request = request;
    this.#isPeerDone = isPeerDone;
    this.#tunnel = new HttpTunnel(this, connection, request.request);
  }

  begin(): void {
    const { nowMs } = this.connection.host.clock;
    this.connection.outbox.restartStall(nowMs);
    this.check(nowMs);
    this.#request.service.serve(this.#tunnel);
  }

  // ---- From the tunnel

  sendPieces(pieces: readonly Uint8Array[]): boolean {
    const { outbox, host } = this.connection;
    outbox.writePieces(pieces, host.clock.nowMs);
    return !outbox.isBlocked;
  }

  responded(isLast: boolean): void {
    const { connection } = this;
    // The connection was dropped, and 'close' has yet to come.
    if (connection.socket.destroyed) return;
    if (isLast || this.#isLast) {
      connection.end(this, null);
      return;
    }
    // The next request may be of another client.
    if (this.#request.proxy !== null) connection.identify(this.#request.proxy);
    connection.readNextHead(this);
    const { early } = this.arriving;
    const { bytes, start, end } = early;
    early.forget();
    connection.receiveBytes(bytes, start, end);
    if (early.length === 0) early.free();
    if (this.#isPeerDone) connection.receiveEof();
  }

  responseBroken(): void {
    // After an orderly end the client would take what it has for the whole response.
    this.connection.drop('shutdown');
  }

  // ---- From the connection

  override receiveEof(): void {
    this.#isPeerDone = true;
  }

  override drained(): void {
    const { outbox, host } = this.connection;
    outbox.unblock();
    outbox.restartStall(host.clock.nowMs);
    this.#tunnel.drained();
  }

  override socketClosed(): void {
    this.#tunnel.destroy();
  }

  /** A response that makes no progress is given up, whoever is to blame. */
  check(nowMs: number): void {
    const { connection } = this;
    const { sendTimeout } = connection.host.limits;
    if (connection.outbox.isStalled(nowMs, sendTimeout)) connection.drop('send-timeout');
    else connection.checkWithin(connection.outbox.stallCheckMs(sendTimeout));
  }

  override shutDown(): void {
    this.#isLast = true;
  }
}
