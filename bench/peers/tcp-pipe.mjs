/**
 * TCP to TCP with Node's `pipe()`: what a proxy costs that does not look at the bytes, the floor.
 *
 *     node bench/peers/tcp-pipe.mjs PORT     in front of 127.0.0.1:PORT
 */
import { connect, createServer } from 'node:net';
import process from 'node:process';

const port = Number(process.argv[2]);
const server = createServer({ noDelay: true }, (client) => {
  const target = connect({ host: '127.0.0.1', port, noDelay: true });
  client.pipe(target);
  target.pipe(client);
  client.on('error', () => target.destroy());
  target.on('error', () => client.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `tcp://127.0.0.1:${address.port}` })}\n`,
  );
});
