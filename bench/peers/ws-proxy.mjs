/**
 * The proxy of 15 lines that people write on npm `ws`: each message is a write to the target, each read of the target
 * a message. It has no back-pressure, and answers the handshake before the target does.
 *
 *     node bench/peers/ws-proxy.mjs PORT     in front of 127.0.0.1:PORT
 */
import { connect } from 'node:net';
import process from 'node:process';
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2]);
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', (client) => {
  const target = connect({ host: '127.0.0.1', port, noDelay: true });
  // The default `binaryType` gives one Buffer for each message; its type allows for the others.
  client.on('message', (data) => target.write(/** @type {Buffer} */ (data)));
  target.on('data', (data) => {
    client.send(data);
  });
  client.on('close', () => target.end());
  target.on('end', () => {
    client.close();
  });
  client.on('error', () => target.destroy());
  target.on('error', () => {
    client.terminate();
  });
});
server.on('listening', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `ws://127.0.0.1:${address.port}` })}\n`,
  );
});
