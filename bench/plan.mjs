/** What is measured: the peers, and the loads that each of them gets. */
import path from 'node:path';

const here = import.meta.dirname;

/**
 * @typedef {object} Peer
 * @property {string} name as the table calls it
 * @property {'raw' | 'websocket'} speaks
 * @property {readonly string[]} command what Node is started with; it must log where it listens
 */

/** @type {readonly Peer[]} */
export const PEERS = [
  { name: 'raw', speaks: 'raw', command: [path.join(here, 'peers/raw-net.mjs')] },
  { name: 'ws', speaks: 'websocket', command: [path.join(here, 'peers/ws.mjs')] },
  {
    name: 'twist',
    speaks: 'websocket',
    command: [
      path.join(here, '../bin/twist.js'),
      ...['serve', '--echo', '--listen', '127.0.0.1:0', '--log-format', 'json'],
    ],
  },
];

/**
 * @typedef {object} Workload
 * @property {number} conns connections
 * @property {number} depth messages in flight on each
 * @property {number} sizeBytes payload of each message
 * @property {import('./traffic.mjs').PayloadKind} kind
 * @property {string} [aim] what twist wants to reach, for the reader: nothing checks it
 */

/** @type {readonly Workload[]} */
export const WORKLOADS = [
  { conns: 50, depth: 1, sizeBytes: 16, kind: 'binary', aim: 'at most 1.1 x raw' },
  { conns: 50, depth: 1, sizeBytes: 16, kind: 'ascii', aim: 'at most 1.1 x raw' },
  { conns: 50, depth: 1, sizeBytes: 20, kind: 'binary', aim: 'at most 1.1 x raw' },
  { conns: 50, depth: 16, sizeBytes: 64, kind: 'binary' },
  { conns: 10, depth: 100, sizeBytes: 64, kind: 'binary', aim: 'at most 1/20 of ws' },
  { conns: 10, depth: 100, sizeBytes: 64, kind: 'text' },
  { conns: 10, depth: 100, sizeBytes: 512, kind: 'binary' },
  { conns: 20, depth: 8, sizeBytes: 4096, kind: 'binary' },
  { conns: 4, depth: 4, sizeBytes: 65_536, kind: 'binary' },
  { conns: 2, depth: 2, sizeBytes: 1_048_576, kind: 'binary' },
];

export const IDLE_AIM = 'at most 1.2 x raw';

const KIND_WORDS = { binary: '', ascii: ' ASCII text', text: ' non-ASCII text' };

/** @param {Workload} workload */
export function nameWorkload({ conns, depth, sizeBytes, kind }) {
  const size =
    sizeBytes < 1024
      ? `${sizeBytes} B`
      : sizeBytes < 1_048_576
        ? `${sizeBytes / 1024} KiB`
        : `${sizeBytes / 1_048_576} MiB`;
  return `${conns} x ${depth}, ${size}${KIND_WORDS[kind]}`;
}
