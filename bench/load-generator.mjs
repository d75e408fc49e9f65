/**
 * The load: raw sockets that speak just enough WebSocket, in a process of its own.
 *
 *     node bench/load-generator.mjs --port 9001 --conns 10 --depth 100 --size 64 --seconds 3
 *
 * Each connection keeps `depth` messages in flight: when k replies have come, k new frames leave in one write.
 * Every byte of every reply is compared with what it must be; a difference ends the process with status 1. The
 * result is one line of JSON on standard output. Round trips are timed on each connection, one message at a time:
 * the first of a write, then the first that is written after its reply.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { parseArgs } from 'node:util';
import { isOpeningAccepted, openingRequest } from './opening.mjs';
import { forgetPeak, readCpuNs, readPeakBytes, readResidentBytes } from './process-usage.mjs';
import { buildTraffic, encodeFrame } from './traffic.mjs';

const SLOWEST_US = 1_000_000;
const DRAIN_MS = 15_000;
const COUNT_LIMIT_MS = 120_000;
/** All connections read into this one buffer, which makes the generator cheaper than any peer it measures. */
const inbox = Buffer.alloc(256 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    peer: { type: 'string', default: 'websocket' },
    conns: { type: 'string', default: '1' },
    depth: { type: 'string', default: '1' },
    size: { type: 'string', default: '64' },
    fragment: { type: 'string' },
    kind: { type: 'string', default: 'binary' },
    seconds: { type: 'string', default: '3' },
    messages: { type: 'string' },
    warmup: { type: 'string', default: '1' },
    pid: { type: 'string' },
  },
});
const port = whole('port', 1, 65_535);
const conns = whole('conns', 1, 60_000);
const depth = whole('depth', 1, 100_000);
const sizeBytes = whole('size', 0, 1 << 28);
const fragmentBytes = values.fragment === undefined ? Infinity : whole('fragment', 1, 1 << 28);
const messageLimit = values.messages === undefined ? Infinity : whole('messages', 1, 2 ** 40);
const seconds = Number(values.seconds);
const warmupSeconds = Number(values.warmup);
const serverPid = values.pid === undefined ? null : whole('pid', 1, 2 ** 31);
const isRaw = values.peer === 'raw';
const isTls = values.peer === 'tls';
if (!['raw', 'websocket', 'tls'].includes(values.peer))
  fail('--peer must be raw, websocket or tls');
if (!['binary', 'ascii', 'text'].includes(values.kind))
  fail('--kind must be binary, ascii or text');
if (!(seconds > 0 && seconds <= 3600)) fail('--seconds must be over 0 and up to 3600');
if (!(warmupSeconds >= 0 && warmupSeconds <= 3600)) fail('--warmup must be from 0 to 3600');

const kind = /** @type {import('./traffic.mjs').PayloadKind} */ (values.kind);
const traffic = buildTraffic({ kind, sizeBytes, depth, isRaw, fragmentBytes });
const { frames, frameBytes, replies, replyBytes, ring } = traffic;
const request = openingRequest(port);
const closeFrame = encodeFrame(8, Buffer.from([0x03, 0xe8]), 0x01020304);
/** Round trips counted by whole microseconds; the last place holds all that took longer. */
const latencies = new Uint32Array(SLOWEST_US + 1);

let replyCount = 0;
let replyLimit = Infinity;
let isSending = true;
let isClosing = false;
/** @type {() => void} */
let onLimit = () => undefined;

/** One connection: where it stands in the ring of frames and in the ring of replies. */
class Lane {
  #received = '';
  #isOpen = isRaw;
  #nextFrame = 0;
  #inFlight = 0;
  #replyOffset = 0;
  #replyPart = 0;
  #timedAtMs = 0;
  /** How many replies are to come up to that to the message that is timed: one at a time on each connection. */
  #untilTimed = 0;
  /** @type {() => void} */
  #resolveOpen = () => undefined;

  /** Settles when the handshake is done, or for a raw peer the connection is there. */
  opened = /** @type {Promise<void>} */ (new Promise((resolve) => (this.#resolveOpen = resolve)));
  /** Settles when the peer has closed. */
  closed;

  constructor() {
    const options = {
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: inbox, callback: (/** @type {number} */ length) => this.#onRead(length) },
    };
    this.socket = isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
    this.socket.on(isTls ? 'secureConnect' : 'connect', () => {
      if (isRaw) this.#resolveOpen();
      else this.socket.write(request);
    });
    this.socket.on('error', (/** @type {Error} */ error) => {
      if (!isClosing) fail(`connection failed: ${error.message}`);
    });
    this.closed = /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        this.socket.on('close', () => {
          if (!isClosing) fail('the peer closed a connection in the middle of the run');
          resolve();
        });
      })
    );
  }

  get inFlight() {
    return this.#inFlight;
  }

  /** Fills the pipeline. */
  start() {
    this.#send(depth);
  }

  close() {
    if (isRaw) this.socket.end();
    else this.socket.write(closeFrame);
  }

