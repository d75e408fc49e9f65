/** Node's TLS server with nothing on it, for what a handshake costs: `bare-tls.mjs CERT KEY`. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createServer } from 'node:tls';

const [cert = '', key = ''] = process.argv.slice(2);
const server = createServer(
  { cert: readFileSync(cert), key: readFileSync(key), noDelay: true },
  (socket) => {
    socket.on('error', () => {
      socket.destroy();
    });
    socket.resume();
  },
);
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `wss://127.0.0.1:${address.port}` })}\n`,
  );
});
