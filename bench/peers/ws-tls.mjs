/** npm `ws` on Node's HTTPS server, as an echo server without compression: `ws-tls.mjs CERT KEY`. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import process from 'node:process';
import { WebSocketServer } from 'ws';

const [cert = '', key = ''] = process.argv.slice(2);
const https = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
const server = new WebSocketServer({ server: https, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    // The default `binaryType` gives one Buffer for each message; its type allows for the others.
    socket.send(/** @type {Buffer} */ (data), { binary: isBinary });
  });
  socket.on('error', () => {
    socket.terminate();
  });
});
https.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (https.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `wss://127.0.0.1:${address.port}` })}\n`,
  );
});
