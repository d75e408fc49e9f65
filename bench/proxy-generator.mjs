/**
 * The load of the measurement `proxy`: messages through a proxy to a TCP service that sends every byte back.
 *
 *     node bench/proxy-generator.mjs --port 9001 --conns 10 --depth 100 --size 64 --seconds 3
 *
 * A proxy to TCP knows no messages of its target, so that what comes back may be cut into frames in any way: replies are
 * counted by bytes of payload. Each of those bytes is compared with what was sent; a difference ends the process with
 * status 1. The result is one line of JSON on standard output.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fail, failWith } from './client-connection.mjs';
import { FrameReader } from './frame-reader.mjs';
import { isOpeningAccepted, openingRequest } from './opening.mjs';
import { readCpuNs, readTreeCpuNs } from './process-usage.mjs';
import { buildTraffic, encodeFrame } from './traffic.mjs';

const SLOWEST_US = 1_000_000;
const DRAIN_MS = 15_000;
/** Any bit of these in a frame's first byte, and it is neither binary nor a continuation, or has a reserved bit. */
const NOT_BINARY = 0x7d;
/** All connections read into this one buffer. */
const inbox = Buffer.alloc(256 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    speaks: { type: 'string', default: 'websocket' },
    conns: { type: 'string', default: '1' },
    depth: { type: 'string', default: '1' },
    size: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    pid: { type: 'string' },
    'target-pid': { type: 'string' },
  },
});
const port = whole('port', 1, 65_535);
const conns = whole('conns', 1, 60_000);
const depth = whole('depth', 1, 100_000);
const sizeBytes = whole('size', 1, 1 << 28);
const seconds = Number(values.seconds);
const warmupSeconds = Number(values.warmup);
const proxyPid = values.pid === undefined ? null : whole('pid', 1, 2 ** 31);
const targetPid = values['target-pid'] === undefined ? null : whole('target-pid', 1, 2 ** 31);
const isTcp = values.speaks === 'tcp';
if (!['tcp', 'websocket'].includes(values.speaks)) fail('--speaks must be tcp or websocket');
if (!(seconds > 0 && seconds <= 3600)) fail('--seconds must be over 0 and up to 3600');
if (!(warmupSeconds >= 0 && warmupSeconds <= 3600)) fail('--warmup must be from 0 to 3600');

const { frames, frameBytes, payloads, ring } = buildProxyTraffic();
const ringBytes = ring * sizeBytes;
const request = openingRequest(port);
const closeFrame = encodeFrame(8, Buffer.from([0x03, 0xe8]), 0x01020304);
const isTimed = depth === 1;
/** Round trips counted by whole microseconds; the last place holds all that took longer. */
const latencies = new Uint32Array(isTimed ? SLOWEST_US + 1 : 0);

let echoedBytes = 0;
let isSending = true;
let isClosing = false;

