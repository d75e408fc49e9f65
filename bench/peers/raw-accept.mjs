/**
 * Node's raw `net` as a server that is told nothing of WebSocket: it sends the bytes of an opening handshake for the first
 * it reads, and those of a Close and its end for the second. What accepting and ending a connection costs in Node.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import process from 'node:process';

const RESPONSE = Buffer.from(
  [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    '\r\n',
  ].join('\r\n'),
);
const CLOSE = Buffer.from([0x88, 0x02, 0x03, 0xe8]);

const server = createServer({ noDelay: true }, (socket) => {
  let isOpen = false;
  socket.on('data', () => {
    if (isOpen) {
      socket.end(CLOSE);
      return;
    }
    isOpen = true;
    socket.write(RESPONSE);
  });
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `tcp://127.0.0.1:${address.port}` })}\n`,
  );
});
