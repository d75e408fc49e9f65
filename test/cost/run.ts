/**
 * `npm run cost`: measures how the cost of every parser and every queue grows, and fails when one grows faster
 * than what comes.
 */
import t from 'tap';
import { parseArgs } from 'node:util';
import process from 'node:process';
import type { ListedCase } from './case.js';
import { ALL_CASES } from './cases.js';
import { FULL, type Outcome, measure, measureQuick } from './measure.js';

const USAGE = `npm run cost -- [--only TEXT] [--quick] [--json] [--list]

  --only TEXT   cases whose name or file contains it; may be given several times
  --quick       two sizes only; a case that grows by more than 8 for 4 times as much gets all sizes
  --json        one object with all figures, on standard output
  --list        names and files, and nothing is run
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

// Fixtures assert with tap, which waits for a test otherwise.
t.setTimeout(0);

const KIB = 1024;

/** Three digits are enough. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function shortBytes(bytes: number | null): string {
  if (bytes === null) return '-';
  return bytes < KIB * KIB
    ? `${(bytes / KIB).toFixed(0)} KiB`
    : `${(bytes / KIB / KIB).toFixed(1)} MiB`;
}

function verdictOf({ faults, knownFault }: Outcome): 'ok' | 'FAILS' | 'known' | 'mended' {
  if (faults.length === 0) return knownFault === null ? 'ok' : 'mended';
  return knownFault === null ? 'FAILS' : 'known';
}

function rowOf(outcome: Outcome): string {
  const { name, sizes, ratio, copied } = outcome;
  const cells = [
    verdictOf(outcome).padEnd(6),
    String(sizes[0]!.count).padStart(8),
    sizes.map(({ cpuMs }) => short(cpuMs)).join(' '),
    ratio === null ? '-' : ratio.toFixed(2),
    copied === null ? '-' : copied.toFixed(1),
    shortBytes(sizes.at(-1)!.heldBytes),
    shortBytes(sizes.at(-1)!.peakBytes),
    name,
  ];
  const widths = [6, 8, 32, 5, 7, 9, 9, 0];
  return cells.map((cell, index) => cell.padEnd(widths[index]!)).join(' ');
}

/** A case that does not come to its end has failed, and the others go on. */
async function measured(one: ListedCase): Promise<Outcome> {
  try {
    return values.quick ? await measureQuick(one) : await measure(one, FULL);
  } catch (error) {
    const { name, files, count, knownFault = null } = one;
    const sizes = [{ count, cpuMs: 0, heldBytes: 0, peakBytes: null }];
    return { name, files, sizes, ratio: null, copied: null, faults: [String(error)], knownFault };
  }
}

async function runCases(cases: readonly ListedCase[]): Promise<Outcome[]> {
  if (!values.json)
    say('         n        CPU ms of n, 2n, 4n ...         ratio copied  held      peak');
  const outcomes: Outcome[] = [];
  for (const one of cases) {
    const outcome = await measured(one);
    outcomes.push(outcome);
    if (values.json) continue;
    say(rowOf(outcome));
    for (const fault of outcome.faults) say(`       ${fault}`);
    if (outcome.knownFault !== null) say(`       ${outcome.knownFault}`);
  }
  return outcomes;
}

const isMeant = ({ name, files }: ListedCase): boolean =>
  values.only.length === 0 ||
  values.only.some((text) => name.includes(text) || files.some((file) => file.includes(text)));

const chosen = ALL_CASES.filter(isMeant);
if (values.help) {
  say(USAGE);
} else if (values.list) {
  for (const { name, files } of chosen) say(`${name}  (${files.join(', ')})`);
} else if (chosen.length === 0) {
  process.stderr.write('No case is named so; --list has them all.\n');
  process.exitCode = 2;
} else {
  const outcomes = await runCases(chosen);
  const failed = outcomes.filter((outcome) => verdictOf(outcome) === 'FAILS');
  if (values.json) say(JSON.stringify({ outcomes }, null, 2));
  else
    say(
      `${outcomes.length} cases, ${failed.length} fail, in ${process.uptime().toFixed(0)} s` +
        ` (${(process.cpuUsage().user / 1e6).toFixed(0)} s of processor time)`,
    );
  process.exitCode = failed.length === 0 ? 0 : 1;
}
// What a case has left behind does not hold it up.
process.exit();
