/** The TLS handshake, from the first byte of the client on. The deadline of the opening handshake is its deadline too. */
import type { TLSSocket } from 'node:tls';
import type { Connection } from '../connection.js';
import { HeadPhase } from '../head-phase.js';
import { type Arriving, type FirstHead, Phase } from '../phase.js';
import { type TlsFailure, type TlsService } from './tls-service.js';

export class SecuringPhase extends Phase {
  readonly #arriving: Arriving;
  readonly #first: FirstHead;
  readonly #socket: TLSSocket;
  readonly #service: TlsService;

  constructor(
    connection: Connection,
    arriving: Arriving,
    first: FirstHead,
    socket: TLSSocket,
    service: TlsService,
  ) {
    super(connection);
    this.#arriving = arriving;
    this.#first = first;
    this.#socket = socket;
    this.#service = service;
  }

  /** The handshake is complete. Data that the client sent with its last handshake message comes next. */
  override secured(): void {
    const { connection } = this;
    const failure = this.#service.findFailure(this.#socket);
    if (failure === null) {
      connection.readFirstHead(this, new HeadPhase(connection, this.#arriving, this.#first));
      return;
    }
    this.#report(failure);
    // An orderly end: only OpenSSL could send the alert that says why, and Node prevents that.
    connection.end(this, null);
  }

  receive(): void {
    // Nothing can be decrypted yet.
  }

  override receiveEof(): void {
    this.#fail('eof');
  }

  override lost(error: string): void {
    this.#report(error);
  }

  check(): void {
    this.#fail('timeout');
  }

  override shutDown(): void {
    this.connection.socket.destroy();
  }

  #fail(failure: TlsFailure): void {
    this.#report(failure);
    this.connection.socket.destroy();
  }

  #report(failure: TlsFailure): void {
    this.#service.failed(this.connection, failure);
  }
}
