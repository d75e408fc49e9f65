/**
 * One run of the suite's fuzzing client against one server.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { verdictsOf } from './compare.mjs';
import { ConformanceError } from './failure.mjs';
import { parseJson } from './json.mjs';
import { start, stop } from './processes.mjs';
import { createProgress } from './progress.mjs';

const RUN_LIMIT_MS = 40 * 60_000;
const STOP_LIMIT_MS = 5_000;

const NO_CASE = 'no case';

/**
 * @typedef {object} Target
 * @property {string} agent its name in the report
 * @property {string} url
 * @property {Promise<string>} [ended] settles, in words, when the server ends by itself
 */

/**
 * @typedef {object} SuiteResult
 * @property {readonly string[]} cases the cases that were chosen
 * @property {import('./compare.mjs').Verdicts} verdicts of the cases that were run
 */

/**
 * @param {import('./autobahn.mjs').Wstest} wstest
 * @param {object} options
 * @param {Target} options.server
 * @param {readonly string[]} options.cases numbers and patterns, as the suite reads them
 * @param {readonly string[]} options.excluded likewise
 * @param {string} options.outDirectory gets the report
 * @returns {Promise<SuiteResult>}
 * @throws {ConformanceError} when there is no result: the suite or the server failed, or took too long
 */
export async function runSuite(wstest, { server, cases, excluded, outDirectory }) {
  const specification = {
    outdir: wstest.directory,
    servers: [{ agent: server.agent, url: server.url, options: { version: 18 } }],
    cases,
    'exclude-cases': excluded,
    'exclude-agent-cases': {},
  };
  await writeFile(path.join(outDirectory, 'spec.json'), JSON.stringify(specification));

  const progress = createProgress(process.stderr);
  const output = outputReader(progress);
  const args = ['-m', 'fuzzingclient', '-s', path.join(wstest.directory, 'spec.json')];
  const suite = start(wstest.command, [...wstest.args, ...args], {
    cwd: outDirectory,
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
    exitSignal: wstest.exitSignal,
    onLine: output.read,
  });
  // A server that ends is told at once: the suite would go on and test nobody.
  const serverEnded = (server.ended ?? new Promise(() => undefined)).then(
    (how) => `twist ended, ${how}`,
  );
  const outcome = await firstWithin(RUN_LIMIT_MS, [suite.ended, serverEnded, output.nothing]);
  await stop(suite, STOP_LIMIT_MS);
  progress.end();

  const { chosen, lastLine, isUnreachable } = output.seen();
  if (outcome === NO_CASE) throw new ConformanceError('No case of the suite has such a number.');
  const where = `${progress.count} of ${chosen.length} cases`;
  if (isUnreachable) {
    throw new ConformanceError(`${server.url} could not be reached after ${where}.`);
  }
  if (outcome !== 'exit status 0') {
    throw new ConformanceError(
      `The suite has no result after ${where}: ${outcome ?? 'it took too long'}.\n` +
        `The suite's last line was: ${lastLine}`,
    );
  }
  const index = await readFile(path.join(outDirectory, 'index.json'), 'utf8');
  return { cases: chosen, verdicts: verdictsOf(parseJson(index), server.agent) };
}

/** @param {ReturnType<typeof createProgress>} progress is told of each case */
function outputReader(progress) {
  /** @type {string[]} */
  let chosen = [];
  let lastLine = '';
  let isUnreachable = false;
  /** @type {(what: string) => void} */
  let tellNothing;
  /** @type {Promise<string>} */
  const nothing = new Promise((resolve) => (tellNothing = resolve));
  return {
    read: (/** @type {string} */ line) => {
      lastLine = line;
      if (line.startsWith('Cases = ')) {
        chosen = [...line.matchAll(/'([\d.]+)'/g)].map(([, id]) => id ?? '');
        progress.begin(chosen.length);
        if (chosen.length === 0) tellNothing(NO_CASE);
      }
      const id = /^Running test case ID ([\d.]+)/.exec(line)?.[1];
      if (id !== undefined) progress.next(id);
      if (/^Connection to .* failed/.test(line)) isUnreachable = true;
    },
    /** Settles when there is nothing to run, which the suite would do for ever. */
    nothing,
    seen: () => ({ chosen, lastLine, isUnreachable }),
  };
}

/**
 * @param {number} limitMs
 * @param {readonly Promise<string>[]} promises
 * @returns {Promise<string | null>} what the first of them settles with, null after the limit
 */
async function firstWithin(limitMs, promises) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<null>} */
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  const first = await Promise.race([limit, ...promises]);
  clearTimeout(timer);
  return first;
}
