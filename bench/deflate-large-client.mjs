/**
 * Large compressed messages to and fro, in a process of its own, until its standard input ends.
 *
 *     node bench/deflate-large-client.mjs --port 9001 --pid 4711 --conns 4 --size 16777216
 *
 * The messages are compressed and masked before the start, and one is in flight on each connection. Prints a line of
 * JSON when the first reply has come on each of them, and one with the result at the end, when those replies were
 * inflated and compared.
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
import { readCpuNs } from './process-usage.mjs';
import { verifyReplies } from './verify-replies.mjs';

const DRAIN_MS = 30_000;
const inbox = Buffer.alloc(256 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    conns: { type: 'string', default: '4' },
    size: { type: 'string', default: '16777216' },
    kind: { type: 'string', default: 'json' },
  },
});
const port = Number(values.port);
const serverPid = Number(values.pid);
const conns = Number(values.conns);
const kind = /** @type {import('./compressed-traffic.mjs').DocumentKind} */ (values.kind);
// A different message for each connection; more would change nothing, as they are longer than any history.
const traffic = buildCompressedTraffic({
  kind,
  sizeBytes: Number(values.size),
  depth: 1,
  ring: conns,
});

let replyCount = 0;
let isSending = true;

class Lane {
  #index;
  #reader;
  /** @type {Buffer[]} */
  #kept = [];
  #isFirst = true;
  #isBusy = false;
  /** @type {() => void} */
  #resolveFirst = () => undefined;
  first = /** @type {Promise<void>} */ (new Promise((resolve) => (this.#resolveFirst = resolve)));

  /** @param {number} index */
  constructor(index) {
    this.#index = index;
    this.connection = new ClientConnection({
      port,
      inbox,
      offersDeflate: true,
      onBytes: (length) => {
        if (this.#isFirst) this.#kept.push(Buffer.from(inbox.subarray(0, length)));
        this.#reader.read(inbox, length);
      },
    });
    this.#reader = new FrameReader((first) => {
      if (first !== 0xc1 && first !== 0xc2) fail(describeFrame(first));
      replyCount++;
      this.#isFirst = false;
      this.#resolveFirst();
      this.#isBusy = false;
      if (isSending) this.send();
    });
  }

  get isBusy() {
    return this.#isBusy;
  }

  send() {
    const { frames, offsets } = traffic;
    const [start = 0, end = 0] = offsets.slice(this.#index, this.#index + 2);
    this.#isBusy = true;
    this.connection.socket.write(frames.subarray(start, end));
  }

  verify() {
    const message = /** @type {import('./compressed-traffic.mjs').PlainMessage} */ (
      traffic.messages[this.#index]
    );
    return verifyReplies(this.#kept, () => message);
  }
}

/** @type {Lane[]} */
const lanes = [];
for (let index = 0; index < conns; index++) {
  const lane = new Lane(index);
  lanes.push(lane);
  await lane.connection.opened;
}
for (const lane of lanes) lane.send();
await Promise.all(lanes.map((lane) => lane.first));
const before = snapshot();
print({ ready: conns });

await /** @type {Promise<void>} */ (
  new Promise((resolve) => {
    process.stdin.once('end', resolve).resume();
  })
);
const after = snapshot();
isSending = false;
const guard = setTimeout(() => {
  fail('took too long: large replies are still missing');
}, DRAIN_MS);
while (lanes.some((lane) => lane.isBusy)) await sleep(5);
clearTimeout(guard);
for (const lane of lanes) lane.connection.close();
await sleep(200);
for (const { connection } of lanes) connection.socket.destroy();

let verified = 0;
try {
  for (const lane of lanes) verified += lane.verify();
} catch (error) {
  failWith(error);
}
if (verified !== conns) fail(`${verified} replies could be verified, not ${conns}`);
const count = after.replyCount - before.replyCount;
print({
  largePerSecond: (count / (after.timeMs - before.timeMs)) * 1000,
  serverCpuMsPerLarge: count === 0 ? null : (after.serverCpuNs - before.serverCpuNs) / 1e6 / count,
  verified,
});

function snapshot() {
  return { timeMs: performance.now(), replyCount, serverCpuNs: readCpuNs(serverPid) };
}

/** @param {object} line */
function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
