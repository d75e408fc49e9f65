/**
 * A TCP service behind `--tcp`: it sends back what it gets. Whoever begins with `flood` gets bytes without end, for
 * as long as the plan says, and whoever begins with `sink` gets nothing.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import process from 'node:process';
import { setTimeout } from 'node:timers';
import { listenForLines, readPlan, say } from './child.mjs';

const { seconds } = /** @type {{ seconds: number }} */ (readPlan());
const PIECE = Buffer.alloc(64 * 1024, 'f');

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (first) => {
    const word = first.toString('latin1', 0, 5);
    if (word === 'flood') {
      socket.on('data', () => undefined);
      const pour = () => {
        while (!socket.destroyed && socket.write(PIECE));
      };
      socket.on('drain', pour);
      pour();
    } else if (word.startsWith('sink')) {
      socket.on('data', () => undefined);
    } else {
      socket.write(first);
      socket.pipe(socket);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  say({ port: /** @type {import('node:net').AddressInfo} */ (server.address()).port });
});
setTimeout(() => process.exit(0), seconds * 1000).unref();
listenForLines(() => undefined);
