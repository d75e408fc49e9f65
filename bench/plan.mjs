/** What is measured: the peers, and the loads that each of them gets. */
import path from 'node:path';
import { atMost } from './goals.mjs';

const here = import.meta.dirname;

/**
 * @typedef {object} Peer
 * @property {string} name as the table calls it
 * @property {'raw' | 'websocket' | 'tls'} speaks `tls` is WebSocket over TLS
 * @property {readonly string[]} command what Node is started with; it must log where it listens
 * @property {string} [file] a program that is started instead of this Node
 * @property {(port: number, workload: Workload) => string[]} [program] a whole command, for a program that is told
 *   where to listen and logs what it likes
 * @property {boolean} [isForeign] it may fail under a load without ending the benchmark
 * @property {string} [floor] the name of the raw peer on the same Node; `raw` if there is none
 */

/** Where `--twist` says nothing else. */
export const TWIST_FILE = path.join(here, '../bin/twist.js');

/**
 * The peers of the measurements without compression. Nobody offers any, so nobody compresses.
 * @param {string} twistFile
 * @returns {readonly Peer[]}
 */
export function plainPeers(twistFile) {
  return [
    { name: 'raw', speaks: 'raw', command: [path.join(here, 'peers/raw-net.mjs')] },
    { name: 'ws', speaks: 'websocket', command: [path.join(here, 'peers/ws.mjs')] },
    twistPeer(twistFile),
  ];
}

/** @type {Peer} */
export const WS_WITH_DEFLATE = {
  name: 'ws',
  speaks: 'websocket',
  command: [path.join(here, 'peers/ws.mjs'), '--deflate'],
};

/**
 * @param {string} twistFile
 * @param {readonly string[]} [options] beside the defaults
 * @returns {Peer}
 */
export function twistPeer(twistFile, options = []) {
  const serve = ['serve', '--echo', '--listen', '127.0.0.1:0', '--log-format', 'json'];
  return { name: 'twist', speaks: 'websocket', command: [twistFile, ...serve, ...options] };
}

/**
 * @typedef {object} Workload
 * @property {number} conns connections
 * @property {number} depth messages in flight on each
 * @property {number} sizeBytes payload of each message
 * @property {import('./traffic.mjs').PayloadKind} kind
 * @property {number} [fragmentBytes] messages come in fragments of this size
 * @property {readonly import('./goals.mjs').Goal[]} [goals] what twist wants to reach
 * @property {string} [aim] the same, where it is not a share of another peer: for the reader
 * @property {true} [isMain] one of those that `--quick` measures and the charts show
 */

/** @type {readonly Workload[]} */
export const WORKLOADS = [
  main(2, 2, 1_048_576, atMost(1.25, 'uws')),
  main(4, 4, 65_536, atMost(1.4, 'uws')),
  main(20, 8, 4096, atMost(0.6, 'raw')),
  main(10, 100, 512, atMost(1, 'raw')),
  main(10, 100, 64, atMost(1.1, 'raw'), atMost(1.2, 'uws')),
  main(50, 16, 64, atMost(0.9, 'raw')),
  main(50, 1, 16, atMost(0.86, 'raw')),
  { conns: 50, depth: 1, sizeBytes: 16, kind: 'ascii' },
  { conns: 10, depth: 100, sizeBytes: 64, kind: 'ascii' },
  { conns: 10, depth: 100, sizeBytes: 64, kind: 'text', aim: 'at most 1.5 of ASCII text' },
  {
    conns: 2,
    depth: 2,
    sizeBytes: 1_048_576,
    fragmentBytes: 4096,
    kind: 'binary',
    goals: [atMost(0.5, 'ws')],
  },
  {
    conns: 2,
    depth: 1,
    sizeBytes: 16_777_216,
    kind: 'binary',
    goals: [atMost(1.25, 'uws')],
    aim: 'memory at most 48 MiB above idle',
  },
];

/**
 * @param {number} conns
 * @param {number} depth
 * @param {number} sizeBytes
 * @param {readonly import('./goals.mjs').Goal[]} goals
 * @returns {Workload}
 */
function main(conns, depth, sizeBytes, ...goals) {
  return { conns, depth, sizeBytes, kind: 'binary', goals, isMain: true };
}

/**
 * The loads of the measurement `proxy`; always binary.
 * @type {readonly Workload[]}
 */
export const PROXY_WORKLOADS = [
  {
    ...proxied(1, 1, 64, atMost(1, 'websocat', 'p50')),
    aim: 'p50 near that of pipe, which does not unmask',
  },
  { ...proxied(10, 100, 64), aim: 'at least 5 times the best of the others in msg/s' },
  proxied(10, 16, 4096, atMost(0.7, 'pipe')),
  proxied(4, 4, 65_536, atMost(0.7, 'pipe')),
  proxied(1, 2, 1_048_576, atMost(0.7, 'pipe')),
];

