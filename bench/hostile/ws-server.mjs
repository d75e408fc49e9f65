/**
 * npm `ws` as an echo server with its defaults: `perMessageDeflate: true` where the attack is compressed, and the
 * limit of a message that twist has. `--tls CERT KEY` puts it on Node's HTTPS server.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import process from 'node:process';
import { WebSocketServer } from 'ws';

const [cert, key] = process.argv.includes('--tls') ? process.argv.slice(-2) : [];
const server =
  cert === undefined || key === undefined
    ? createServer()
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) });
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: process.argv.includes('--deflate'),
  maxPayload: 16 * 1024 * 1024,
});
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    // The default `binaryType` gives one Buffer for each message; its type allows for the others.
    socket.send(/** @type {Buffer} */ (data), { binary: isBinary });
  });
  socket.on('error', () => {
    socket.terminate();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `ws://127.0.0.1:${address.port}` })}\n`,
  );
});