  /** @param {number} count of frames, no more than `depth` */
  #send(count) {
    const start = this.#nextFrame * frameBytes;
    this.socket.write(frames.subarray(start, start + count * frameBytes));
    this.#nextFrame = (this.#nextFrame + count) % ring;
    if (this.#untilTimed === 0) {
      this.#untilTimed = this.#inFlight + 1;
      this.#timedAtMs = performance.now();
    }
    this.#inFlight += count;
  }

  /** @param {number} length of what lies in the inbox */
  #onRead(length) {
    if (isClosing) return true;
    if (!this.#isOpen) {
      this.#open(length);
      return true;
    }
    const start = this.#replyOffset;
    const end = start + length;
    if (start - this.#replyPart + this.#inFlight * replyBytes < end) {
      fail(
        `${length} bytes came where ${this.#inFlight * replyBytes - this.#replyPart} were expected`,
      );
    }
    if (replies.compare(inbox, 0, length, start, end) !== 0) failAtDifference(start, length);
    this.#replyOffset = end % (ring * replyBytes);
    const complete = Math.floor((this.#replyPart + length) / replyBytes);
    this.#replyPart = (this.#replyPart + length) % replyBytes;
    if (complete > 0) this.#onReplies(complete);
    return true;
  }

  /** @param {number} count */
  #onReplies(count) {
    this.#untilTimed -= count;
    if (this.#untilTimed <= 0) {
      this.#untilTimed = 0;
      const tookUs = Math.round((performance.now() - this.#timedAtMs) * 1000);
      const place = Math.min(tookUs, SLOWEST_US);
      latencies[place] = (latencies[place] ?? 0) + 1;
    }
    this.#inFlight -= count;
    replyCount += count;
    if (isSending) this.#send(count);
    if (replyCount >= replyLimit) onLimit();
  }

  /** @param {number} length */
  #open(length) {
    this.#received += inbox.toString('latin1', 0, length);
    try {
      if (!isOpeningAccepted(this.#received)) return;
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
    this.#received = '';
    this.#isOpen = true;
    this.#resolveOpen();
  }
}

/** @type {Lane[]} */
const lanes = [];
const guard = setTimeout(
  () => {
    const inFlight = lanes.reduce((sum, lane) => sum + lane.inFlight, 0);
    fail(`took too long: ${replyCount} replies came, ${inFlight} are still missing`);
  },
  (messageLimit === Infinity ? (warmupSeconds + seconds) * 1000 : COUNT_LIMIT_MS) + DRAIN_MS,
);

const idleBytes = serverPid === null ? null : readResidentBytes(serverPid);
if (serverPid !== null) forgetPeak(serverPid);
for (let index = 0; index < conns; index++) {
  const lane = new Lane();
  lanes.push(lane);
  await lane.opened;
}
for (const lane of lanes) lane.start();
await sleep(warmupSeconds * 1000);

latencies.fill(0);
const before = snapshot();
if (messageLimit === Infinity) {
  await sleep(seconds * 1000);
} else {
  await /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      onLimit = resolve;
      replyLimit = before.messages + messageLimit;
    })
  );
}
const after = snapshot();
const p50Us = percentile(0.5);
const p99Us = percentile(0.99);
const peakBytes = serverPid === null ? null : readPeakBytes(serverPid);

// What is still on its way is checked too.
isSending = false;
while (lanes.some((lane) => lane.inFlight > 0)) await sleep(5);
isClosing = true;
for (const lane of lanes) lane.close();
await Promise.race([
  Promise.all(lanes.map((lane) => lane.closed)),
  sleep(2000, undefined, { ref: false }),
]);
for (const lane of lanes) lane.socket.destroy();
clearTimeout(guard);

const messages = after.messages - before.messages;
const elapsedSeconds = (after.timeMs - before.timeMs) / 1000;
const serverCpuNs = serverPid === null ? null : after.serverCpuNs - before.serverCpuNs;
const result = {
  messages,
  seconds: elapsedSeconds,
  messagesPerSecond: messages / elapsedSeconds,
  serverCpuNsPerMessage: serverCpuNs === null ? null : serverCpuNs / messages,
  serverBusy: serverCpuNs === null ? null : serverCpuNs / 1e9 / elapsedSeconds,
  generatorBusy: (after.generatorCpuNs - before.generatorCpuNs) / 1e9 / elapsedSeconds,
  latencyP50Us: p50Us,
  latencyP99Us: p99Us,
  idleResidentBytes: idleBytes,
  peakResidentBytes: peakBytes,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function snapshot() {
  const { user, system } = process.cpuUsage();
  return {
    timeMs: performance.now(),
    messages: replyCount,
    serverCpuNs: serverPid === null ? 0 : readCpuNs(serverPid),
    generatorCpuNs: (user + system) * 1000,
  };
}

/** @param {number} share from 0 to 1 */
function percentile(share) {
  const rank = latencies.reduce((sum, count) => sum + count, 0) * share;
  let seen = 0;
  return latencies.findIndex((count) => (seen += count) >= rank);
}

/**
 * @param {number} start place in `replies` of the first byte that came
 * @param {number} length of what came
 * @returns {never}
 */
function failAtDifference(start, length) {
  let at = 0;
  while (at < length && inbox[at] === replies[start + at]) at++;
  const place = (start + at) % replyBytes;
  const wanted = replies[start + at] ?? 0;
  fail(
    `wrong reply: byte ${place} of a message of ${replyBytes} bytes is ${hex(inbox[at] ?? 0)}, not ${hex(wanted)}` +
      ` (message ${Math.floor((start + at) / replyBytes) % ring} of the ring of ${ring}, after ${replyCount} right ones)`,
  );
}

/** @param {number} byte */
function hex(byte) {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/**
 * @param {'port' | 'conns' | 'depth' | 'size' | 'fragment' | 'messages' | 'pid'} name
 * @param {number} min
 * @param {number} max
 */
function whole(name, min, max) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  return fail(`--${name} must be a whole number from ${min} to ${max}`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`load-generator: ${message}\n`);
  process.exit(1);
}
