/** Node's raw `net` as an echo server: no protocol at all, the floor of what a Node server can cost. */
import { createServer } from 'node:net';
import process from 'node:process';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `tcp://127.0.0.1:${address.port}` })}\n`,
  );
});
