/** One connection that floods beside a hundred quiet ones: how long these wait for their answers. */
import { AGAINST } from './echo-peers.mjs';
import { atMost, formatVerdicts } from './goals.mjs';
import { measureRow } from './hostile/measure.mjs';
import { optionsOf } from './hostile/server.mjs';
import { onNodes } from './on-nodes.mjs';
import { formatTable, significant } from './report.mjs';
import { median } from './statistics.mjs';
import { inTurns } from './turns.mjs';

const QUIET = 100;
const GOALS = [atMost(1, AGAINST, 'p99'), atMost(1, 'ws', 'p99')];

export const BYSTANDER_PEERS = ['ws', 'twist'];

/** What floods. */
const FLOODS = /** @type {const} */ ([
  ['text frames of 1 byte', 'text'],
  ['messages of 64 KiB', 'binary'],
  ['messages of 8 MiB', 'large'],
]);

/**
 * @typedef {object} BystanderRun
 * @property {number} aloneP50Ms
 * @property {number} aloneP99Ms
 * @property {number} p50Ms
 * @property {number} p99Ms
 */

/**
 * @typedef {object} BystanderResult
 * @property {string} load
 * @property {Record<string, BystanderRun[]>} runs by the peer's name, one a round
 */

/**
 * @param {{ peers: readonly string[], twistFile: string, againstFile: string | null, nodes: readonly string[],
 *   rounds: number, seconds: number }} options
 * @param {(load: string) => void} tell what is measured now
 * @returns {Promise<{ names: string[], results: BystanderResult[] }>}
 */
export async function measureBystander(options, tell) {
  const { rounds, seconds, nodes, twistFile, againstFile } = options;
  /** @type {{ name: string, kind: 'ws' | 'twist', twistFile: string, file?: string }[]} */
  const own = BYSTANDER_PEERS.filter((name) => options.peers.includes(name)).map((name) => ({
    name,
    kind: name === 'ws' ? 'ws' : 'twist',
    twistFile,
  }));
  if (againstFile !== null) own.push({ name: AGAINST, kind: 'twist', twistFile: againstFile });
  const peers = onNodes(own, nodes);
  /** @type {BystanderResult[]} */
  const results = [];
  for (const [load, frames] of FLOODS) {
    tell(load);
    const runs = await inTurns(peers, rounds, async (peer) => {
      const { alone, beside } = await measureRow(
        {
          name: load,
          what: load,
          serve: () => ['--echo'],
          ws: [],
          attacks: [{ kind: 'flood', connections: 1, with: { frames } }],
          good: { kind: 'quiet', connections: QUIET, everyMs: 100 },
          figures: [],
        },
        {
          ...{ name: peer.kind, twistFile: peer.twistFile, nodeArgs: [], seconds },
          ...(peer.file === undefined ? {} : { program: peer.file }),
          has: optionsOf(peer.twistFile),
        },
      );
      if (beside.failed > 0) throw new Error(`${peer.name}: ${beside.failed} answers failed`);
      return {
        aloneP50Ms: alone.p50Ms,
        aloneP99Ms: alone.p99Ms,
        p50Ms: beside.p50Ms,
        p99Ms: beside.p99Ms,
      };
    });
    results.push({ load, runs });
  }
  return { names: peers.map(({ name }) => name), results };
}

/** @param {{ names: readonly string[], results: readonly BystanderResult[] }} measured */
export function formatBystander({ names, results }) {
  const rows = results.flatMap(({ load, runs }) =>
    names.map((name) => {
      /** @param {keyof BystanderRun} key */
      const value = (key) => significant(median((runs[name] ?? []).map((run) => run[key])));
      return [
        ...[load, name, value('aloneP50Ms'), value('aloneP99Ms')],
        ...[value('p50Ms'), value('p99Ms')],
      ];
    }),
  );
  const verdicts = formatVerdicts(
    results.map(({ load, runs }) => ({
      load,
      goals: GOALS,
      names,
      read: (name) => (runs[name] ?? []).map((run) => run.p99Ms),
    })),
  );
  const head = ['one floods', 'server', 'p50 ms alone', 'p99 ms alone', 'p50 ms', 'p99 ms'];
  return `${formatTable([head, ...rows])}\n\n${verdicts}`.trimEnd();
}
