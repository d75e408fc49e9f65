/**
 * npm `ws` as an echo server, without compression, which is its default; with `--deflate` it has its default options
 * of compression, and a threshold of 0, so that small messages are compressed whatever a client asks for. With `--from
 * DIRECTORY` it is the `ws` that is installed there.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { deflate: { type: 'boolean', default: false }, from: { type: 'string' } },
});
const load = createRequire(
  values.from === undefined ? import.meta.url : path.resolve(values.from, 'index.js'),
);
/** @type {unknown} */
const library = load('ws');
const { WebSocketServer } = /** @type {typeof import('ws')} */ (library);

const perMessageDeflate = values.deflate ? { threshold: 0 } : false;
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    // The default `binaryType` gives one Buffer for each message; its type allows for the others.
    socket.send(/** @type {Buffer} */ (data), { binary: isBinary });
  });
  socket.on('error', () => {
    socket.terminate();
  });
});
server.on('listening', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `ws://127.0.0.1:${address.port}` })}\n`,
  );
});
