/** What was simulated, as tables in Markdown and as a chart. */
import { drawLines } from './line-chart.mjs';
import { CHART, DRAWN, SPREAD, TABLES, withDrain } from './plans.mjs';
import { simulateRestart } from './restart.mjs';

/** @typedef {import('./restart.mjs').Outcome} Outcome */
/** @typedef {import('./restart.mjs').Plan} Plan */

/** @type {readonly [head: string, cell: (outcome: Outcome, plan: Plan) => string][]} */
const COLUMNS = [
  ['takes', ({ seconds }) => duration(seconds)],
  ['handshakes/s, at most', ({ peak }) => count(peak)],
  ['of one pod', ({ podPeak }) => count(podPeak)],
  ['failed', ({ failures }) => count(failures)],
  ['moves a session', ({ moves }) => moves.toFixed(2)],
  ['without a session: median', ({ offlineMedian }) => `${offlineMedian.toFixed(1)} s`],
  ['99 %', ({ offlineP99 }) => `${offlineP99.toFixed(1)} s`],
  ['longest', ({ offlineMax }) => `${offlineMax.toFixed(1)} s`],
  ['at once', ({ offlinePeak }) => count(offlinePeak)],
  ['emptiest, fullest pod', ({ emptiest, fullest }) => `${count(emptiest)}, ${count(fullest)}`],
];

const COLORS = ['#1a7f37', '#0969da', '#bf8700', '#cf222e'];

/**
 * Simulates all that docs/kubernetes.md shows.
 * @param {(name: string) => void} [onCase] before each simulation
 * @returns {{ text: string, chart: string }}
 */
export function simulateAll(onCase = () => undefined) {
  /** @type {Map<string, Outcome>} */
  const outcomes = new Map();
  const sections = TABLES.map(({ title, cases }) => {
    const rows = cases.map(({ name, plan }) => {
      onCase(name);
      const outcome = simulateRestart(plan);
      outcomes.set(name, outcome);
      return row(name, plan, outcome);
    });
    return [`**${title}**`, '', ...table(['', ...COLUMNS.map(([head]) => head)], rows)].join('\n');
  });
  const text = [...sections, spreadTable(onCase)].join('\n\n');
  return { text, chart: drawRates(outcomes) };
}

/**
 * @param {Plan} plan
 * @returns {string} one table with one row
 */
export function simulateOne(plan) {
  const name = `${count(plan.pods)} pods`;
  const heads = ['', ...COLUMNS.map(([head]) => head)];
  return table(heads, [row(name, plan, simulateRestart(plan))]).join('\n');
}

/**
 * A row of the tables.
 * @param {string} name
 * @param {Plan} plan
 * @returns {string[]} its cells
 */
export function simulateRow(name, plan) {
  return row(name, plan, simulateRestart(plan));
}

/** @param {(name: string) => void} onCase */
function spreadTable(onCase) {
  const { pods, drains } = SPREAD;
  const rows = pods.map((number) => {
    const cells = drains.map((drain) => {
      const plan = withDrain(number, drain);
      onCase(`${number} pods, ${drain} s`);
      const { podPeak, failures } = simulateRestart(plan);
      const share = `${Math.round((100 * podPeak) / plan.handshakes)} %`;
      return failures > 0 ? `${share}, ${count(failures)} failed` : share;
    });
    return [count(number), ...cells];
  });
  const title = 'Busiest second of a pod, of what it can do';
  return [
    `**${title}**`,
    '',
    ...table(['pods, `drainTimeout`', ...drains.map((drain) => duration(drain))], rows),
  ].join('\n');
}

/**
 * @param {string} name
 * @param {Plan} plan
 * @param {Outcome} outcome
 */
function row(name, plan, outcome) {
  return [name, ...COLUMNS.map(([, cell]) => cell(outcome, plan))];
}

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} rows
 * @returns {string[]} lines, in the form that prettier gives them
 */
function table(heads, rows) {
  const widths = heads.map((head, column) =>
    Math.max(3, ...[heads, ...rows].map((cells) => (cells[column] ?? head).length)),
  );
  /** @param {readonly string[]} cells */
  const line = (cells) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(heads), line(rule), ...rows.map(line)];
}

/** @param {ReadonlyMap<string, Outcome>} outcomes */
function drawRates(outcomes) {
  const lines = DRAWN.map(({ name, label }, place) => ({
    name: label,
    color: COLORS[place] ?? '#57606a',
    values: outcomes.get(name)?.rate ?? [],
  }));
  return drawLines({
    title: 'A rolling update of 10 million sessions on 1,000 pods',
    axis: 'handshakes a second, all pods together; time since the update began',
    lines,
    mark: { value: CHART.pods * CHART.handshakes, name: 'what 1,000 pods can do, with TLS' },
    least: 1000,
    seconds: 210,
  });
}

/** @param {number} value */
function count(value) {
  return Math.round(value).toLocaleString('en');
}

/** @param {number} seconds */
function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  return `${Math.floor(whole / 60)} min${whole % 60 > 0 ? ` ${whole % 60} s` : ''}`;
}
