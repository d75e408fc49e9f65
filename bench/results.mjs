/** Results that are kept: one JSON file for each measurement, and a page with tables and charts made from all of them. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawEchoCharts } from './echo-charts.mjs';
import { echoSections, intervalNote } from './echo-report.mjs';
import { formatTable } from './report.mjs';

/**
 * @typedef {object} Kept
 * @property {string} measurement
 * @property {import('./machine.mjs').Machine} machine
 * @property {boolean} isPinned
 * @property {{ version: string, commit: string }} twist
 * @property {string[]} report what was printed, line by line
 * @property {unknown} data
 */

const DIGITS = 5;

/**
 * @param {string} folder
 * @param {Kept} kept
 */
export function keepResult(folder, kept) {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${kept.measurement}.json`);
  const rounded = JSON.stringify(kept, roundNumber, 2);
  // What one run says is one line.
  const dense = rounded.replace(/\{\n\s+([^[\]{}]+?)\n\s+\}/g, (_, inner) =>
    ['{ ', String(inner).replace(/,\n\s+/g, ', '), ' }'].join(''),
  );
  writeFileSync(file, `${dense}\n`);
}

/**
 * Writes the page and the charts of all results in a folder.
 * @param {string} folder
 * @returns {string} the page
 * @throws {Error} when nothing was kept there
 */
export function writePage(folder) {
  const all = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .sort((a, b) => rank(a) - rank(b))
        .map((name) => readKept(path.join(folder, name)))
    : [];
  if (all.length === 0) throw new Error(`${folder} has no results to make a page of`);
  const page = path.join(folder, 'README.md');
  const parts = all.map((kept) => {
    const body = kept.measurement === 'echo' ? echoPart(kept, folder) : kept.report.join('\n');
    return `## ${titleOf(kept.measurement)}\n\n${describe(kept)}\n\n${body}`;
  });
  writeFileSync(
    page,
    `# Results\n\nWritten by \`npm run bench\`, described in [bench/README.md](../README.md). Every part says when and where it was\nmeasured: compare figures only within one part.\n\n${parts.join('\n\n')}\n`,
  );
  return page;
}

/**
 * @param {Kept} kept
 * @param {string} folder for the charts
 */
function echoPart(kept, folder) {
  const record = /** @type {import('./echo-report.mjs').EchoRecord} */ (kept.data);
  const charts = drawEchoCharts(record).map(({ name, title, svg }) => {
    writeFileSync(path.join(folder, name), svg);
    return `![${title}](${name})`;
  });
  const peers = formatTable([
    ['peer', 'version'],
    ...record.peers.map(({ name, version }) => [name, version]),
  ]);
  const failures = new Set(record.results.flatMap((result) => result.failures));
  return [
    ...charts,
    peers,
    `${record.rounds} rounds of ${record.seconds} s. ${intervalNote(record)}`,
    ...echoSections(record).map(({ title, table }) => `### ${title}\n\n${table}`),
    ...record.missing,
    ...failures,
  ].join('\n\n');
}

/** @param {Kept} kept */
function describe({ machine, twist, isPinned }) {
  const { date, node, processor, memory, system, loadAverage, command } = machine;
  const commit = twist.commit === '' ? '' : `, commit ${twist.commit}`;
  const pinned = isPinned ? '' : ' Not pinned to cores: the figures are of little use.';
  return `${date}, Node ${node}, ${processor}, ${memory}, ${system}, load average ${loadAverage} before. twist ${twist.version}${commit}.${pinned}\n\n    ${command}`;
}

const TITLES = new Map([
  ['echo', 'Echo'],
  ['dribble', 'Messages in small pieces'],
  ['churn', 'Connections that come and go'],
  ['idle', 'Idle connections'],
  ['bystander', 'Beside one that floods'],
  ['deflate', 'Compressed echo'],
  ['deflate-idle', 'Connections that have compressed'],
  ['deflate-large', 'Beside large compressed messages'],
  ['proxy', 'Through a proxy'],
  ['record', 'With a recording'],
  ['tls', 'TLS'],
  ['workers', 'Several processes'],
]);

/** @param {string} measurement */
function titleOf(measurement) {
  return TITLES.get(measurement) ?? measurement;
}

/** @param {string} file of a result */
function rank(file) {
  const place = [...TITLES.keys()].indexOf(path.basename(file, '.json'));
  return place === -1 ? TITLES.size : place;
}

/**
 * @param {string} file
 * @returns {Kept}
 */
function readKept(file) {
  /** @type {unknown} */
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  return /** @type {Kept} */ (kept);
}

/**
 * @param {string} _ the key
 * @param {unknown} value
 */
function roundNumber(_, value) {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Number(value.toPrecision(DIGITS));
}
