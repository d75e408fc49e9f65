/**
 * The stream on which an HTTP server of Node's own, which does not listen, answers one request of a
 * connection. Our strict parser has read the request; not a byte of what the peer sends comes here.
 */
import { Duplex } from 'node:stream';
import type { PeerAddress } from '../net/socket-address.js';

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

/** Answers the requests that ask for no WebSocket connection. */
export interface HttpService {
  /** Takes a request, which it reads from the tunnel. It calls `finish` after the response. */
  serve(tunnel: HttpTunnel): void;
}

type Done = (error?: Error | null) => void;

export class HttpTunnel extends Duplex {
  /** Whose request it is. */
  readonly peer: PeerAddress;

  /** The response is complete. */
  hasFinished = false;

  readonly #transport: TunnelTransport;
  /** Asks for the next piece of the response; null while the kernel takes what it is given. */
  #onDrained: Done | null = null;

  /**
   * @param peer the client of this request; that of the connection's next one may be another
   * @param request all of it, in Latin-1
   */
  constructor(transport: TunnelTransport, peer: PeerAddress, request: string) {
    super();
    const { remoteAddress, remotePort } = peer;
    this.peer = { remoteAddress, remotePort };
    this.#transport = transport;
    this.push(Buffer.from(request, 'latin1'));
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
