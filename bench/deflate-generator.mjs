/**
 * The load of compressed messages, in a process of its own.
 *
 *     node bench/deflate-generator.mjs --port 9001 --conns 10 --depth 16 --size 1024 --seconds 3
 *
 * Each connection keeps `depth` messages in flight: when k replies have come, k new frames leave in one write. All
 * frames are compressed and masked before the start, and during the measurement replies are only counted, by their
 * headers: inflating them would cost more than some of the peers. They are inflated and compared afterwards: all that
 * came during the warm-up, and on the first connection all that came. The result is one line of JSON.
 */
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClientConnection, describeFrame, fail, failWith } from './client-connection.mjs';
import { buildCompressedTraffic } from './compressed-traffic.mjs';
import { FrameReader } from './frame-reader.mjs';
import { readCpuNs, readTreeCpuNs } from './process-usage.mjs';
import { verifyReplies } from './verify-replies.mjs';

const DRAIN_MS = 15_000;
/** What is kept for the comparison, of each connection, at most. */
const KEPT_BYTES = 64 * 1024 * 1024;
const inbox = Buffer.alloc(256 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    conns: { type: 'string', default: '1' },
    depth: { type: 'string', default: '1' },
    size: { type: 'string', default: '1024' },
    kind: { type: 'string', default: 'json' },
    ring: { type: 'string', default: '1024' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    // The server is several processes.
    tree: { type: 'boolean', default: false },
  },
});
const port = Number(values.port);
const conns = Number(values.conns);
const depth = Number(values.depth);
const ring = Number(values.ring);
const seconds = Number(values.seconds);
const warmupSeconds = Number(values.warmup);
const serverPid = Number(values.pid);
const kind = /** @type {import('./compressed-traffic.mjs').DocumentKind} */ (values.kind);

const traffic = buildCompressedTraffic({ kind, sizeBytes: Number(values.size), depth, ring });
const { messages, compressed, frames, offsets } = traffic;

let replyCount = 0;
let replyBytes = 0;
let isSending = true;
let isWarmingUp = true;

/** One connection: where it stands in the ring, and what has come on it. */
class Lane {
  #index;
  #first;
  #nextFrame;
  #complete = 0;
  /** @type {Buffer[]} */
  #kept = [];
  #keptBytes = 0;
  #isKeeping = true;
  inFlight = 0;

  /** @param {number} index */
  constructor(index) {
    this.#index = index;
    // Connections are apart in the ring, so that they do not all send the same.
    this.#first = this.#nextFrame = Math.floor((index * ring) / conns);
    this.connection = new ClientConnection({
      port,
      inbox,
      offersDeflate: true,
      onBytes: (length) => {
        this.#onBytes(length);
      },
    });
    this.reader = new FrameReader((first, payloadBytes) => {
      this.#onFrame(first, payloadBytes);
    });
  }

  /** @param {number} count of frames, no more than `depth` */
  send(count) {
    const start = offsets[this.#nextFrame];
    const end = offsets[this.#nextFrame + count];
    this.connection.socket.write(frames.subarray(start, end));
    this.#nextFrame = (this.#nextFrame + count) % ring;
    this.inFlight += count;
  }

  /** Inflates and compares what was kept. */
  verify() {
    const count = verifyReplies(this.#kept, (index) => messageAt(this.#first + index));
    this.#kept = [];
    return count;
  }

  /** @param {number} length */
  #onBytes(length) {
    if (this.#isKeeping) this.#keep(length);
    this.#complete = 0;
    this.reader.read(inbox, length);
    const count = this.#complete;
    if (count === 0) return;
    this.inFlight -= count;
    if (this.inFlight < 0) fail('more replies came than messages were sent');
    if (isSending) this.send(count);
  }

  /** @param {number} length */
  #keep(length) {
    this.#keptBytes += length;
    this.#isKeeping = (isWarmingUp || this.#index === 0) && this.#keptBytes <= KEPT_BYTES;
    if (this.#isKeeping) this.#kept.push(Buffer.from(inbox.subarray(0, length)));
  }

  /**
   * @param {number} first
   * @param {number} payloadBytes
   */
  #onFrame(first, payloadBytes) {
    if (first !== 0xc1 && (first !== 0xc2 || kind === 'json')) {
      // What cannot be compressed may come back as it is.
      if (first !== 0x82 || kind === 'json') fail(describeFrame(first));
    }
    this.#complete++;
    replyCount++;
    replyBytes += payloadBytes;
  }
}

/** @type {Lane[]} */
const lanes = [];
const guard = setTimeout(
  () => {
    const inFlight = lanes.reduce((sum, lane) => sum + lane.inFlight, 0);
    fail(`took too long: ${replyCount} replies came, ${inFlight} are still missing`);
  },
  (warmupSeconds + seconds) * 1000 + DRAIN_MS,
);
for (let index = 0; index < conns; index++) {
  const lane = new Lane(index);
  lanes.push(lane);
  await lane.connection.opened;
}
for (const lane of lanes) lane.send(depth);
await sleep(warmupSeconds * 1000);

isWarmingUp = false;
const before = snapshot();
await sleep(seconds * 1000);
const after = snapshot();

isSending = false;
while (lanes.some((lane) => lane.inFlight > 0)) await sleep(5);
clearTimeout(guard);
for (const lane of lanes) lane.connection.close();
await Promise.race([
  Promise.all(lanes.map((lane) => lane.connection.closed)),
  sleep(2000, undefined, { ref: false }),
]);
for (const lane of lanes) lane.connection.socket.destroy();

let verified = 0;
try {
  for (const lane of lanes) verified += lane.verify();
} catch (error) {
  failWith(error);
}
if (verified === 0) fail('no reply came during the warm-up: there is nothing to verify');

const count = after.messages - before.messages;
const elapsedSeconds = (after.timeMs - before.timeMs) / 1000;
const serverCpuNs = after.serverCpuNs - before.serverCpuNs;
const plainBytes = messages.reduce((sum, { payload }) => sum + payload.length, 0) / ring;
const result = {
  messages: count,
  seconds: elapsedSeconds,
  messagesPerSecond: count / elapsedSeconds,
  serverCpuNsPerMessage: serverCpuNs / count,
  serverBusy: serverCpuNs / 1e9 / elapsedSeconds,
  generatorBusy: (after.generatorCpuNs - before.generatorCpuNs) / 1e9 / elapsedSeconds,
  verified,
  plainBytes,
  wireInBytes: compressed.reduce((sum, { length }) => sum + length, 0) / ring,
  wireOutBytes: (after.replyBytes - before.replyBytes) / count,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function snapshot() {
  const { user, system } = process.cpuUsage();
  return {
    timeMs: performance.now(),
    messages: replyCount,
    replyBytes,
    serverCpuNs: values.tree ? readTreeCpuNs(serverPid) : readCpuNs(serverPid),
    generatorCpuNs: (user + system) * 1000,
  };
}

/** @param {number} index */
function messageAt(index) {
  return /** @type {import('./compressed-traffic.mjs').PlainMessage} */ (messages[index % ring]);
}
