/**
 * Many idle connections in a process of their own, from several addresses of this machine: it answers pings and
 * counts them, and what it loses.
 *
 *     node bench/hostile/good/idle-client.mjs '{"port":9001,"connections":10000}'
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { listenForLines, readPlan, say } from '../child.mjs';
import { requestHead } from '../attacks/attack.mjs';
import { frame } from '../attacks/payloads.mjs';

const AT_ONCE = 64;
/** One address has some 28,000 ports for one server. */
const PER_ADDRESS = 2000;
const PING = 0x89;

const { port, connections } = /** @type {{ port: number, connections: number }} */ (readPlan());
const inbox = Buffer.alloc(64 * 1024);
const pingsOf = new Uint32Array(connections);
let pings = 0;
let pongs = 0;
let lost = 0;
let started = 0;

await Promise.all(Array.from({ length: AT_ONCE }, openOneAfterAnother));
say({ open: connections - lost });
listenForLines(() => {
  say({ lost, pings, pongs, pingsEach: Math.min(...pingsOf) });
});

async function openOneAfterAnother() {
  while (started < connections) await open(started++);
}

/**
 * @param {number} index
 * @returns {Promise<void>}
 */
function open(index) {
  return new Promise((resolve) => {
    let received = '';
    let isOpen = false;
    const socket = connect({
      host: '127.0.0.1',
      port,
      localAddress: `127.0.0.${1 + Math.floor(index / PER_ADDRESS)}`,
      onread: {
        buffer: inbox,
        callback: (length) => {
          if (isOpen) {
            answer(length);
            return true;
          }
          received += inbox.toString('latin1', 0, length);
          if (!received.includes('\r\n\r\n')) return true;
          isOpen = received.startsWith('HTTP/1.1 101');
          received = '';
          resolve();
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(requestHead('/')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      lost++;
      resolve();
    });

    /** @param {number} length */
    function answer(length) {
      if (inbox[0] !== PING) return;
      pings++;
      pingsOf[index] = (pingsOf[index] ?? 0) + 1;
      socket.write(frame(0x8a, inbox.subarray(2, length)), (error) => {
        if (!error) pongs++;
      });
    }
  });
}
