/** The tables of the echo measurement. */
import { formatVerdicts } from './goals.mjs';
import { formatEstimate, formatTable, significant } from './report.mjs';
import { estimateMedian, median, pairedRatios } from './statistics.mjs';

/** @typedef {import('./echo.mjs').EchoResult} EchoResult */
/** @typedef {import('./echo.mjs').EchoRun} EchoRun */

/**
 * @typedef {object} EchoRecord
 * @property {number} rounds
 * @property {number} seconds
 * @property {{ name: string, version: string, floor: string }[]} peers
 * @property {string[]} missing peers that were left out, and why
 * @property {EchoResult[]} results
 */

/** @typedef {{ title: string, table: string }} Section */

/** Peers of which there is one for each Node. */
const ON_NODE = /^(raw|ws|twist|against)(@|$)/;

/**
 * What is said of each run.
 * @type {Readonly<Record<string, (run: EchoRun) => number>>}
 */
export const FIGURES = {
  cpu: (run) => run.serverCpuNsPerMessage / 1000,
  rate: (run) => run.messagesPerSecond,
  p50: (run) => run.latencyP50Us,
  p99: (run) => run.latencyP99Us,
  memory: (run) => (run.peakResidentBytes - run.idleResidentBytes) / 2 ** 20,
  idle: (run) => run.idleResidentBytes / 2 ** 20,
};

/**
 * @param {EchoResult} result
 * @param {string} name of the peer
 * @param {keyof typeof FIGURES} figure
 * @returns {number[]} one a round, NaN for a run that failed
 */
export function readFigures({ runs }, name, figure) {
  const read = FIGURES[figure];
  return (runs[name] ?? []).map((run) => (run === null || read === undefined ? NaN : read(run)));
}

/**
 * @param {EchoResult} result
 * @param {string} name
 * @param {string} other
 * @param {keyof typeof FIGURES} figure
 */
export function estimateRatio(result, name, other, figure) {
  return estimateMedian(
    pairedRatios(readFigures(result, name, figure), readFigures(result, other, figure)),
  );
}

/**
 * All tables, the most important first.
 * @param {EchoRecord} record
 * @returns {Section[]}
 */
export function echoSections({ peers, results }) {
  const names = peers.map(({ name }) => name);
  const withFloor = peers.filter(({ name, floor }) => name !== floor && names.includes(floor));
  const twists = peers.filter(({ name }) => name.startsWith('twist'));
  /** @type {Section[]} */
  const sections = [
    {
      title: 'Server processor time a message, us',
      table: tableOf(results, names, (result, name) => figureOf(result, name, 'cpu'), true),
    },
  ];
  if (withFloor.length > 0)
    sections.push({
      title: 'Server processor time, of raw on the same Node',
      table: ratioTable(
        results,
        withFloor.map(({ name, floor }) => [name, floor]),
      ),
    });
  for (const twist of twists) {
    // On the same Node, or on none.
    const others = peers.filter(
      ({ name, floor }) =>
        ![twist.name, floor].includes(name) && (!ON_NODE.test(name) || floor === twist.floor),
    );
    if (others.length > 0)
      sections.push({
        title: `Server processor time, ${twist.name} of the others`,
        table: ratioTable(
          results,
          others.map(({ name }) => [twist.name, name]),
        ),
      });
  }
  const verdicts = formatEchoVerdicts(results, names);
  if (verdicts !== '') sections.push({ title: 'Goals of twist', table: verdicts });
  /** @type {[keyof typeof FIGURES, string][]} */
  const more = [
    ['rate', 'Messages a second'],
    ['p50', 'Round trip p50, us'],
    ['p99', 'Round trip p99, us'],
    ['memory', 'Peak resident memory above idle, MiB'],
    ['idle', 'Resident memory without connections, MiB'],
  ];
  for (const [figure, title] of more)
    sections.push({
      title,
      table: tableOf(results, names, (result, name) => figureOf(result, name, figure), false),
    });
  return sections;
}

/**
 * @param {readonly EchoResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatEchoVerdicts(results, names) {
  return formatVerdicts(
    results.map((result) => ({
      load: result.workload,
      goals: result.goals ?? [],
      names,
      read: (name, figure) => readFigures(result, name, figure),
    })),
  );
}

/**
 * @param {EchoRecord} record
 * @param {boolean} isBrief only the tables of processor time
 */
export function formatEchoRecord(record, isBrief = false) {
  const sections = echoSections(record).filter(
    ({ title }) => !isBrief || /^Server processor time|^Goals/.test(title),
  );
  const failures = record.results.flatMap((result) => result.failures);
  return [
    ...sections.map(({ title, table }) => `${title}\n\n${table}`),
    ...new Set(failures),
    intervalNote(record),
  ].join('\n\n');
}

/** @param {{ rounds: number }} record */
export function intervalNote({ rounds }) {
  const { confidence } = estimateMedian(Array.from({ length: rounds }, (_, round) => round));
  return rounds < 2
    ? 'One round: there are no intervals.'
    : `Ratios are medians over ${rounds} rounds, each of two runs of one round; in parentheses is the interval that holds the true median with a probability of ${confidence.toFixed(2)}.`;
}

/**
 * @param {readonly EchoResult[]} results
 * @param {readonly string[]} names
 * @param {(result: EchoResult, name: string) => string} cell
 * @param {boolean} hasAim
 */
function tableOf(results, names, cell, hasAim) {
  return formatTable([
    ['conns x depth, payload', ...names, ...(hasAim ? ['aim of twist'] : [])],
    ...results.map((result) => [
      result.workload,
      ...names.map((name) => cell(result, name)),
      ...(hasAim ? [result.aim] : []),
    ]),
  ]);
}

/**
 * @param {readonly EchoResult[]} results
 * @param {readonly (readonly [string, string])[]} pairs of peers: the one, divided by the other
 */
function ratioTable(results, pairs) {
  return formatTable([
    ['conns x depth, payload', ...pairs.map((pair) => pair.join('/'))],
    ...results.map((result) => [
      result.workload,
      ...pairs.map(([name, other]) => formatEstimate(estimateRatio(result, name, other, 'cpu'))),
    ]),
  ]);
}

/**
 * @param {EchoResult} result
 * @param {string} name
 * @param {keyof typeof FIGURES} figure
 */
function figureOf(result, name, figure) {
  return significant(median(readFigures(result, name, figure).filter(Number.isFinite)));
}
