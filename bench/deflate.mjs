/** The echo measurement with compression: server processor time a message, beside what zlib alone needs for it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { onNodes } from './on-nodes.mjs';
import { findStored } from './peer-store.mjs';
import { WS_WITH_DEFLATE, nameDeflateWorkload, twistPeer } from './plan.mjs';
import { SERVER_CORE, cleanEnvironment, runClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

/**
 * @typedef {object} DeflateRun one run of one contender under one load
 * @property {number} messages
 * @property {number} messagesPerSecond
 * @property {number} serverCpuNsPerMessage
 * @property {number} serverBusy share of one core that the server used
 * @property {number} generatorBusy share of one core that the generator used
 * @property {number} verified replies that were inflated and compared
 * @property {number} plainBytes payload of a message, on average
 * @property {number} wireInBytes the same compressed, as the client sends it
 * @property {number} wireOutBytes the same compressed, as the server sends it
 */

/**
 * @typedef {object} DeflateSetting how twist and zlib compress
 * @property {string} name as the table calls it
 * @property {number} level
 * @property {number} windowBits
 * @property {readonly string[]} options of twist for it
 */

/**
 * @typedef {object} DeflateResult
 * @property {string} workload
 * @property {readonly import('./goals.mjs').Goal[]} goals
 * @property {readonly string[]} levels names of the settings
 * @property {Record<string, DeflateRun[]>} runs by the name that `runName` gives
 */

/**
 * @typedef {object} DeflateOptions
 * @property {readonly DeflatePeer[]} peers
 * @property {readonly DeflateSetting[]} settings of twist and zlib
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmupSeconds
 */

/**
 * @typedef {object} DeflatePeer
 * @property {string} name
 * @property {string} [file] another program than this Node
 * @property {boolean} hasLevels it compresses as the settings say, and not as it likes
 * @property {((setting: DeflateSetting) => readonly string[]) | null} command null for zlib, which is no server
 */

/**
 * @param {readonly string[]} names of the peers that are wanted
 * @param {{ twistFile: string, nodes: readonly string[], mayBuild: boolean }} options
 * @returns {{ peers: DeflatePeer[], missing: string[] }}
 */
export function findDeflatePeers(names, { twistFile, nodes, mayBuild }) {
  /** @type {DeflatePeer[]} */
  const peers = [
    { name: 'ws', hasLevels: false, command: () => WS_WITH_DEFLATE.command },
    {
      name: 'twist',
      hasLevels: true,
      command: ({ options }) => twistPeer(twistFile, options).command,
    },
    { name: 'zlib', hasLevels: true, command: null },
  ];
  /** @type {string[]} */
  const missing = [];
  if (names.some((name) => name.startsWith('uws'))) {
    const found = findStored('uws-deflate', mayBuild);
    if (typeof found === 'string') missing.push(found);
    else
      peers.push(
        {
          name: 'uws',
          file: found.file,
          hasLevels: true,
          command: ({ level, windowBits }) => [String(level), String(windowBits)],
        },
        { name: 'uws-stock', file: found.file, hasLevels: false, command: () => ['stock'] },
      );
  }
  const chosen = peers.filter(({ name }) => names.includes(name));
  return { peers: onNodes(chosen, nodes, ['zlib', 'uws', 'uws-stock']), missing };
}

/**
 * What the runs of a peer with a setting are called.
 * @param {Pick<DeflatePeer, 'name' | 'hasLevels'>} peer
 * @param {string} level name of the setting
 */
export function runName({ name, hasLevels }, level) {
  return hasLevels ? `${name} ${level}` : name;
}

/**
 * @param {import('./plan.mjs').DeflateWorkload} workload
 * @param {DeflateOptions} options
 * @returns {Promise<DeflateResult>}
 */
export async function measureDeflate(workload, options) {
  const { peers, settings, rounds } = options;
  const [first] = settings;
  const contenders = peers.flatMap((peer) =>
    (peer.hasLevels || first === undefined ? settings : [first]).map((setting) => ({
      name: runName(peer, setting.name),
      peer,
      setting,
    })),
  );
  const name = nameDeflateWorkload(workload);
  const runs = await inTurns(contenders, rounds, async (contender) => {
    try {
      return await runOnce(contender, workload, options);
    } catch (error) {
      throw new Error(`${contender.name}, ${name}: ${String(error)}`, { cause: error });
    }
  });
  const levels = settings.map((setting) => setting.name);
  return { workload: name, goals: workload.goals ?? [], levels, runs };
}

/**
 * @param {{ peer: DeflatePeer, setting: DeflateSetting }} contender
 * @param {import('./plan.mjs').DeflateWorkload} workload
 * @param {DeflateOptions} options
 * @returns {Promise<DeflateRun>}
 */
async function runOnce({ peer, setting }, workload, options) {
  const load = [
    ...['--conns', String(workload.conns), '--depth', String(workload.depth)],
    ...['--size', String(workload.sizeBytes), '--kind', workload.kind],
    ...['--seconds', String(options.seconds), '--warmup', String(options.warmupSeconds)],
  ];
  if (peer.command === null) {
    const result = await runClient(
      [
        path.join(import.meta.dirname, 'zlib-floor.mjs'),
        ...load,
        ...['--level', String(setting.level), '--window', String(setting.windowBits)],
      ],
      SERVER_CORE,
    );
    return /** @type {DeflateRun} */ (result);
  }
  const server = await startServer({ ...peer, command: peer.command(setting) }, []);
  try {
    const generator = path.join(import.meta.dirname, 'deflate-generator.mjs');
    const target = ['--port', String(server.port), '--pid', String(server.pid)];
    return /** @type {DeflateRun} */ (await runClient([generator, ...target, ...load]));
  } finally {
    await server.stop();
  }
}

/**
 * Asks twist how it compresses by default.
 * @param {string} twistFile
 * @returns {DeflateSetting}
 */
export function readDefaultSetting(twistFile) {
  const { stdout } = spawnSync(process.execPath, [twistFile, 'config', 'print'], {
    env: cleanEnvironment(),
    encoding: 'utf8',
  });
  const level = /^deflateLevel\s+(\d)\s/m.exec(stdout)?.[1];
  const windowBits = /^deflateWindowBits\s+(\d+)\s/m.exec(stdout)?.[1];
  if (level === undefined || windowBits === undefined)
    throw new Error(`${twistFile} has no options deflateLevel and deflateWindowBits`);
  return {
    name: nameSetting(Number(level), Number(windowBits)),
    level: Number(level),
    windowBits: Number(windowBits),
    options: [],
  };
}

/**
 * @param {string} text `LEVEL` or `LEVEL/WINDOW_BITS`
 * @returns {DeflateSetting}
 * @throws {Error} for anything else
 */
export function parseSetting(text) {
  const match = /^([1-9])(?:\/(9|1[0-5]))?$/.exec(text.trim());
  if (!match)
    throw new Error(`--levels takes a list of 1 to 9, each with /9 to /15 if need be, not ${text}`);
  const [, level = '', windowBits = '15'] = match;
  return {
    name: nameSetting(Number(level), Number(windowBits)),
    level: Number(level),
    windowBits: Number(windowBits),
    options: ['--deflate-level', level, '--deflate-window-bits', windowBits],
  };
}

/**
 * @param {number} level
 * @param {number} windowBits
 */
function nameSetting(level, windowBits) {
  return windowBits === 15 ? String(level) : `${level}/${windowBits}`;
}
