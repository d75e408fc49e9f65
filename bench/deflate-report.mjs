/** The tables of the measurements with compression. */
import { runName } from './deflate.mjs';
import { formatVerdicts } from './goals.mjs';
import { formatCosts, formatTable, significant } from './report.mjs';
import { median, medianRatio } from './statistics.mjs';

/**
 * One row for each load and level; what ws and stock uWebSockets need does not depend on the level.
 * @param {readonly import('./deflate.mjs').DeflateResult[]} results
 * @param {readonly import('./deflate.mjs').DeflatePeer[]} peers
 */
export function formatDeflate(results, peers) {
  const rows = results.flatMap(({ workload, goals, levels, runs }) =>
    levels.map((level) => {
      /** @type {(name: string, key: keyof import('./deflate.mjs').DeflateRun) => number[]} */
      const read = (name, key) => {
        const peer = peers.find((each) => each.name === name);
        return (peer && runs[runName(peer, level)])?.map((run) => run[key]) ?? [];
      };
      const load = levels.length === 1 ? workload : `${workload}, level ${level}`;
      return { load, goals, read, plain: Object.values(runs)[0]?.[0] };
    }),
  );
  const names = peers.map(({ name }) => name);
  const bytes = [
    [
      'conns x depth, payload',
      'from the client, B',
      ...names.map((name) => `from ${name}, B (ratio)`),
    ],
    ...rows.map(({ load, read, plain }) => {
      const { plainBytes = NaN, wireInBytes = NaN } = plain ?? {};
      /** @param {number} count */
      const withRatio = (count) => `${count.toFixed(0)} (${(plainBytes / count).toFixed(2)})`;
      return [
        load,
        withRatio(wireInBytes),
        ...names.map((name) => withRatio(median(read(name, 'wireOutBytes')))),
      ];
    }),
  ];
  const rates = [
    ['conns x depth, payload', ...names.map((name) => `${name} msg/s`)],
    ...rows.map(({ load, read }) => [
      load,
      ...names.map((name) => significant(median(read(name, 'messagesPerSecond')))),
    ]),
  ];
  const costs = rows.map(({ load, goals, read }) => ({
    load,
    goals,
    names,
    /** @param {string} name */
    read: (name) => read(name, 'serverCpuNsPerMessage'),
  }));
  return [
    formatCosts('conns x depth, payload', names, costs),
    formatVerdicts(costs),
    formatTable(bytes),
    formatTable(rates),
  ]
    .filter((table) => table !== '')
    .join('\n\n');
}

/**
 * @param {import('./deflate-idle.mjs').DeflateIdleResult} result
 * @param {readonly string[]} names of the peers
 * @param {string} aim
 */
export function formatDeflateIdle({ conns, idleSeconds, runs }, names, aim) {
  /** @typedef {'openBytes' | 'usedBytes' | 'restedBytes' | 'collectedBytes'} BytesKey */
  /**
   * @param {string} name
   * @param {BytesKey | 'serverCpuNsPerMessage' | 'wireOutBytes' | 'plainBytes' | 'exchangeSeconds'} key
   */
  const values = (name, key) => (runs[name] ?? []).map((run) => run[key]);
  /** @type {readonly BytesKey[]} */
  const moments = ['openBytes', 'usedBytes', 'restedBytes', 'collectedBytes'];
  const head = [
    `${conns} connections, KiB each`,
    'opened',
    'right after use',
    'x ws',
    `${idleSeconds} s later`,
    'x ws',
    'collected',
    'x ws',
    'us a message',
    'ratio out',
  ];
  const rows = names.map((name) => [
    name,
    ...moments.flatMap((moment) => {
      const cell = significant(median(values(name, moment)) / 1024);
      const ratio = significant(medianRatio(values(name, moment), values('ws', moment)));
      return moment === 'openBytes' ? [cell] : [cell, ratio];
    }),
    significant(median(values(name, 'serverCpuNsPerMessage')) / 1000),
    medianRatio(values(name, 'plainBytes'), values(name, 'wireOutBytes')).toFixed(2),
  ]);
  return `${formatTable([head, ...rows])}\naim for twist: ${aim}, ${idleSeconds} s later`;
}

/**
 * @param {readonly import('./deflate-large.mjs').LargeResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatLarge(results, names) {
  const head = [
    'beside',
    'server',
    'p50 ms',
    'p99 ms',
    'max ms',
    'large messages/s',
    'server ms a large message',
    'client late, p99 ms',
  ];
  const rows = results.flatMap(({ workload, runs }) =>
    names.map((name) => {
      const of = runs[name] ?? [];
      return [
        workload,
        name,
        significant(median(of.map((run) => run.p50Ms))),
        significant(median(of.map((run) => run.p99Ms))),
        significant(Math.max(...of.map((run) => run.maxMs))),
        significant(median(of.map((run) => run.largePerSecond ?? NaN))),
        significant(median(of.map((run) => run.serverCpuMsPerLarge ?? NaN))),
        significant(median(of.map((run) => run.clientP99Ms))),
      ];
    }),
  );
  return formatTable([head, ...rows]);
}

/** @param {readonly import('./deflate-large.mjs').SliceRun[]} runs */
export function formatSlices(runs) {
  return formatTable([
    ['128 KiB through zlib', 'ms'],
    ...runs.map(({ work, ms }) => [work, significant(ms)]),
  ]);
}
