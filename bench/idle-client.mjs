/**
 * Opens many connections and keeps them quiet, in a process of its own, until its standard input ends.
 *
 *     node bench/idle-client.mjs --port 9001 --conns 10000
 *
 * Each connection sends an opening handshake and waits for the answer; a raw peer returns the request itself, so
 * that its connections have read and written as much. Prints `{"open":10000}` when all are open.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { isOpeningAccepted, openingRequest } from './opening.mjs';
import { encodeFrame } from './traffic.mjs';

/** Connections being opened at a time: well within every listen backlog. */
const AT_ONCE = 64;
const PING = 0x89;

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    peer: { type: 'string', default: 'websocket' },
    conns: { type: 'string', default: '10000' },
  },
});
const port = Number(values.port);
const conns = Number(values.conns);
const isRaw = values.peer === 'raw';
const request = openingRequest(port);
const inbox = Buffer.alloc(64 * 1024);
/** One address has some 28,000 ports for one server: when they run out, the next one serves. */
let addressNumber = 0;

/** @type {import('node:net').Socket[]} */
const sockets = [];
let started = 0;
await Promise.all(Array.from({ length: Math.min(AT_ONCE, conns) }, openOneAfterAnother));
process.stdout.write(`${JSON.stringify({ open: sockets.length })}\n`);

process.stdin.resume();
process.stdin.once('end', () => {
  // A reset leaves no connection waiting in the system for its port.
  for (const socket of sockets) socket.resetAndDestroy();
});

async function openOneAfterAnother() {
  while (started < conns) {
    started++;
    sockets.push(await open());
  }
}

/** @returns {Promise<import('node:net').Socket>} */
function open() {
  return new Promise((resolve) => {
    let received = '';
    let isOpen = false;
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      ...(addressNumber === 0 ? {} : { localAddress: `127.0.0.${1 + addressNumber}` }),
      onread: {
        buffer: inbox,
        callback: (length) => {
          if (isOpen) {
            answerPing(socket, length);
            return true;
          }
          received += inbox.toString('latin1', 0, length);
          if (isComplete(received)) {
            isOpen = true;
            received = '';
            resolve(socket);
          }
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(request));
    socket.on('error', (error) => {
      if (isOpen) fail(`an idle connection failed: ${error.message}`);
      if ('code' in error && error.code === 'EADDRNOTAVAIL' && addressNumber < 200) {
        addressNumber++;
        resolve(open());
      } else {
        fail(`connection ${sockets.length + 1} failed: ${error.message}`);
      }
    });
    socket.on('end', () => {
      fail(`the peer closed a connection, ${sockets.length} were open`);
    });
  });
}

/** @param {string} received */
function isComplete(received) {
  if (isRaw) return received.length >= request.length;
  try {
    return isOpeningAccepted(received);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/**
 * A server may ask whether the connection is alive.
 * @param {import('node:net').Socket} socket
 * @param {number} length of what lies in the inbox
 */
function answerPing(socket, length) {
  if (inbox[0] !== PING || inbox[1] !== length - 2)
    fail('an idle connection got what nobody asked for');
  socket.write(encodeFrame(10, inbox.subarray(2, length), 0x01020304));
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`idle-client: ${message}\n`);
  process.exit(1);
}
