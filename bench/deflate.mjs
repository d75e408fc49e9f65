/** The echo measurement with compression: server processor time a message, beside what zlib alone needs for it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
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
 * @property {string} aim
 * @property {readonly string[]} levels names of the settings
 * @property {Record<string, DeflateRun[]>} runs by `ws`, or `twist` or `zlib` with `@` and the setting
 */

/**
 * @typedef {object} DeflateOptions
 * @property {readonly string[]} names of the peers that take part: of ws, twist and zlib
 * @property {string} twistFile
 * @property {readonly DeflateSetting[]} settings of twist and zlib
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmupSeconds
 */

/**
 * @param {import('./plan.mjs').DeflateWorkload} workload
 * @param {DeflateOptions} options
 * @returns {Promise<DeflateResult>}
 */
export async function measureDeflate(workload, options) {
  const { names, settings, rounds } = options;
  const contenders = [
    ...(names.includes('ws') ? [{ name: 'ws', setting: null }] : []),
    ...settings.flatMap((setting) =>
      ['twist', 'zlib']
        .filter((name) => names.includes(name))
        .map((name) => ({ name: `${name}@${setting.name}`, setting })),
    ),
  ];
  const name = nameDeflateWorkload(workload);
  const runs = await inTurns(contenders, rounds, async (contender) => {
    try {
      return await runOnce(contender, workload, options);
    } catch (error) {
      throw new Error(`${contender.name}, ${name}: ${String(error)}`, { cause: error });
    }
  });
  const levels = settings.map((setting) => setting.name);
  return { workload: name, aim: workload.aim ?? '', levels, runs };
}

/**
 * @param {{ name: string, setting: DeflateSetting | null }} contender
 * @param {import('./plan.mjs').DeflateWorkload} workload
 * @param {DeflateOptions} options
 * @returns {Promise<DeflateRun>}
 */
async function runOnce({ name, setting }, workload, options) {
  const load = [
    ...['--conns', String(workload.conns), '--depth', String(workload.depth)],
    ...['--size', String(workload.sizeBytes), '--kind', workload.kind],
    ...['--seconds', String(options.seconds), '--warmup', String(options.warmupSeconds)],
  ];
  if (setting !== null && name.startsWith('zlib')) {
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
  const peer = setting === null ? WS_WITH_DEFLATE : twistPeer(options.twistFile, setting.options);
  const server = await startServer(peer, []);
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