/**
 * @param {number} conns
 * @param {number} depth
 * @param {number} sizeBytes
 * @param {readonly import('./goals.mjs').Goal[]} goals
 * @returns {Workload}
 */
function proxied(conns, depth, sizeBytes, ...goals) {
  return { conns, depth, sizeBytes, kind: 'binary', goals };
}

/** What is off costs nothing that could be measured. */
const NOTHING = atMost(1.02, 'bare');

/**
 * The loads of the measurement `record`.
 * @type {readonly Workload[]}
 */
export const RECORD_WORKLOADS = [
  {
    conns: 10,
    depth: 100,
    sizeBytes: 100,
    kind: 'ascii',
    goals: [NOTHING],
    aim: 'interval: at most 1.5 us more a record, 1/3 of write-stream',
  },
  { conns: 10, depth: 100, sizeBytes: 100, kind: 'binary', goals: [NOTHING] },
  { conns: 50, depth: 1, sizeBytes: 100, kind: 'ascii', goals: [NOTHING] },
  { conns: 4, depth: 4, sizeBytes: 65_536, kind: 'ascii' },
];

export const IDLE_GOALS = [atMost(0.75, 'raw', 'memory')];

/**
 * @typedef {object} DeflateWorkload
 * @property {number} conns
 * @property {number} depth
 * @property {number} sizeBytes of each message, before compression
 * @property {import('./compressed-traffic.mjs').DocumentKind} kind
 * @property {readonly import('./goals.mjs').Goal[]} [goals]
 */

/** @type {readonly DeflateWorkload[]} */
export const DEFLATE_WORKLOADS = [
  json(32, 1, 128, atMost(1.25, 'uws'), atMost(0.25, 'ws')),
  json(10, 16, 128, atMost(0.25, 'ws')),
  json(32, 1, 1024, atMost(1.25, 'uws'), atMost(0.25, 'ws')),
  json(10, 16, 1024, atMost(0.25, 'ws')),
  json(32, 1, 16_384, atMost(1.25, 'uws'), atMost(0.67, 'ws')),
  json(10, 16, 16_384, atMost(0.67, 'ws')),
  { conns: 20, depth: 4, sizeBytes: 4096, kind: 'random' },
  { conns: 20, depth: 4, sizeBytes: 4096, kind: 'mix' },
];

/**
 * @param {number} conns
 * @param {number} depth
 * @param {number} sizeBytes
 * @param {readonly import('./goals.mjs').Goal[]} goals
 * @returns {DeflateWorkload}
 */
function json(conns, depth, sizeBytes, ...goals) {
  return { conns, depth, sizeBytes, kind: 'json', goals };
}

export const DEFLATE_IDLE_AIM = 'at most 1/4 of ws';

/** Connections beside the one whose small messages are timed, and what goes back and forth on each of them. */
export const LARGE_CONNS = 4;

/**
 * @typedef {object} LargeWorkload
 * @property {string} name
 * @property {number} conns that send it
 * @property {number} sizeBytes
 * @property {import('./compressed-traffic.mjs').DocumentKind} kind
 */

/** @type {readonly LargeWorkload[]} */
export const LARGE_WORKLOADS = [
  { name: 'nothing', conns: 0, sizeBytes: 128, kind: 'json' },
  { name: '16 MiB JSON', conns: LARGE_CONNS, sizeBytes: 1 << 24, kind: 'json' },
  // What cannot be compressed becomes a little larger by it, and the limit of 16 MiB is for the wire as well.
  { name: '16 MiB random', conns: LARGE_CONNS, sizeBytes: (1 << 24) - (1 << 14), kind: 'random' },
];

const KIND_WORDS = { binary: '', ascii: ' ASCII text', text: ' non-ASCII text' };
const DOCUMENT_WORDS = { json: ' JSON', random: ' random', mix: ' random and 1/4 of it JSON' };

/** @param {Workload} workload */
export function nameWorkload({ conns, depth, sizeBytes, kind, fragmentBytes }) {
  const fragments = fragmentBytes === undefined ? '' : ` in ${nameSize(fragmentBytes)} fragments`;
  return `${conns} x ${depth}, ${nameSize(sizeBytes)}${KIND_WORDS[kind]}${fragments}`;
}

/** @param {DeflateWorkload} workload */
export function nameDeflateWorkload({ conns, depth, sizeBytes, kind }) {
  return `${conns} x ${depth}, ${nameSize(sizeBytes)}${DOCUMENT_WORDS[kind]}`;
}

/** @param {number} sizeBytes */
function nameSize(sizeBytes) {
  if (sizeBytes < 1024) return `${sizeBytes} B`;
  return sizeBytes < 1_048_576 ? `${sizeBytes / 1024} KiB` : `${sizeBytes / 1_048_576} MiB`;
}
