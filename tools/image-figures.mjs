/** Prints what the image that tools/image.mjs has built costs: its size, the time to the first answer, and memory at rest. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

process.env['CONTAINERS_CONF'] = path.resolve('tools/image/containers.conf');
const image = `localhost/twist:${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
const name = `twist-figures-${process.pid}`;

/** In which the container has to answer. */
const PATIENCE_MS = 30_000;

/** @param {readonly string[]} args */
function podman(...args) {
  return spawnSync('podman', args, { encoding: 'utf8' }).stdout.trim();
}

/** @param {string} address @returns {Promise<boolean>} */
function isReady(address) {
  return new Promise((resolve) => {
    http
      .get({ host: address, port: 9001, path: '/healthz', timeout: 1000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => {
        resolve(false);
      });
  });
}

const bytes = Number(podman('image', 'inspect', '--format', '{{.Size}}', image));
const beganMs = performance.now();
podman(
  'run',
  '--detach',
  '--no-healthcheck',
  '--network',
  'host',
  '--name',
  name,
  image,
  'serve',
  '--listen',
  '127.0.0.1:9001',
);
const startedMs = performance.now();
while (!(await isReady('127.0.0.1')) && performance.now() - startedMs < PATIENCE_MS) await sleep(5);
const readyMs = performance.now();
await sleep(1000);
const pid = podman('inspect', '--format', '{{.State.Pid}}', name);
const [, residentKib = '0'] =
  /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
podman('rm', '--force', '--time', '5', name);
process.stdout.write(
  `image ${(bytes / 1e6).toFixed(0)} MB; answers ${(readyMs - startedMs).toFixed(0)} ms after podman run returned, ` +
    `${(readyMs - beganMs).toFixed(0)} ms after it was called; resident ${(Number(residentKib) / 1024).toFixed(0)} MiB\n`,
);
