/**
 * Makes TLS handshakes, one after the other on each of several lanes, and hangs up after each:
 *
 *     node bench/handshake-client.mjs --port 9001 --pid 1234 --seconds 3 --resume
 *
 * With `--resume` each lane has a ticket, and uses it every time. The result is one line of JSON.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { parseArgs } from 'node:util';
import { readCpuNs } from './process-usage.mjs';

const LANES = 8;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    resume: { type: 'boolean', default: false },
  },
});
const pid = Number(values.pid);
let handshakes = 0;
let isRunning = true;

/**
 * @param {Buffer | undefined} session
 * @param {boolean} wantsTicket
 * @returns {Promise<Buffer | undefined>} its ticket, when that is waited for
 */
function shakeHands(session, wantsTicket) {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(values.port),
      servername: 'localhost',
      rejectUnauthorized: false,
      ...(session ? { session } : {}),
    });
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      if (session && !socket.isSessionReused()) reject(new Error('the session was not resumed'));
      // Our last message of the handshake has to leave before we do.
      if (!wantsTicket) socket.end();
    });
    socket.on('close', () => {
      resolve(session);
    });
    socket.resume();
    socket.on('session', (/** @type {Buffer} */ ticket) => {
      if (!wantsTicket) return;
      socket.destroy();
      resolve(ticket);
    });
  });
}

async function runLane() {
  const session = values.resume ? await shakeHands(undefined, true) : undefined;
  while (isRunning) {
    await shakeHands(session, false);
    handshakes++;
  }
}

const lanes = Array.from({ length: LANES }, runLane);
const failed = Promise.all(lanes).then(() => undefined);
await Promise.race([sleep(Number(values.warmup) * 1000), failed]);
const before = { handshakes, cpuNs: readCpuNs(pid), ms: performance.now() };
await Promise.race([sleep(Number(values.seconds) * 1000), failed]);
const count = handshakes - before.handshakes;
const seconds = (performance.now() - before.ms) / 1000;
process.stdout.write(
  `${JSON.stringify({
    handshakes: count,
    perSecond: count / seconds,
    serverCpuNsPerHandshake: (readCpuNs(pid) - before.cpuNs) / count,
  })}\n`,
);
isRunning = false;
await failed;
