/**
 * Messages that come a byte at a time, in a process of its own: each connection writes one byte, then the next one does, and
 * no more often than a server can read each of them alone.
 *
 *     node bench/dribble-client.mjs --port 9001 --pid 4711 --conns 4 --size 65536
 *
 * Every reply is compared with what was sent; a raw peer sends one byte for each message. The result is one line of JSON.
 */
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClientConnection, fail } from './client-connection.mjs';
import { readCpuNs } from './process-usage.mjs';
import { buildTraffic } from './traffic.mjs';

const LIMIT_MS = 120_000;
const inbox = Buffer.alloc(256 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    peer: { type: 'string', default: 'websocket' },
    conns: { type: 'string', default: '4' },
    size: { type: 'string', default: '65536' },
    pace: { type: 'string', default: '9' },
  },
});
const conns = Number(values.conns);
const pid = Number(values.pid);
/** Between two bytes: longer than a server in Node takes for a read. */
const paceMs = Number(values.pace) / 1000;
const isRaw = values.peer === 'raw';

class Lane {
  received = 0;
  /** What must come. @type {Buffer} */
  reply = Buffer.alloc(0);

  constructor() {
    this.connection = new ClientConnection({
      port: Number(values.port),
      inbox,
      offersDeflate: false,
      onBytes: (length) => {
        const end = this.received + length;
        if (this.reply.compare(inbox, 0, length, this.received, end) !== 0)
          fail('a wrong reply came');
        this.received = end;
      },
    });
  }
}

const guard = setTimeout(() => {
  fail('took too long');
}, LIMIT_MS);
/** @type {Lane[]} */
const lanes = [];
for (let index = 0; index < conns; index++) {
  const lane = new Lane();
  lanes.push(lane);
  await lane.connection.opened;
}

// A smaller one first: what is compiled at the first time is no figure.
await sendAll(Math.ceil(Number(values.size) / 8));
const startNs = readCpuNs(pid);
const startMs = performance.now();
await sendAll(Number(values.size));
const elapsedSeconds = (performance.now() - startMs) / 1000;
const serverCpuNs = readCpuNs(pid) - startNs;
clearTimeout(guard);
for (const { connection } of lanes) connection.reset();
process.stdout.write(
  `${JSON.stringify({
    messages: conns,
    seconds: elapsedSeconds,
    serverCpuNsPerMessage: serverCpuNs / conns,
    serverBusy: serverCpuNs / 1e9 / elapsedSeconds,
  })}\n`,
);

/**
 * One message on each connection, until all are answered.
 * @param {number} sizeBytes
 */
async function sendAll(sizeBytes) {
  const { frames, frameBytes, replies, replyBytes } = buildTraffic({
    ...{ kind: 'binary', depth: 1, isRaw: false },
    sizeBytes,
  });
  const reply = isRaw ? Buffer.from([1]) : replies.subarray(0, replyBytes);
  for (const lane of lanes) {
    lane.received = 0;
    lane.reply = reply;
  }
  if (isRaw) {
    // How many bytes a message has: it knows no header.
    const announced = Buffer.alloc(4);
    announced.writeUInt32BE(frameBytes);
    for (const { connection } of lanes) connection.socket.write(announced);
  }
  let dueMs = performance.now();
  for (let at = 0; at < frameBytes; at++) {
    const byte = frames.subarray(at, at + 1);
    for (const { connection } of lanes) {
      while (performance.now() < dueMs);
      dueMs += paceMs;
      connection.socket.write(byte);
    }
    // What comes is read, and nothing piles up where the kernel takes no more.
    if (at % 16 === 0 || lanes.some(({ connection }) => connection.socket.writableLength > 0))
      await nextTurn();
  }
  while (lanes.some(({ received }) => received < reply.length)) await nextTurn();
}
