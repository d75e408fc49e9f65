/** A raw socket that has made its opening handshake: what the clients of the compression measurements have in common. */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import process from 'node:process';
import { checkDeflateAccepted, isOpeningAccepted, openingRequest } from './opening.mjs';
import { encodeFrame } from './traffic.mjs';

const CLOSE = 0x88;
const CLOSE_FRAME = encodeFrame(8, Buffer.from([0x03, 0xe8]), 0x01020304);

/**
 * @typedef {object} ConnectionOptions
 * @property {number} port
 * @property {Buffer} inbox that all connections read into
 * @property {boolean} offersDeflate whether it offers compression, which the peer must then accept
 * @property {(length: number) => void} onBytes what came behind the handshake lies in the inbox
 */

export class ClientConnection {
  #onBytes;
  #offersDeflate;
  #received = '';
  #isOpen = false;
  #isClosing = false;
  /** @type {() => void} */
  #resolveOpen = () => undefined;

  /** Settles when the handshake is done. */
  opened = /** @type {Promise<void>} */ (new Promise((resolve) => (this.#resolveOpen = resolve)));
  /** Settles when the peer has closed. */
  closed;

  /** @param {ConnectionOptions} options */
  constructor({ port, inbox, offersDeflate, onBytes }) {
    this.#onBytes = onBytes;
    this.#offersDeflate = offersDeflate;
    this.socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: inbox,
        callback: (length) => {
          if (this.#isOpen) this.#onBytes(length);
          else this.#open(inbox.toString('latin1', 0, length));
          return true;
        },
      },
    });
    this.socket.on('connect', () => this.socket.write(openingRequest(port, { offersDeflate })));
    this.socket.on('error', (error) => {
      if (!this.#isClosing) fail(`connection failed: ${error.message}`);
    });
    this.closed = /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        this.socket.on('close', () => {
          if (!this.#isClosing) fail('the peer closed a connection in the middle of the run');
          resolve();
        });
      })
    );
  }

  /** Begins the closing handshake: what comes from now on is of no interest. */
  close() {
    this.#isClosing = true;
    this.#onBytes = () => undefined;
    this.socket.write(CLOSE_FRAME);
  }

  /** Ends at once, and leaves no connection waiting in the system for its port. */
  reset() {
    this.#isClosing = true;
    this.socket.resetAndDestroy();
  }

  /** @param {string} text */
  #open(text) {
    this.#received += text;
    try {
      if (!isOpeningAccepted(this.#received)) return;
      if (this.#offersDeflate) checkDeflateAccepted(this.#received);
    } catch (error) {
      failWith(error);
    }
    this.#received = '';
    this.#isOpen = true;
    this.#resolveOpen();
  }
}

/**
 * Says what a frame is that was not expected.
 * @param {number} first byte of it
 */
export function describeFrame(first) {
  if (first === CLOSE) return 'the peer sent a Close';
  return (first & 0x40) === 0
    ? `a frame that is not compressed came (first byte 0x${first.toString(16)})`
    : `an unexpected frame came (first byte 0x${first.toString(16)})`;
}

/**
 * @param {unknown} error
 * @returns {never}
 */
export function failWith(error) {
  fail(error instanceof Error ? error.message : String(error));
}

/**
 * Ends the process: no figure comes from a run in which something went wrong.
 * @param {string} message
 * @returns {never}
 */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
