/** `npm run hostile -- [options]`: attacks, and what others notice of them (bench/README.md, "Hostile"). */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { describeMachine } from '../machine.mjs';
import { comeFirst } from '../priority.mjs';
import { writeReport } from '../report.mjs';
import { canPin } from '../server-process.mjs';
import { measureIdleCrowd } from './idle.mjs';
import { measureRow } from './measure.mjs';
import { USAGE, readOptions } from './options.mjs';
import { describeRows, headLines, idleLines, rowLines, summaryLines } from './report.mjs';
import { judge } from './verdict.mjs';
import { optionsOf } from './server.mjs';

/** @typedef {import('./verdict.mjs').Result} Result */

const SHORT_SECONDS = 1.5;
const NICENESS = -20;

try {
  process.exitCode = await main();
} catch (error) {
  print(`\nhostile: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}

/** @returns {Promise<number>} the exit status */
async function main() {
  const read = readOptions();
  if (read === 'help' || read === 'list') {
    print(read === 'help' ? USAGE : describeRows());
    return 0;
  }
  const options = read;
  if (!existsSync('/proc/self/status'))
    throw new Error('memory is read from /proc: it needs Linux');
  const machine = { ...describeMachine(), isPinned: canPin };
  print(headLines(machine, options));
  const has = optionsOf(options.twistFile);
  comeFirst(NICENESS);
  /** @type {Result[]} */
  const results = [];
  /** @type {string[]} */
  const broken = [];
  // It takes 90 seconds and no processor: the others go on meanwhile.
  const patient = options.rows.filter(({ attacks }) => attacks.length === 0);
  const waiting = patient.map((row) => measure(row));
  for (const row of options.rows.filter((each) => !patient.includes(each))) {
    await take(row, measure(row));
  }
  for (const [index, row] of patient.entries()) {
    const promise = waiting[index];
    if (promise !== undefined) await take(row, promise);
  }
  const idle = options.isIdle ? await measureIdleCrowd(options) : null;
  if (idle !== null) print(idleLines(idle));
  print(summaryLines(results, broken, idle));
  print(`Every run: ${writeReport({ machine, results, idle }, 'hostile')}`);
  return broken.length > 0 || idle?.isMet === false || results.some(({ isMet }) => !isMet) ? 1 : 0;

  /**
   * @param {import('./measure.mjs').Row} row
   * @param {Promise<Result>} measured
   */
  async function take(row, measured) {
    try {
      const result = await measured;
      results.push(result);
      print(rowLines(result));
    } catch (error) {
      // The others are measured all the same.
      broken.push(row.name);
      print(`${row.name}: no figure, ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** @param {import('./measure.mjs').Row} row */
  function measure(row) {
    return measureAndJudge(row, options, has);
  }
}

/**
 * @param {import('./measure.mjs').Row} row
 * @param {import('./options.mjs').Options} options
 * @param {(option: string) => boolean} has
 * @returns {Promise<Result>}
 */
async function measureAndJudge(row, options, has) {
  const { twistFile, nodeArgs, isByCounts } = options;
  const seconds = row.attacks.length === 0 ? row.seconds : secondsOf(row, options);
  const common = { twistFile, nodeArgs, has, ...(seconds === undefined ? {} : { seconds }) };
  let result = judge(row, await measureRow(row, { ...common, name: 'twist' }), isByCounts);
  // Another program may have had the processor: the better one counts.
  const tries = row.attacks.length === 0 ? 1 : options.tries;
  for (let count = 1; count < tries && !result.isMet; count++) {
    const next = judge(row, await measureRow(row, { ...common, name: 'twist' }), isByCounts);
    if (isBetter(next, result)) result = next;
  }
  if (row.ws !== undefined && row.hasWs !== false && options.hasWs)
    result.ws = judge(row, await measureRow(row, { ...common, name: 'ws' }), false).figures;
  return result;
}

/**
 * @param {Result} result
 * @param {Result} other
 */
function isBetter(result, other) {
  if (result.misses !== other.misses) return result.misses < other.misses;
  return result.worst < other.worst;
}

/**
 * @param {import('./measure.mjs').Row} row
 * @param {import('./options.mjs').Options} options
 */
function secondsOf(row, { seconds, isShort }) {
  // Some need their time to do what they do.
  if (row.seconds !== undefined) return isShort ? row.seconds / 2 : row.seconds;
  return seconds ?? (isShort ? SHORT_SECONDS : undefined);
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}
