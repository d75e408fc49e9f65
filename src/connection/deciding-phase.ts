/** A good opening handshake has come. First the client is authenticated, then its mode decides. */
import { HandshakeError } from '../errors.js';
import { promiseOf } from '../foreign.js';
import type { RequestHead } from '../handshake/request-head.js';
import type { UpgradeRequest } from '../handshake/request.js';
import { AcceptingResponse } from '../handshake/upgrade-response.js';
import type { ServerSession } from '../session/server-session.js';
import type { SessionUpgrade } from '../session/session-host.js';
import type { DropRule } from '../session/session.js';
import type { Connection } from './connection.js';
import { acceptingResponse } from './head-phase.js';
import { type Arriving, WaitingPhase } from './phase.js';

export class DecidingPhase extends WaitingPhase {
  readonly #session: ServerSession;

  constructor(connection: Connection, arriving: Arriving, session: ServerSession) {
    super(connection, arriving);
    this.#session = session;
  }

  /** Asks for the decision, which may come at once. */
  begin(upgrade: SessionUpgrade, head: RequestHead): void {
    const { request } = upgrade;
    let response: AcceptingResponse;
    let opened: Promise<void> | null;
    try {
      // Before the mode opens anything: an extension may have made what cannot be sent.
      response = new AcceptingResponse(acceptingResponse(upgrade, this.#session.extensions));
      const authorized = promiseOf(this.connection.host.opening.authorize?.(head, this.connection));
      opened =
        authorized === null
          ? this.#session.ask(request, response)
          : this.#askAfter(authorized, request, response);
    } catch (cause) {
      this.refuse(cause);
      return;
    }
    if (opened === null) this.#accept(response);
    else opened.then(this.#acceptLate.bind(this, response), this.refuse.bind(this));
  }

  async #askAfter(
    authorized: Promise<void>,
    request: UpgradeRequest,
    response: AcceptingResponse,
  ): Promise<void> {
    await authorized;
    // Nothing is opened for a client that has left meanwhile.
    if (!this.connection.isIn(this)) throw new HandshakeError('handshake-timeout');
    await this.#session.ask(request, response);
  }

  /** @returns false when the peer, the deadline or the server was faster */
  #accept(response: AcceptingResponse): boolean {
    const refusal = this.connection.host.findLateRefusal(this.#session);
    if (refusal !== null) this.#end(refusal);
    const isOpen = this.connection.open(this, this.#session, response.seal());
    // The mode has opened something, and must free it.
    if (!isOpen) this.#session.finish();
    return isOpen;
  }

  #acceptLate(response: AcceptingResponse): void {
    if (!this.#accept(response)) return;
    const { connection, arriving } = this;
    if (!connection.isInputPaused) connection.socket.resume();
    const { bytes, start, end } = arriving.early;
    connection.receiveBytes(bytes, start, end);
  }

  /** The mode refuses, or the client is not let in. */
  override refuse(cause: unknown): void {
    if (this.#end(cause)) this.#session.abandon();
  }

  /** It takes too long, or the server stops: the mode is told. */
  #refuseOurselves(error: HandshakeError): void {
    if (this.#end(error)) this.#session.abandonOpening();
  }

  #end(cause: unknown): boolean {
    return this.connection.refuseHandshake(this, cause, 'GET', this.#session);
  }

  /** The client left during the handshake; no response is due. */
  override receiveEof(): void {
    this.connection.host.clientLeft(this.connection, 'end');
    this.connection.socket.destroy();
  }

  override lost(error: string): void {
    this.#session.lost(error);
    this.connection.host.clientLeft(this.connection, error);
  }

  override socketClosed(): void {
    this.#session.abandonOpening();
  }

  check(): void {
    this.#refuseOurselves(new HandshakeError('handshake-timeout'));
  }

  override dropped(rule: DropRule): void {
    this.#session.dropped(rule);
  }

  override shutDown(): void {
    this.#refuseOurselves(new HandshakeError('draining'));
  }
}
