/** Attacks through what the server does beside echoing: proxy, TLS, files, replay. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BOUNDED_MEMORY, NONE_FAILED, p99 } from './figures.mjs';

/** @typedef {import('../measure.mjs').Row} Row */

const GOAL_MS = 50;
const MIB = 1024 * 1024;

/**
 * @param {string} name
 * @param {string} what
 * @param {Row['attacks']} attacks
 * @param {readonly string[]} [options]
 * @returns {Row}
 */
function proxied(name, what, attacks, options = []) {
  return {
    name: `tcp-${name}`,
    group: 'tcp',
    what: `--tcp: ${what}`,
    hasTarget: true,
    serve: ({ targetPort }) => ['--tcp', `127.0.0.1:${targetPort}`, ...options],
    attacks,
    good: { kind: 'quiet' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  };
}

/** @type {readonly Row[]} */
export const TCP = [
  proxied('text', 'text frames of 1 byte to a target that sends nothing back, 10 connections', [
    { kind: 'flood', connections: 10, with: { frames: 'text', prelude: 'sink' } },
  ]),
  proxied('binary', 'messages of 64 KiB to and fro, 10 connections', [
    { kind: 'flood', connections: 10, with: { frames: 'binary' } },
  ]),
  proxied('flooding-target', 'a target that floods 10 connections', [
    { kind: 'flood', connections: 10, with: { frames: 'nothing', prelude: 'flood' } },
  ]),
  proxied('deaf', 'a target that floods 10 clients that never read', [
    { kind: 'flood', connections: 10, isDeaf: true, with: { frames: 'nothing', prelude: 'flood' } },
  ]),
  proxied(
    'blocks',
    'compressed empty blocks with --deflate, 10 connections',
    [{ kind: 'flood', connections: 10, with: { frames: 'blocks', prelude: 'sink' } }],
    ['--deflate'],
  ),
  proxied(
    'bombs',
    'compressed messages of 64 KiB with --deflate, to and fro, 20 connections',
    [{ kind: 'flood', connections: 20, with: { frames: 'small-bombs' } }],
    ['--deflate'],
  ),
];

/**
 * @param {string} name
 * @param {string} what
 * @param {Row['attacks']} attacks
 * @returns {Row}
 */
function encrypted(name, what, attacks) {
  return {
    name: `tls-${name}`,
    group: 'tls',
    what: `TLS: ${what}`,
    isTls: true,
    serve: () => ['--echo'],
    ws: [],
    attacks,
    good: { kind: 'quiet' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  };
}

/** @type {readonly Row[]} */
export const TLS = [
  encrypted('text', 'text frames of 1 byte, 10 connections', [
    { kind: 'flood', connections: 10, with: { frames: 'text' } },
  ]),
  encrypted('large', 'messages of 64 KiB, 10 connections', [
    { kind: 'flood', connections: 10, with: { frames: 'binary' } },
  ]),
  encrypted('handshakes', 'handshakes as fast as they go', [
    { kind: 'hellos', connections: 16, address: '127.0.9.*' },
  ]),
  encrypted('half-hellos', '500 connections that say nothing', [
    { kind: 'connects', connections: 500, isTls: false, address: '127.0.9.*' },
  ]),
];

/** @type {readonly Row[]} */
export const FILES = [
  {
    name: 'static-ranges',
    group: 'static',
    what: '--static: requests for 100 bytes of a file, pipelined, 16 connections',
    serve: ({ directory }) => ['--echo', '--static', path.join(directory, 'public')],
    prepare: prepareFile,
    attacks: [{ kind: 'ranges', connections: 16, with: { depth: 100 } }],
    good: { kind: 'quiet' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  },
  {
    name: 'static-deaf',
    group: 'static',
    what: '--static: requests for a file of 256 MiB whose answers nobody reads, 100 connections',
    serve: ({ directory }) => ['--echo', '--static', path.join(directory, 'public')],
    prepare: prepareFile,
    attacks: [
      { kind: 'ranges', connections: 100, isDeaf: true, with: { depth: 100, range: '0-' } },
    ],
    good: { kind: 'quiet' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  },
  {
    name: 'replay',
    group: 'replay',
    what: '--replay: 50 clients of a recording with a message of 12 MiB, who never read',
    serve: ({ directory }) => [
      '--replay',
      path.join(directory, 'replayed.ndjson'),
      '--route',
      '/echo=echo',
    ],
    prepare: prepareReplay,
    attacks: [{ kind: 'never-reading', connections: 50 }],
    good: { kind: 'quiet', path: '/echo' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  },
  {
    name: 'record-flood',
    group: 'record',
    what: '--record: empty messages, 10 connections',
    serve: ({ directory }) => ['--echo', '--record', path.join(directory, 'recording.ndjson')],
    attacks: [{ kind: 'flood', connections: 10, with: { frames: 'empty' } }],
    good: { kind: 'quiet' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  },
];

/** @param {import('../measure.mjs').Place} place */
export function prepareFile({ directory }) {
  const files = path.join(directory, 'public');
  mkdirSync(files);
  const file = openSync(path.join(files, 'large.bin'), 'w');
  ftruncateSync(file, 256 * MIB);
  closeSync(file);
}

/** @param {import('../measure.mjs').Place} place */
function prepareReplay({ directory }) {
  const message = { op: 1, len: 12 * MIB, wire: 12 * MIB + 14, data: 'x'.repeat(12 * MIB) };
  const side = { remote: '127.0.0.1:1', local: '127.0.0.1:2', tls: null };
  const asked = { url: '/', headers: {}, subprotocol: null, extensions: null, mode: 'echo' };
  const none = { msgs: 0, bytes: 0 };
  const end = { by: 'client', code: 1000, reason: '', in: none, out: { msgs: 1, bytes: 12 * MIB } };
  const lines = [
    { v: 1, ev: 'file', tool: 'twist/1.0.0', t: 1 },
    { ev: 'open', s: '1', t: 1, id: 1, ...side, ...asked },
    { ev: 'msg', s: '1', t: 1, dir: 'out', ...message },
    { ev: 'close', s: '1', t: 2, ...end, dur: 1 },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(path.join(directory, 'replayed.ndjson'), text, { mode: 0o600 });
}
