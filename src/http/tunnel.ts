/**
 * The stream on which a service answers one request of a connection: an HTTP server of Node's own, which does not
 * listen, or our pages. Our strict parser has read the request; not a byte of what the peer sends comes here.
 */
import { Duplex } from 'node:stream';
import type { PlainRequest } from '../handshake/request.js';
import type { RequestHead } from '../handshake/request-head.js';
import type { WebScheme } from '../handshake/upgrade.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { TlsPeer } from '../net/tls-peer.js';

/** What a tunnel needs of its connection. */
export interface TunnelTransport {
  /**
   * Writes pieces of a response in one go. Their bytes must not change any more.
   *
   * @returns false when the kernel has not taken all of them: send nothing more until `drained`
   */
  sendPieces(pieces: readonly Uint8Array[]): boolean;
  /** The response is complete, and the kernel has all of it. */
  responded(isLast: boolean): void;
  /** The HTTP server has given up in the middle of a response, or before it. */
  responseBroken(): void;
}

/** A request that asks for no WebSocket connection, with what is known of its client beside the address. */
export interface ServiceRequest extends PlainRequest {
  /** By which scheme the client has come, where a trusted proxy says so; else whether TLS ends here. */
  readonly scheme: WebScheme;
  /** Null for a client that has not come to us by TLS. */
  readonly tls: TlsPeer | null;
}

/** Answers requests that ask for no WebSocket connection. */
export interface HttpService {
  /** Whether it answers this one. If not, it is decided on as an opening handshake, which it then fails to be. */
  takes(head: RequestHead): boolean;
  /** Takes a request, which is in the tunnel in both forms. It calls `finish` after the response. */
  serve(tunnel: HttpTunnel): void;
}

type Done = (error?: Error | null) => void;

export class HttpTunnel extends Duplex {
  /** Whose request it is. */
  readonly peer: PeerAddress;
  /** For whom it need not be parsed again. */
  readonly request: ServiceRequest;

  /** The response is complete. */
  hasFinished = false;

  readonly #transport: TunnelTransport;
  /** Asks for the next piece of the response; null while the kernel takes what it is given. */
  #onDrained: Done | null = null;

  /**
   * @param peer the client of this request; that of the connection's next one may be another
   * @param request what comes out of the stream is its text
   */
  constructor(transport: TunnelTransport, peer: PeerAddress, request: ServiceRequest) {
    super();
    const { remoteAddress, remotePort } = peer;
    this.peer = { remoteAddress, remotePort };
    this.request = request;
    this.#transport = transport;
    this.push(Buffer.from(request.text, 'latin1'));
  }

  /** The response is complete. If the stream has ended too, the connection is to be closed. */
  finish(): void {
    // The HTTP server may complete a response after it was broken off.
    if (this.destroyed) return;
    this.hasFinished = true;
    const isLast = this.writableEnded;
    this.destroy();
    this.#transport.responded(isLast);
  }

  /** The pieces that were sent last have left. */
  drained(): void {
    const done = this.#onDrained;
    this.#onDrained = null;
    done?.();
  }

  override _read(): void {
    // The request is there from the beginning, and is all there is.
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send([piece], done);
  }

  override _writev(writes: { readonly chunk: Buffer }[], done: Done): void {
    this.#send(
      writes.map(({ chunk }) => chunk),
      done,
    );
  }

  /** An error is not passed on: whatever destroys the stream with one knows of it. */
  override _destroy(_error: Error | null, done: Done): void {
    if (!this.hasFinished) this.#transport.responseBroken();
    done();
  }

  #send(pieces: readonly Buffer[], done: Done): void {
    // Node's HTTP server ends each response with an empty write.
    const filled = pieces.filter(({ length }) => length > 0);
    if (filled.length === 0 || this.#transport.sendPieces(filled)) done();
    else this.#onDrained = done;
  }
}
