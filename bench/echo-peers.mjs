/** Who takes part in the echo measurement: this project's peers on each Node, the second build of twist, and the others. */
import path from 'node:path';
import process from 'node:process';
import { suffixOf } from './on-nodes.mjs';
import { findNode, findStored, versionOfWs } from './peer-store.mjs';
import { twistPeer } from './plan.mjs';

const here = import.meta.dirname;

/** @typedef {import('./plan.mjs').Peer} Peer */

/**
 * @typedef {Peer & { version: string }} EchoPeer
 */

/** Those that run on Node, and so on each `--node`. */
const ON_NODE = ['raw', 'ws', 'twist'];
export const OTHERS = /** @type {const} */ (['uws', 'bun', 'fastwebsockets', 'gws', 'websocat']);
export const ECHO_PEERS = [...ON_NODE, ...OTHERS];
export const AGAINST = 'against';

/**
 * @param {object} options
 * @param {readonly string[]} options.peers names
 * @param {string} options.twistFile
 * @param {string | null} options.againstFile
 * @param {readonly string[]} options.nodes beside this one
 * @param {boolean} options.mayBuild
 * @returns {{ peers: EchoPeer[], missing: string[] }} `missing`: what cannot be had here, each with how to get it
 */
export function findEchoPeers({ peers: names, twistFile, againstFile, nodes, mayBuild }) {
  /** @type {string[]} */
  const missing = [];
  /** @param {typeof OTHERS[number] | 'ws'} name */
  const find = (name) => {
    // Its add-on is there in a second.
    const found = findStored(name, mayBuild || name === 'ws');
    if (typeof found !== 'string') return found;
    missing.push(found.replace(/^ws is left out/, 'ws is measured without bufferutil'));
    return null;
  };

  const own = ownPeers(names, twistFile, againstFile, names.includes('ws') ? find('ws') : null);
  const peers = own.map((peer) => ({ ...peer, version: withNode(peer.version, process.version) }));
  for (const wanted of nodes) {
    const { file, version } = findNode(wanted);
    const suffix = suffixOf(version);
    for (const peer of own)
      peers.push({
        ...peer,
        file,
        name: peer.name + suffix,
        version: withNode(peer.version, version),
        floor: `raw${suffix}`,
      });
  }
  for (const name of OTHERS) {
    if (!names.includes(name)) continue;
    const found = find(name);
    if (found !== null) peers.push(otherPeer(name, found));
  }
  return { peers, missing };
}

/**
 * @param {readonly string[]} names
 * @param {string} twistFile
 * @param {string | null} againstFile
 * @param {import('./peer-store.mjs').StoredPeer | null} ws with its native add-on
 * @returns {EchoPeer[]}
 */
function ownPeers(names, twistFile, againstFile, ws) {
  /** @param {string} file */
  const peer = (file) => path.join(here, 'peers', file);
  const from = ws === null ? [] : ['--from', path.dirname(ws.file)];
  /** @type {EchoPeer[]} */
  const all = [
    { name: 'raw', speaks: 'raw', command: [peer('raw-net.mjs')], version: '' },
    {
      name: 'ws',
      speaks: 'websocket',
      command: [peer('ws.mjs'), ...from],
      version: ws?.version ?? `${versionOfWs()} without bufferutil`,
    },
    { ...twistPeer(twistFile), version: '' },
  ];
  const chosen = all.filter(({ name }) => names.includes(name));
  if (againstFile !== null)
    chosen.push({ ...twistPeer(againstFile), name: AGAINST, version: againstFile });
  return chosen;
}

/**
 * @param {typeof OTHERS[number]} name
 * @param {import('./peer-store.mjs').StoredPeer} stored
 * @returns {EchoPeer}
 */
function otherPeer(name, { file, version }) {
  /** @type {EchoPeer} */
  const peer = { name, speaks: 'websocket', command: [], file, version, isForeign: true };
  if (name === 'bun') return { ...peer, command: [path.join(here, 'peers/bun/echo.mjs')] };
  if (name !== 'websocat') return peer;
  return {
    ...peer,
    program: (port, { kind, sizeBytes }) => [
      ...[file, kind === 'binary' ? '--binary' : '--text', '-B', String(2 * sizeBytes + 65_536)],
      ...[`ws-l:127.0.0.1:${port}`, 'mirror:'],
    ],
  };
}

/**
 * @param {string} version
 * @param {string} node
 */
function withNode(version, node) {
  const on = `Node ${node.replace(/^v/, '')}`;
  return version === '' ? on : `${version}, ${on}`;
}
