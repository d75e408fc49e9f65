/**
 * The floor of compression: zlib itself, which inflates and deflates the messages of a load and does nothing else. No
 * socket, no frame, no mask; one pair of contexts for each connection, which take turns as the connections would.
 *
 *     node bench/zlib-floor.mjs --conns 32 --depth 1 --size 1024 --level 3
 *
 * The result is one line of JSON, in the form of the generator's.
 */
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fail } from './client-connection.mjs';
import { buildCompressedTraffic } from './compressed-traffic.mjs';
import { readCpuNs } from './process-usage.mjs';
import { SyncZlib, TAIL } from './sync-zlib.mjs';

const { values } = parseArgs({
  options: {
    level: { type: 'string', default: '6' },
    window: { type: 'string', default: '15' },
    conns: { type: 'string', default: '1' },
    depth: { type: 'string', default: '1' },
    size: { type: 'string', default: '1024' },
    kind: { type: 'string', default: 'json' },
    ring: { type: 'string', default: '1024' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    work: { type: 'string', default: 'both' },
  },
});
const level = Number(values.level);
const windowBits = Number(values.window);
const conns = Number(values.conns);
const depth = Number(values.depth);
const ring = Number(values.ring);
const sizeBytes = Number(values.size);
const kind = /** @type {import('./compressed-traffic.mjs').DocumentKind} */ (values.kind);
const inflates = values.work !== 'deflate';
const deflates = values.work !== 'inflate';

const traffic = buildCompressedTraffic({ kind, sizeBytes, depth, ring });
const { messages } = traffic;
const inputs = traffic.compressed.map((payload) => Buffer.concat([payload, TAIL]));
const plain = Buffer.allocUnsafeSlow(sizeBytes + 1024);
const wire = Buffer.allocUnsafeSlow(sizeBytes + 1024);
const lanes = Array.from({ length: conns }, (_, index) => ({
  next: Math.floor((index * ring) / conns),
  inflater: SyncZlib.inflater(),
  deflater: SyncZlib.deflater(level, windowBits),
}));

let count = 0;
let wireOutBytes = 0;
verify();
work(Number(values.warmup));
count = 0;
wireOutBytes = 0;
const startMs = performance.now();
const startNs = readCpuNs(process.pid);
work(Number(values.seconds));
const cpuNs = readCpuNs(process.pid) - startNs;
const elapsedSeconds = (performance.now() - startMs) / 1000;

const result = {
  messages: count,
  seconds: elapsedSeconds,
  messagesPerSecond: count / elapsedSeconds,
  serverCpuNsPerMessage: cpuNs / count,
  serverBusy: cpuNs / 1e9 / elapsedSeconds,
  generatorBusy: 0,
  verified: ring,
  plainBytes: messages.reduce((sum, { payload }) => sum + payload.length, 0) / ring,
  wireInBytes: traffic.compressed.reduce((sum, { length }) => sum + length, 0) / ring,
  wireOutBytes: wireOutBytes / count,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/**
 * Takes `depth` messages of each connection in turn.
 * @param {number} seconds
 */
function work(seconds) {
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    for (const lane of lanes) {
      for (let sent = 0; sent < depth; sent++) {
        const input = /** @type {Buffer} */ (inputs[lane.next]);
        const message = /** @type {import('./compressed-traffic.mjs').PlainMessage} */ (
          messages[lane.next]
        );
        lane.next = (lane.next + 1) % ring;
        const length = inflates
          ? lane.inflater.run(input, input.length, plain)
          : message.payload.length;
        const bytes = inflates ? plain : message.payload;
        if (deflates) wireOutBytes += lane.deflater.run(bytes, length, wire) - TAIL.length;
      }
      count += depth;
    }
  }
}

/** The whole ring once, there and back. */
function verify() {
  const inflater = SyncZlib.inflater();
  const deflater = SyncZlib.deflater(level, windowBits);
  const back = SyncZlib.inflater();
  for (const [index, { payload }] of messages.entries()) {
    const input = /** @type {Buffer} */ (inputs[index]);
    const length = inflater.run(input, input.length, plain);
    const isRight = payload.equals(plain.subarray(0, length));
    const wireLength = deflater.run(payload, payload.length, wire);
    const backLength = back.run(wire, wireLength, plain);
    if (!isRight || !payload.equals(plain.subarray(0, backLength)))
      fail('zlib did not return what it was given');
  }
}
