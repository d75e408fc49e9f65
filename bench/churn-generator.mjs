/**
 * Clients that connect, shake hands, and go, in a process of its own.
 *
 *     node bench/churn-generator.mjs --port 9001 --pid 4711 --lanes 32 --seconds 3
 *
 * Each lane has one connection at a time. The result is one line of JSON.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readTreeCpuNs } from './process-usage.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    lanes: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
  },
});
const port = Number(values.port);
const seconds = Number(values.seconds);
const REQUEST = Buffer.from(
  'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
);

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
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', (data) => {
    isOpen ||= data.toString('latin1').startsWith('HTTP/1.1 101');
    // A reset leaves no port behind that waits for a minute.
    socket.resetAndDestroy();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (isOpen) opened++;
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
