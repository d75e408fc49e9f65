/** The charts of the echo measurement, from the loads of the table: one file each. */
import { drawChart } from './chart.mjs';
import { estimateRatio, readFigures } from './echo-report.mjs';
import { WORKLOADS, nameWorkload } from './plan.mjs';
import { estimateMedian } from './statistics.mjs';

/** @typedef {import('./echo-report.mjs').EchoRecord} EchoRecord */

/** In the order of the bars. Whoever is not named here has the last color. */
const COLORS = /** @type {const} */ ([
  ['twist', '#2f81f7'],
  ['against', '#a371f7'],
  ['uws', '#3fa34d'],
  ['fastwebsockets', '#d29922'],
  ['gws', '#39a0b0'],
  ['bun', '#db61a2'],
  ['websocat', '#b08968'],
  ['ws', '#8b949e'],
]);

const MAIN_LOADS = new Set(WORKLOADS.filter(({ isMain }) => isMain).map(nameWorkload));

/**
 * @typedef {object} ChartFile
 * @property {string} name of the file
 * @property {string} title
 * @property {string} svg
 */

/**
 * @param {EchoRecord} record
 * @returns {ChartFile[]} none without the raw peer
 */
export function drawEchoCharts(record) {
  const floors = [...new Set(record.peers.map(({ floor }) => floor))].filter((floor) =>
    record.peers.some(({ name }) => name === floor),
  );
  return floors.flatMap((floor) => {
    const suffix = floor.slice('raw'.length);
    const ending = suffix === '' ? '' : `-node${suffix.slice(1)}`;
    const node = nodeOf(record, floor);
    const files = [
      ratioChart(record, floor, 'cpu', `echo-cpu${ending}.svg`, {
        title: `Server processor time for one echo, ${node}`,
        axis: 'times a bare TCP echo in Node (= 1); less is better',
      }),
    ];
    if (suffix !== '') return files;
    return [
      ...files,
      ratioChart(record, floor, 'rate', 'echo-rate.svg', {
        title: `Messages a second, one core, ${node}`,
        axis: 'times a bare TCP echo in Node (= 1); more is better. The client has a core of its own and may be the limit',
      }),
      ratioChart(record, floor, 'p99', 'echo-p99.svg', {
        title: `Round trip, 99th percentile, ${node}`,
        axis: 'times a bare TCP echo in Node (= 1); less is better',
      }),
      memoryChart(record, node),
    ];
  });
}

/**
 * @param {EchoRecord} record
 * @param {string} floor
 * @param {'cpu' | 'rate' | 'p99'} figure
 * @param {string} name
 * @param {{ title: string, axis: string }} words
 * @returns {ChartFile}
 */
function ratioChart(record, floor, figure, name, { title, axis }) {
  const shown = shownPeers(record, floor);
  const svg = drawChart({
    title,
    axis,
    base: 1,
    series: shown.map(({ label, color }) => ({ name: label, color })),
    groups: mainResults(record).map((result) => ({
      label: result.workload,
      bars: shown.map(({ peer, label }) => {
        const { median, low, high } = estimateRatio(result, peer, floor, figure);
        return { series: label, value: median, low, high };
      }),
    })),
  });
  return { name, title, svg };
}

/**
 * @param {EchoRecord} record
 * @param {string} node
 * @returns {ChartFile}
 */
function memoryChart(record, node) {
  const shown = [{ peer: 'raw', label: 'raw', color: '#6e7681' }, ...shownPeers(record, 'raw')];
  const title = `Peak resident memory above idle, MiB, ${node}`;
  const svg = drawChart({
    title,
    axis: 'MiB on a logarithmic axis from 1; less is better',
    base: 1,
    series: shown.map(({ label, color }) => ({ name: label, color })),
    groups: mainResults(record).map((result) => ({
      label: result.workload,
      bars: shown.map(({ peer, label }) => {
        const { median, low, high } = estimateMedian(readFigures(result, peer, 'memory'));
        if (median < 1) return { series: label, value: 1, label: 'below 1' };
        return { series: label, value: median, low: Math.max(low, 1), high };
      }),
    })),
  });
  return { name: 'echo-memory.svg', title, svg };
}

/** @param {EchoRecord} record */
function mainResults({ results }) {
  return results.filter(({ workload }) => MAIN_LOADS.has(workload));
}

/**
 * @param {EchoRecord} record
 * @param {string} floor
 * @returns {{ peer: string, label: string, color: string }[]}
 */
function shownPeers({ peers }, floor) {
  const suffix = floor.slice('raw'.length);
  return COLORS.flatMap(([name, color]) => {
    const peer =
      peers.find((each) => each.name === name + suffix) ?? peers.find((each) => each.name === name);
    // One of another Node does not belong here.
    if (peer === undefined || (peer.floor !== floor && /^(twist|against|ws)/.test(name))) return [];
    return [{ peer: peer.name, label: name === 'uws' ? 'uWebSockets' : name, color }];
  });
}

/**
 * @param {EchoRecord} record
 * @param {string} floor
 */
function nodeOf({ peers }, floor) {
  return peers.find(({ name }) => name === floor)?.version ?? '';
}
