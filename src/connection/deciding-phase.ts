/**
 * A whole request head has come. First it is found out who asks, and nothing else: then what is asked for, and last the
 * mode decides.
 */
import { HandshakeError } from '../errors.js';
import { promiseOf } from '../foreign.js';
import type { RequestHead } from '../handshake/request-head.js';
import { AcceptingResponse } from '../handshake/upgrade-response.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { ServerSession } from '../session/server-session.js';
import type { SessionUpgrade } from '../session/session-host.js';
import type { DropRule } from '../session/session.js';
import type { Connection } from './connection.js';
import { acceptingResponse, decideUpgrade, readPlain } from './head-phase.js';
import { type Arriving, WaitingPhase } from './phase.js';

/**
 * Whether the client is let in is not known yet. Until it is, nothing is looked at but its credentials: what it is told
 * does not depend on what there is here, and no code of a mode or an extension runs.
 */
export class AdmittingPhase extends WaitingPhase {
  /** The peer sends nothing more. */
  isPeerDone = false;

  readonly #head: RequestHead;
  readonly #proxy: PeerAddress | null;
  /** Made when somebody wants to know. */
  #left: AbortController | null = null;

  /** @param proxy the peer, when it has named another client */
  constructor(
    connection: Connection,
    arriving: Arriving,
    head: RequestHead,
    proxy: PeerAddress | null,
  ) {
    super(connection, arriving);
    this.#head = head;
    this.#proxy = proxy;
  }

  /** Aborted once nobody waits for the answer any more. */
  get signal(): AbortSignal {
    this.#left ??= new AbortController();
    return this.#left.signal;
  }

  begin(): void {
    const { opening } = this.connection.host;
    let user: string | null | PromiseLike<string | null>;
    try {
      user = opening.authorize?.(this.#head, this.connection, this) ?? null;
    } catch (cause) {
      this.#refuse(cause);
      return;
    }
    const late = promiseOf(user);
    if (late === null) this.#admit(user as string | null, false);
    else
      late.then(
        (known) => {
          this.#admit(known, true);
        },
        (cause: unknown) => {
          this.#refuse(cause);
        },
      );
  }

  #admit(user: string | null, isLate: boolean): void {
    const { connection, arriving } = this;
    const { host } = connection;
    // It may have left meanwhile.
    if (!connection.isIn(this)) return;
    try {
      const asker = { tls: connection.describeTls(), user };
      if (host.http?.takes(this.#head) === true) {
        const request = readPlain(host.opening, this.#head, arriving.way, asker);
        connection.answer(this, { request, service: host.http, proxy: this.#proxy });
        return;
      }
      const upgrade = decideUpgrade(host.opening, this.#head, arriving.way, asker);
      connection.decide(this, upgrade, isLate);
    } catch (error) {
      // What a later phase throws is a defect of ours.
      if (!this.#refuse(error)) throw error;
    }
  }

  #refuse(cause: unknown): boolean {
    const isRefused = this.connection.refuseHandshake(this, cause, this.#head.method);
    this.#left?.abort();
    return isRefused;
  }

  /** Whoever asks for a file or a page still gets it; a client that wants a WebSocket connection has left. */
  override receiveEof(): void {
    this.isPeerDone = true;
    const { connection } = this;
    if (connection.host.http?.takes(this.#head) === true) return;
    connection.host.clientLeft(connection, 'end');
    connection.socket.destroy();
  }

  override lost(error: string): void {
    this.connection.host.clientLeft(this.connection, error);
  }

  override socketClosed(): void {
    this.#left?.abort();
  }

  check(): void {
    this.#refuse(new HandshakeError('handshake-timeout'));
  }

  override shutDown(): void {
    this.#refuse(new HandshakeError('draining'));
  }
}

/** A good opening handshake of a client that was admitted: the mode decides. */
export class DecidingPhase extends WaitingPhase {
  readonly #session: ServerSession;

  constructor(connection: Connection, arriving: Arriving, session: ServerSession) {
    super(connection, arriving);
    this.#session = session;
  }

  /**
   * Asks for the decision, which may come at once.
   *
   * @param isLate whether what has come behind the head was kept
   */
  begin(upgrade: SessionUpgrade, isLate: boolean): void {
    let response: AcceptingResponse;
    let opened: Promise<void> | null;
    try {
      // Before the mode opens anything: an extension may have made what cannot be sent.
      const head = acceptingResponse(upgrade, this.#session.extensions);
      const { mode } = upgrade.route;
      response = new AcceptingResponse(mode.changeAnswer?.(head, upgrade.request) ?? head);
      opened = this.#session.ask(upgrade.request, response);
    } catch (cause) {
      this.refuse(cause);
      return;
    }
    if (opened !== null) opened.then(this.#acceptLate.bind(this, response), this.refuse.bind(this));
    else if (isLate) this.#acceptLate(response);
    else this.#accept(response);
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
    try {
      connection.receiveBytes(bytes, start, end);
    } finally {
      arriving.early.free();
    }
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
