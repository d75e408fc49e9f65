/**
 * Clients that connect, shake hands, and go, in a process of its own.
 *
 *     node bench/churn-generator.mjs --port 9001 --pid 4711 --lanes 32 --seconds 3
 *
 * Each lane has one connection at a time. With `--close` they end by a closing handshake, and the server ends first; else
 * by a reset. The result is one line of JSON.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isOpeningAccepted, openingRequest } from './opening.mjs';
import { readTreeCpuNs } from './process-usage.mjs';
import { encodeFrame } from './traffic.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    lanes: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    close: { type: 'boolean', default: false },
  },
});
const port = Number(values.port);
const seconds = Number(values.seconds);
const REQUEST = openingRequest(port);
const CLOSE = encodeFrame(8, Buffer.from([0x03, 0xe8]), 0x01020304);
const CLOSE_REPLY = encodeFrame(8, Buffer.from([0x03, 0xe8]), null);

let isOver = false;
let opened = 0;
let failed = 0;

for (let lane = 0; lane < Number(values.lanes); lane++) open();
await sleep(Number(values.warmup) * 1000);
const before = snapshot();
await sleep(seconds * 1000);
const after = snapshot();
isOver = true;

const elapsedSeconds = (after.timeMs - before.timeMs) / 1000;
const result = {
  connectionsPerSecond: (after.opened - before.opened) / elapsedSeconds,
  serverCpuNsPerConnection:
    (after.serverCpuNs - before.serverCpuNs) / (after.opened - before.opened),
  serverBusy: (after.serverCpuNs - before.serverCpuNs) / 1e9 / elapsedSeconds,
  generatorBusy: (after.generatorCpuNs - before.generatorCpuNs) / 1e9 / elapsedSeconds,
  failed,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());

function open() {
  if (isOver) return;
  const socket = connect({ host: '127.0.0.1', port });
  let isOpen = false;
  let isDone = false;
  let received = '';
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', (data) => {
    if (isOpen) {
      isDone = data.equals(CLOSE_REPLY);
      return;
    }
    received += data.toString('latin1');
    isOpen = isOpeningAccepted(received);
    if (!isOpen) return;
    if (values.close) {
      socket.write(CLOSE);
      return;
    }
    isDone = true;
    // A reset leaves no port behind that waits for a minute.
    socket.resetAndDestroy();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (isDone) opened++;
    else failed++;
    open();
  });
}

function snapshot() {
  const { user, system } = process.cpuUsage();
  return {
    timeMs: performance.now(),
    opened,
    serverCpuNs: readTreeCpuNs(Number(values.pid)),
    generatorCpuNs: (user + system) * 1000,
  };
}
