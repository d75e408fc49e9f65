/** What a person reads while it runs. */
import { ROWS } from './rows/rows.mjs';

/** @typedef {import('./verdict.mjs').Result} Result */
/** @typedef {import('./verdict.mjs').ReadFigure} ReadFigure */

const NAME_WIDTH = 24;
const MIB = 1024 * 1024;

const TABLE_HEAD = `${'attack'.padEnd(NAME_WIDTH)} ${'figure'.padEnd(26)} ${column('alone')} ${column('twist')} ${column('goal')}      ${column('ws')}`;

export function describeRows() {
  const lines = ROWS.map(
    ({ name, group = '', what }) => `${name.padEnd(NAME_WIDTH)} ${group.padEnd(12)} ${what}`,
  );
  return [
    ...lines,
    `${'idle'.padEnd(NAME_WIDTH)} ${''.padEnd(12)} 10,000 connections that do nothing`,
  ].join('\n');
}

/**
 * @param {import('../machine.mjs').Machine & { isPinned: boolean }} machine
 * @param {import('./options.mjs').Options} options
 */
export function headLines(machine, { isByCounts, hasWs, tries, rows }) {
  return [
    `${machine.date}, Node ${machine.node}, ${machine.processor}, ${machine.system}`,
    machine.isPinned
      ? 'Server on core 0, attackers and the good client on core 1.'
      : 'NOT PINNED: without taskset and two cores, times mean little.',
    isByCounts
      ? 'Counts and memory decide, times do not.'
      : tries > 1
        ? 'Times decide too: who misses a goal is measured again, and the better one counts.'
        : 'Times decide too.',
    ...(hasWs ? [] : ['Without ws beside.']),
    ...(rows.length === 0 ? [] : ['', TABLE_HEAD]),
  ].join('\n');
}

/** @param {Result} result */
export function rowLines({ name, what, run, figures, ws }) {
  const lines = figures.map((figure, index) => {
    const isTime = figure.what === 'p99';
    const alone = isTime ? run.alone.p99Ms : figure.what === 'failed' ? run.alone.failed : NaN;
    return [
      (index === 0 ? name : '').padEnd(NAME_WIDTH),
      `${figure.what}${figure.unit === '' ? '' : `, ${figure.unit}`}`.padEnd(26),
      column(number(alone)),
      column(number(figure.value)),
      column(`${figure.isAtLeast ? '≥' : '≤'} ${number(figure.goal)}`),
      figure.isMet ? 'ok  ' : figure.isDecisive ? 'MISS' : 'miss',
      column(number(ws?.[index]?.value ?? NaN)),
    ].join(' ');
  });
  const { attack, seconds, beside } = run;
  const notes = Object.entries(beside.notes).map(([note, count]) => `${note}: ${count}`);
  return [
    ...lines,
    `${''.padEnd(NAME_WIDTH)}   ${what}`,
    `${''.padEnd(NAME_WIDTH)}   ${number(attack.sentBytes / MIB / seconds)} MiB/s for ${number(seconds)} s, ` +
      `${attack.connects} connections, ${attack.opened} opened, ${attack.refused} refused, ${attack.ended} ended, ` +
      `${attack.answers} answers; good: p50 ${number(beside.p50Ms)}, max ${number(beside.maxMs)} ms, ` +
      [`${beside.answered} of ${beside.sent}`, ...notes].join(', '),
  ].join('\n');
}

/**
 * @param {readonly Result[]} results
 * @param {readonly string[]} broken names of rows without a figure
 * @param {import('./idle.mjs').IdleCrowd | null} idle
 */
export function summaryLines(results, broken, idle) {
  const missed = results.filter(({ isMet }) => !isMet).map(({ name }) => name);
  if (idle?.isMet === false) missed.push('idle');
  const lines = [
    missed.length === 0
      ? `All goals of ${results.length + (idle === null ? 0 : 1)} measurements are met.`
      : `${missed.length} of ${results.length + (idle === null ? 0 : 1)} miss a goal: ${missed.join(', ')}`,
    ...(broken.length === 0 ? [] : [`No figure: ${broken.join(', ')}`]),
  ];
  return `\n${lines.join('\n')}`;
}

/** @param {import('./idle.mjs').IdleCrowd} idle */
export function idleLines(idle) {
  return [
    `\nidle: ${idle.connections} connections for ${number(idle.minutes)} minutes`,
    `  lost            ${idle.lost} (goal 0)`,
    `  pings answered  ${idle.pongs} of ${idle.pings} that came, at least ${number(idle.pingsEach)} each`,
    `  memory          ${idle.memoryMib.map(number).join(', ')} MiB, growth ${number(idle.growthMib)} MiB (goal ${number(idle.growthGoalMib)})`,
  ].join('\n');
}

/** @param {string} text */
function column(text) {
  return text.padStart(9);
}

/** @param {number} value */
function number(value) {
  if (Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return 'gone';
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(2)));
}
