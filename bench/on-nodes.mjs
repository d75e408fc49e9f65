/** The peers that run on Node, on more than one. */
import { findNode } from './peer-store.mjs';

/**
 * @template {{ name: string, file?: string }} Peer
 * @param {readonly Peer[]} peers on this Node
 * @param {readonly string[]} nodes beside it: files, or versions that npm installs
 * @param {readonly string[]} [elsewhere] names of peers that do not run on Node
 * @returns {Peer[]} on the others they are called `name@24`
 */
export function onNodes(peers, nodes, elsewhere = []) {
  const others = nodes.map((wanted) => {
    const { file, version } = findNode(wanted);
    return { file, suffix: suffixOf(version) };
  });
  return peers.flatMap((peer) => [
    peer,
    ...others
      .filter(() => !elsewhere.includes(peer.name))
      .map(({ file, suffix }) => ({ ...peer, file, name: peer.name + suffix })),
  ]);
}

/** @param {string} version of a Node */
export function suffixOf(version) {
  return `@${/^v?(\d+)/.exec(version)?.[1] ?? version}`;
}
