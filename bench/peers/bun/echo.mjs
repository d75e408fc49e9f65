/** Bun's own WebSocket server as an echo server, without compression. It runs on Bun only. */
import process from 'node:process';

const LIMIT = 64 * 1024 * 1024;

/**
 * As much of Bun's interface as is used here.
 * @typedef {object} Bun
 * @property {(options: {
 *   hostname: string,
 *   port: number,
 *   fetch: (request: unknown, server: { upgrade: (request: unknown) => boolean }) => unknown,
 *   websocket: Record<string, unknown>,
 * }) => { port: number }} serve
 */

const bun = /** @type {{ Bun: Bun }} */ (/** @type {unknown} */ (globalThis)).Bun;
const { port } = bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) =>
    server.upgrade(request)
      ? undefined
      : new globalThis.Response('WebSocket only', { status: 426 }),
  websocket: {
    maxPayloadLength: LIMIT,
    backpressureLimit: 4 * LIMIT,
    perMessageDeflate: false,
    /**
     * @param {{ send: (message: string | Uint8Array) => number }} socket
     * @param {string | Uint8Array} message text comes as a string
     */
    message: (socket, message) => {
      socket.send(message);
    },
  },
});
process.stderr.write(
  `${JSON.stringify({ msg: 'listening', address: `ws://127.0.0.1:${port}` })}\n`,
);
