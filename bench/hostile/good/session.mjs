/** The connection of a good client: a handshake, frames out, frames in. */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import { connect as connectTls } from 'node:tls';
import { FrameReader } from '../../frame-reader.mjs';
import { requestHead } from '../attacks/attack.mjs';

const OPEN_MS = 10_000;

/**
 * @typedef {object} SessionOptions
 * @property {number} port
 * @property {boolean} [isTls]
 * @property {string} [path]
 * @property {readonly string[]} [headers]
 * @property {(payload: Buffer) => void} [onPayload] each piece of payload
 * @property {(first: number) => void} [onFrame] each end of a frame, with its first byte
 * @property {() => void} [onClose]
 */

/**
 * @typedef {object} GoodSession
 * @property {number} status of the response: 101, or 0 when none came
 * @property {import('node:net').Socket} socket
 */

/**
 * @param {SessionOptions} options
 * @returns {Promise<GoodSession>}
 */
export function openSession({ port, isTls, path, headers, onPayload, onFrame, onClose }) {
  return new Promise((resolve) => {
    const where = { host: '127.0.0.1', port };
    const socket =
      isTls === true
        ? connectTls({ ...where, rejectUnauthorized: false })
        : connect({ ...where, noDelay: true });
    const timer = setTimeout(() => socket.destroy(), OPEN_MS);
    /** @type {Buffer} */
    let bytes = Buffer.alloc(0);
    const reader = new FrameReader(
      (first) => onFrame?.(first),
      (first, start, end) => {
        if ((first & 0x0f) < 8) onPayload?.(bytes.subarray(start, end));
      },
    );
    let isOpen = false;
    socket.on('data', (/** @type {Buffer} */ data) => {
      if (!isOpen) {
        bytes = Buffer.concat([bytes, data]);
        const end = bytes.indexOf('\r\n\r\n');
        if (end === -1) return;
        const status = Number(bytes.toString('latin1', 9, 12));
        isOpen = true;
        clearTimeout(timer);
        resolve({ status, socket });
        if (status !== 101) return;
        bytes = bytes.subarray(end + 4);
      } else {
        bytes = data;
      }
      reader.read(bytes, bytes.length);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ status: 0, socket });
      onClose?.();
    });
    socket.once(isTls === true ? 'secureConnect' : 'connect', () => {
      socket.write(requestHead(path ?? '/', headers));
    });
  });
}
