/**
 * Large compressed messages on some connections, and one byte to and fro on another, in a process of its own.
 *
 *     node bench/deflate-large-client.mjs --port 9001 --conns 4 --size 16777216 --seconds 10
 *
 * The one byte goes every 5 ms, whether or not the last one has come back, on a connection that has no compression: how
 * long its reply takes says how long the server's event loop was stopped. The large messages are compressed and masked
 * before the start, one is in flight on each connection, and the first reply on each is inflated and compared
 * afterwards. The result is one line of JSON.
 */
import { Buffer } from 'node:buffer';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClientConnection, describeFrame, fail, failWith } from './client-connection.mjs';
import { buildCompressedTraffic } from './compressed-traffic.mjs';
import { FrameReader } from './frame-reader.mjs';
import { readCpuNs } from './process-usage.mjs';
import { encodeFrame } from './traffic.mjs';
import { verifyReplies } from './verify-replies.mjs';

const PROBE_MS = 5;
const DRAIN_MS = 30_000;
const PROBE_FRAME = encodeFrame(2, Buffer.from('x'), 0x01020304);
/** Small, so that reading large replies does not hold up the small ones here. */
const inbox = Buffer.alloc(64 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    conns: { type: 'string', default: '4' },
    size: { type: 'string', default: '16777216' },
    kind: { type: 'string', default: 'json' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '2' },
  },
});
const port = Number(values.port);
const serverPid = Number(values.pid);
const conns = Number(values.conns);
const seconds = Number(values.seconds);
const warmupSeconds = Number(values.warmup);
const kind = /** @type {import('./compressed-traffic.mjs').DocumentKind} */ (values.kind);
// A different message for each connection; there is nothing to gain from more, as they are longer than any history.
const traffic = buildCompressedTraffic({
  kind,
  sizeBytes: Number(values.size),
  depth: 1,
  ring: Math.max(1, conns),
});

let largeCount = 0;
let isSending = true;

class LargeLane {
  #index;
  #reader;
  /** @type {Buffer[]} */
  #kept = [];
  #count = 0;
  isBusy = false;

  /** @param {number} index */
  constructor(index) {
    this.#index = index;
    this.connection = new ClientConnection({
      port,
      inbox,
      offersDeflate: true,
      onBytes: (length) => {
        if (this.#count === 0) this.#kept.push(Buffer.from(inbox.subarray(0, length)));
        this.#reader.read(inbox, length);
      },
    });
    this.#reader = new FrameReader((first) => {
      if (first !== 0xc1 && first !== 0xc2) fail(describeFrame(first));
      this.#count++;
      largeCount++;
      this.isBusy = false;
      if (isSending) this.send();
    });
  }

  send() {
    const { frames, offsets } = traffic;
    this.isBusy = true;
    this.connection.socket.write(
      frames.subarray(offsets[this.#index], offsets[this.#index + 1] ?? 0),
    );
  }

  verify() {
    const message = /** @type {import('./compressed-traffic.mjs').PlainMessage} */ (
      traffic.messages[this.#index]
    );
    return verifyReplies(this.#kept, () => message);
  }
}

/** @type {number[]} when each byte that is on its way was sent */
const sentAtMs = [];
/** @type {number[]} */
let latenciesMs = [];
const probeReader = new FrameReader((first, payloadBytes) => {
  const sentMs = sentAtMs.shift();
  if (first !== 0x82 || payloadBytes !== 1 || sentMs === undefined) fail('a wrong reply came');
  latenciesMs.push(performance.now() - sentMs);
});
const probe = new ClientConnection({
  port,
  inbox,
  offersDeflate: false,
  onBytes: (length) => {
    probeReader.read(inbox, length);
  },
});
await probe.opened;

/** @type {LargeLane[]} */
const lanes = [];
for (let index = 0; index < conns; index++) {
  const lane = new LargeLane(index);
  lanes.push(lane);
  await lane.connection.opened;
}
const guard = setTimeout(
  () => {
    fail(
      `took too long: ${largeCount} large replies came, ${sentAtMs.length} small ones are missing`,
    );
  },
  (warmupSeconds + seconds) * 1000 + DRAIN_MS,
);

const probing = setInterval(() => {
  sentAtMs.push(performance.now());
  probe.socket.write(PROBE_FRAME);
}, PROBE_MS);
for (const lane of lanes) lane.send();
await sleep(warmupSeconds * 1000);

latenciesMs = [];
const ownDelay = monitorEventLoopDelay({ resolution: 1 });
ownDelay.enable();
const before = snapshot();
await sleep(seconds * 1000);
const after = snapshot();
ownDelay.disable();
const measuredMs = latenciesMs;

clearInterval(probing);
isSending = false;
while (lanes.some((lane) => lane.isBusy) || sentAtMs.length > 0) await sleep(5);
clearTimeout(guard);
probe.close();
for (const lane of lanes) lane.connection.close();
await sleep(200);
for (const { socket } of [probe, ...lanes.map((lane) => lane.connection)]) socket.destroy();

let verified = 0;
try {
  for (const lane of lanes) verified += lane.verify();
} catch (error) {
  failWith(error);
}
if (verified !== conns) fail(`${verified} large replies could be verified, not ${conns}`);

measuredMs.sort((a, b) => a - b);
const large = after.largeCount - before.largeCount;
const result = {
  probes: measuredMs.length,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  maxMs: percentile(1),
  largePerSecond: (large / (after.timeMs - before.timeMs)) * 1000,
  serverCpuMsPerLarge: (after.serverCpuNs - before.serverCpuNs) / 1e6 / large,
  generatorP99Ms: ownDelay.percentile(99) / 1e6,
  generatorMaxMs: ownDelay.max / 1e6,
  verified,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function snapshot() {
  return { timeMs: performance.now(), largeCount, serverCpuNs: readCpuNs(serverPid) };
}

/** @param {number} share from 0 to 1 */
function percentile(share) {
  return measuredMs[Math.max(0, Math.ceil(measuredMs.length * share) - 1)] ?? null;
}
