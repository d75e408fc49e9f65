/**
 * Node's raw `net` as a server that only reads: it answers what looks like an opening handshake, then is told how many bytes
 * a message has, in four, and sends one byte when so many have come. What reading costs in Node.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import process from 'node:process';

const RESPONSE = Buffer.from(
  'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
);
const ANNOUNCED_BYTES = 4;

const server = createServer({ noDelay: true }, (socket) => {
  let isOpen = false;
  let dueBytes = 0;
  socket.on('data', (data) => {
    if (!isOpen) {
      isOpen = true;
      socket.write(RESPONSE);
      return;
    }
    let length = data.length;
    if (dueBytes === 0) {
      dueBytes = data.readUInt32BE();
      length -= ANNOUNCED_BYTES;
    }
    dueBytes -= length;
    if (dueBytes === 0) socket.write(Buffer.from([1]));
  });
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stderr.write(
    `${JSON.stringify({ msg: 'listening', address: `tcp://127.0.0.1:${address.port}` })}\n`,
  );
});