/** One connection: where it stands in the ring of frames, and in the ring of what must come back. */
class Lane {
  #received = '';
  #isOpen = isTcp;
  #nextFrame = 0;
  /** Bytes of payload that are on their way. */
  #dueBytes = 0;
  #replyOffset = 0;
  /** Bytes that have come of messages that no new one was sent for yet. */
  #replyPart = 0;
  #sentAtMs = 0;
  #reader = new FrameReader(checkBinary, (first, start, end) => {
    checkBinary(first);
    this.#take(start, end);
  });
  /** @type {() => void} */
  #resolveOpen = () => undefined;

  /** Settles when the handshake is done, or for plain TCP the connection is there. */
  opened = /** @type {Promise<void>} */ (new Promise((resolve) => (this.#resolveOpen = resolve)));
  /** Settles when the proxy has closed. */
  closed;

  constructor() {
    this.socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: inbox, callback: (length) => this.#onRead(length) },
    });
    this.socket.on('connect', () => {
      if (isTcp) this.#resolveOpen();
      else this.socket.write(request);
    });
    this.socket.on('error', (error) => {
      if (!isClosing) fail(`connection failed: ${error.message}`);
    });
    this.closed = /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        this.socket.on('close', () => {
          if (!isClosing) fail('the proxy closed a connection in the middle of the run');
          resolve();
        });
      })
    );
  }

  get dueBytes() {
    return this.#dueBytes;
  }

  /** Fills the pipeline. */
  start() {
    this.#send(depth);
  }

  close() {
    if (isTcp) this.socket.end();
    else this.socket.write(closeFrame);
  }

  /** @param {number} count of messages, no more than `depth` */
  #send(count) {
    const start = this.#nextFrame * frameBytes;
    this.socket.write(frames.subarray(start, start + count * frameBytes));
    this.#nextFrame = (this.#nextFrame + count) % ring;
    this.#dueBytes += count * sizeBytes;
    if (isTimed) this.#sentAtMs = performance.now();
  }

  /** @param {number} length of what lies in the inbox */
  #onRead(length) {
    if (isClosing) return true;
    if (!this.#isOpen) {
      this.#open(length);
      return true;
    }
    if (isTcp) this.#take(0, length);
    else this.#readFrames(length);
    const complete = Math.floor(this.#replyPart / sizeBytes);
    if (complete === 0) return true;
    this.#replyPart -= complete * sizeBytes;
    if (isTimed) this.#countLatency();
    if (isSending) this.#send(complete);
    return true;
  }

  /** @param {number} length */
  #readFrames(length) {
    try {
      this.#reader.read(inbox, length);
    } catch (error) {
      failWith(error);
    }
  }

  /**
   * Compares what has come with what is due, which lies in one piece: the ring is followed by its beginning.
   * @param {number} from in the inbox
   * @param {number} to
   */
  #take(from, to) {
    const length = to - from;
    if (length > this.#dueBytes)
      fail(`${length} bytes of payload came where ${this.#dueBytes} were due`);
    const start = this.#replyOffset;
    if (payloads.compare(inbox, from, to, start, start + length) !== 0)
      failAtDifference(from, to, start);
    this.#replyOffset = (start + length) % ringBytes;
    this.#dueBytes -= length;
    this.#replyPart += length;
    echoedBytes += length;
  }

  #countLatency() {
    const tookUs = Math.round((performance.now() - this.#sentAtMs) * 1000);
    const place = Math.min(tookUs, SLOWEST_US);
    latencies[place] = (latencies[place] ?? 0) + 1;
  }

  /** @param {number} length */
  #open(length) {
    this.#received += inbox.toString('latin1', 0, length);
    try {
      if (!isOpeningAccepted(this.#received)) return;
    } catch (error) {
      failWith(error);
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
    const missing = lanes.reduce((sum, lane) => sum + lane.dueBytes, 0);
    fail(`took too long: ${echoedBytes} bytes came back, ${missing} are still missing`);
  },
  (warmupSeconds + seconds) * 1000 + DRAIN_MS,
);

for (let index = 0; index < conns; index++) {
  const lane = new Lane();
  lanes.push(lane);
  await lane.opened;
}
for (const lane of lanes) lane.start();
await sleep(warmupSeconds * 1000);

latencies.fill(0);
const before = snapshot();
await sleep(seconds * 1000);
const after = snapshot();
const p50Us = percentile(0.5);
const p99Us = percentile(0.99);

// What is still on its way is checked too.
isSending = false;
while (lanes.some((lane) => lane.dueBytes > 0)) await sleep(5);
isClosing = true;
for (const lane of lanes) lane.close();
await Promise.race([
  Promise.all(lanes.map((lane) => lane.closed)),
  sleep(2000, undefined, { ref: false }),
]);
for (const lane of lanes) lane.socket.destroy();
clearTimeout(guard);

const bytes = after.bytes - before.bytes;
const messages = bytes / sizeBytes;
const megabytes = bytes / 1e6;
const elapsedSeconds = (after.timeMs - before.timeMs) / 1000;
const proxyCpuNs = after.proxyCpuNs - before.proxyCpuNs;
const clientCpuNs = after.clientCpuNs - before.clientCpuNs;
const result = {
  messages,
  seconds: elapsedSeconds,
  messagesPerSecond: messages / elapsedSeconds,
  megabytesPerSecond: megabytes / elapsedSeconds,
  cpuUsPerMessage: proxyPid === null ? null : proxyCpuNs / 1000 / messages,
  cpuMsPerMegabyte: proxyPid === null ? null : proxyCpuNs / 1e6 / megabytes,
  proxyBusy: proxyPid === null ? null : proxyCpuNs / 1e9 / elapsedSeconds,
  clientBusy: clientCpuNs / 1e9 / elapsedSeconds,
  latencyP50Us: p50Us,
  latencyP99Us: p99Us,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** Both ends of the window are read alike: what reading costs shifts the two equally. */
function snapshot() {
  const proxyCpuNs = proxyPid === null ? 0 : readTreeCpuNs(proxyPid);
  const { user, system } = process.cpuUsage();
  return {
    proxyCpuNs,
    bytes: echoedBytes,
    timeMs: performance.now(),
    clientCpuNs: (user + system) * 1000 + (targetPid === null ? 0 : readCpuNs(targetPid)),
  };
}

/** The frames to send, or the messages alone for plain TCP, and the payloads to come back, each ring with its beginning behind it. */
function buildProxyTraffic() {
  const traffic = buildTraffic({ kind: 'binary', sizeBytes, depth, isRaw: false });
  const headerBytes = traffic.replyBytes - sizeBytes;
  const payloads = Buffer.concat(
    Array.from({ length: traffic.ring + depth }, (_, index) => {
      const start = index * traffic.replyBytes + headerBytes;
      return traffic.replies.subarray(start, start + sizeBytes);
    }),
  );
  return {
    frames: isTcp ? payloads : traffic.frames,
    frameBytes: isTcp ? sizeBytes : traffic.frameBytes,
    payloads,
    ring: traffic.ring,
  };
}

/** @param {number} first byte of a frame */
function checkBinary(first) {
  if ((first & NOT_BINARY) === 0) return;
  fail(`a frame came that is no part of a binary message (first byte 0x${first.toString(16)})`);
}

/** @param {number} share from 0 to 1 */
function percentile(share) {
  if (!isTimed) return null;
  const rank = latencies.reduce((sum, count) => sum + count, 0) * share;
  let seen = 0;
  return latencies.findIndex((count) => (seen += count) >= rank);
}

/**
 * @param {number} from in the inbox
 * @param {number} to
 * @param {number} start place in `payloads` of the first byte that came
 * @returns {never}
 */
function failAtDifference(from, to, start) {
  let at = 0;
  while (from + at < to && inbox[from + at] === payloads[start + at]) at++;
  const message = Math.floor((start + at) / sizeBytes) % ring;
  fail(
    `wrong reply: byte ${(start + at) % sizeBytes} of a message of ${sizeBytes} bytes is ${inbox[from + at] ?? -1}, ` +
      `not ${payloads[start + at] ?? -1} (message ${message} of the ring of ${ring}, after ${echoedBytes} right bytes)`,
  );
}

/**
 * @param {'port' | 'conns' | 'depth' | 'size' | 'pid' | 'target-pid'} name
 * @param {number} min
 * @param {number} max
 */
function whole(name, min, max) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  return fail(`--${name} must be a whole number from ${min} to ${max}`);
}
