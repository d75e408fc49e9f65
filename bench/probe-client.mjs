/**
 * One byte to and fro, in a process of its own.
 *
 *     node bench/probe-client.mjs --port 9001 --seconds 10
 *
 * It goes every 5 ms, whether or not the last one has come back, on a connection that has no compression: how long its
 * reply takes says how long the server's event loop was stopped. The result is one line of JSON.
 */
import { Buffer } from 'node:buffer';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClientConnection, fail } from './client-connection.mjs';
import { FrameReader } from './frame-reader.mjs';
import { encodeFrame } from './traffic.mjs';

const INTERVAL_MS = 5;
const WARMUP_MS = 500;
const DRAIN_MS = 30_000;
const FRAME = encodeFrame(2, Buffer.from('x'), 0x01020304);
const inbox = Buffer.alloc(4096);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '10' },
  },
});
const measuredMs = Number(values.seconds) * 1000;

/** @type {number[]} when each byte that is on its way was sent */
const sentAtMs = [];
/** @type {number[]} */
const latenciesMs = [];
let isMeasuring = false;
const reader = new FrameReader((first, payloadBytes) => {
  const sentMs = sentAtMs.shift();
  if (first !== 0x82 || payloadBytes !== 1 || sentMs === undefined) fail('a wrong reply came');
  if (isMeasuring) latenciesMs.push(performance.now() - sentMs);
});
const probe = new ClientConnection({
  port: Number(values.port),
  inbox,
  offersDeflate: false,
  onBytes: (length) => {
    reader.read(inbox, length);
  },
});
await probe.opened;
const guard = setTimeout(
  () => {
    fail(`took too long: ${sentAtMs.length} replies are still missing`);
  },
  WARMUP_MS + measuredMs + DRAIN_MS,
);
const probing = setInterval(() => {
  sentAtMs.push(performance.now());
  probe.socket.write(FRAME);
}, INTERVAL_MS);
await sleep(WARMUP_MS);

isMeasuring = true;
const ownDelay = monitorEventLoopDelay({ resolution: 1 });
ownDelay.enable();
await sleep(measuredMs);
ownDelay.disable();

clearInterval(probing);
while (sentAtMs.length > 0) await sleep(5);
clearTimeout(guard);
probe.close();
await sleep(50);
probe.socket.destroy();

latenciesMs.sort((a, b) => a - b);
const result = {
  probes: latenciesMs.length,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  maxMs: percentile(1),
  clientP99Ms: ownDelay.percentile(99) / 1e6,
  clientMaxMs: ownDelay.max / 1e6,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** @param {number} share from 0 to 1 */
function percentile(share) {
  return latenciesMs[Math.max(0, Math.ceil(latenciesMs.length * share) - 1)] ?? null;
}
