/**
 * A request that asks for no WebSocket connection: first its client is admitted, then an HTTP server answers
 * it through a tunnel. After the response the next head is read, unless it was the last one.
 */
import { HandshakeError } from '../errors.js';
import { promiseOf } from '../foreign.js';
import type { RequestHead } from '../handshake/request-head.js';
import { type HttpService, HttpTunnel, type TunnelTransport } from '../http/tunnel.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { Connection } from './connection.js';
import { type Arriving, WaitingPhase } from './phase.js';

/** A request for the HTTP server. */
export interface ServedRequest {
  /** All of it, in Latin-1. */
  readonly text: string;
  readonly service: HttpService;
  /** The peer, when it has named another client. */
  readonly proxy: PeerAddress | null;
}

/** What both of its phases have in common: a peer that sends its FIN still gets its answer. */
abstract class HttpPhase extends WaitingPhase {
  readonly request: ServedRequest;
  /** The peer sends nothing more. */
  isPeerDone = false;

  constructor(connection: Connection, arriving: Arriving, request: ServedRequest) {
    super(connection, arriving);
    this.request = request;
  }

  override receiveEof(): void {
    this.isPeerDone = true;
  }
}

/** Whether the client is answered at all is not known yet. */
export class AdmittingPhase extends HttpPhase {
  readonly #head: RequestHead;

  constructor(
    connection: Connection,
    arriving: Arriving,
    request: ServedRequest,
    head: RequestHead,
  ) {
    super(connection, arriving, request);
    this.#head = head;
  }

  begin(): void {
    const { connection } = this;
    let admitted: Promise<void> | null;
    try {
      const refusal = connection.host.findRefusal(connection);
      if (refusal !== null) throw refusal;
      admitted = promiseOf(connection.host.opening.authorize?.(this.#head, connection));
    } catch (cause) {
      this.#refuse(cause);
      return;
    }
    if (admitted === null) connection.answer(this);
    else admitted.then(connection.answer.bind(connection, this), this.#refuse.bind(this));
  }

  #refuse(cause: unknown): void {
    this.connection.refuseHandshake(this, cause, this.#head.method);
  }

  check(): void {
    this.#refuse(new HandshakeError('handshake-timeout'));
  }

  override shutDown(): void {
    this.#refuse(new HandshakeError('draining'));
  }
}

/** The HTTP server answers. */
export class AnsweringPhase extends HttpPhase implements TunnelTransport {
  readonly #tunnel: HttpTunnel;
  /** The server stops: no request is taken after this one. */
  #isLast = false;

  constructor({ connection, arriving, request, isPeerDone }: AdmittingPhase) {
    super(connection, arriving, request);
    this.isPeerDone = isPeerDone;
    this.#tunnel = new HttpTunnel(this, connection, request.text);
  }

  begin(): void {
    const { nowMs } = this.connection.host.clock;
    this.connection.outbox.restartStall(nowMs);
    this.check(nowMs);
    this.request.service.serve(this.#tunnel);
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
    if (this.request.proxy !== null) connection.identify(this.request.proxy);
    connection.readNextHead(this);
    const { early } = this.arriving;
    const { bytes, start, end } = early;
    early.forget();
    connection.receiveBytes(bytes, start, end);
    if (this.isPeerDone) connection.receiveEof();
  }

  responseBroken(): void {
    // After an orderly end the client would take what it has for the whole response.
    this.connection.drop('shutdown');
  }

  // ---- From the connection

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
    if (connection.outbox.stalledMs(nowMs) >= sendTimeout) connection.drop('send-timeout');
    else connection.checkWithin(Math.ceil(sendTimeout / 4));
  }

  override shutDown(): void {
    this.#isLast = true;
  }
}
