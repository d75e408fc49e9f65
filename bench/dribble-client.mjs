/**
 * Messages that come a byte at a time, in a process of its own: each connection writes one byte, then the next one does, so
 * that a server reads as little as one byte at a time.
 *
 *     node bench/dribble-client.mjs --port 9001 --pid 4711 --conns 8 --size 65536 --messages 2
 *
 * Every reply is compared with what was sent. The result is one line of JSON.
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
    conns: { type: 'string', default: '8' },
    size: { type: 'string', default: '65536' },
    messages: { type: 'string', default: '1' },
  },
});
const conns = Number(values.conns);
const messages = Number(values.messages);
const pid = Number(values.pid);
const { frames, frameBytes, replies, replyBytes } = buildTraffic({
  kind: 'binary',
  sizeBytes: Number(values.size),
  depth: 1,
  isRaw: false,
});

class Lane {
  received = 0;

  constructor() {
    this.connection = new ClientConnection({
      port: Number(values.port),
      inbox,
      offersDeflate: false,
      onBytes: (length) => {
        const end = this.received + length;
        if (replies.compare(inbox, 0, length, this.received, end) !== 0) fail('a wrong reply came');
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

// The first is not counted: what is compiled at the first time is no figure.
await sendAll();
const startNs = readCpuNs(pid);
const startMs = performance.now();
for (let count = 0; count < messages; count++) await sendAll();
const elapsedSeconds = (performance.now() - startMs) / 1000;
const serverCpuNs = readCpuNs(pid) - startNs;
clearTimeout(guard);
for (const { connection } of lanes) connection.reset();
process.stdout.write(
  `${JSON.stringify({
    messages: conns * messages,
    seconds: elapsedSeconds,
    serverCpuNsPerMessage: serverCpuNs / (conns * messages),
    serverBusy: serverCpuNs / 1e9 / elapsedSeconds,
  })}\n`,
);

/** One message on each connection, until all are answered. */
async function sendAll() {
  for (const lane of lanes) lane.received = 0;
  for (let at = 0; at < frameBytes; at++) {
    const byte = frames.subarray(at, at + 1);
    for (const { connection } of lanes) connection.socket.write(byte);
    // Answers are read, and nothing piles up, where the kernel takes no more.
    if (lanes.some(({ connection }) => connection.socket.writableLength > 0) || at % 16 === 0)
      await nextTurn();
  }
  while (lanes.some(({ received }) => received < replyBytes)) await nextTurn();
}
