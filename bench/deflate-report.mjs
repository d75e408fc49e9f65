/** The tables of the measurements with compression. */
import { formatTable, significant } from './report.mjs';
import { median, medianRatio } from './statistics.mjs';

/**
 * One row for each load and level; what ws needs does not depend on the level.
 * @param {readonly import('./deflate.mjs').DeflateResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatDeflate(results, names) {
  const hasWs = names.includes('ws') && names.includes('twist');
  const hasZlib = names.includes('zlib') && names.includes('twist');
  const head = [
    'conns x depth, payload',
    'level',
    ...names.map((name) => `${name} us`),
    ...(hasWs ? ['twist/ws'] : []),
    ...(hasZlib ? ['twist/zlib', 'twist - zlib us'] : []),
    'in B',
    ...names.map((name) => `${name} out B`),
    ...names.filter((name) => name !== 'zlib').map((name) => `${name} msg/s`),
    'aim',
  ];
  const rows = results.flatMap(({ workload, aim, levels, runs }) =>
    levels.map((level) => {
      /**
       * @param {string} name
       * @param {'serverCpuNsPerMessage' | 'messagesPerSecond' | 'wireOutBytes'} key
       */
      const values = (name, key) =>
        (runs[name === 'ws' ? name : `${name}@${level}`] ?? []).map((run) => run[key]);
      /** @param {string} name */
      const cpu = (name) => values(name, 'serverCpuNsPerMessage');
      const { plainBytes = NaN, wireInBytes = NaN } = Object.values(runs)[0]?.[0] ?? {};
      /** @param {number} bytes */
      const withRatio = (bytes) => `${bytes.toFixed(0)} (${(plainBytes / bytes).toFixed(2)})`;
      const rest = cpu('twist').map((value, round) => value - (cpu('zlib')[round] ?? NaN));
      return [
        workload,
        level,
        ...names.map((name) => significant(median(cpu(name)) / 1000)),
        ...(hasWs ? [significant(medianRatio(cpu('twist'), cpu('ws')))] : []),
        ...(hasZlib
          ? [significant(medianRatio(cpu('twist'), cpu('zlib'))), significant(median(rest) / 1000)]
          : []),
        withRatio(wireInBytes),
        ...names.map((name) => withRatio(median(values(name, 'wireOutBytes')))),
        ...names
          .filter((name) => name !== 'zlib')
          .map((name) => significant(median(values(name, 'messagesPerSecond')))),
        aim,
      ];
    }),
  );
  return formatTable([head, ...rows]);
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
