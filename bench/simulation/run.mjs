/**
 * `npm run simulate`: a restart of many pods with all their sessions, on paper. Without options it makes the tables of
 * docs/kubernetes.md, with `--write` it writes them and their picture; options that name a plan simulate that one.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { USAGE, readArguments } from './arguments.mjs';
import { simulateAll, simulateOne } from './report.mjs';
import { PAGE, PICTURE, replaceTables } from './page.mjs';

const root = path.join(import.meta.dirname, '../..');

try {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === 'help') process.stdout.write(`${USAGE}\n`);
  else if (wanted.plan !== null) process.stdout.write(`${simulateOne(wanted.plan)}\n`);
  else showAll(wanted.isWriting);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

/** @param {boolean} isWriting */
function showAll(isWriting) {
  const { text, chart } = simulateAll((name) => {
    process.stderr.write(`${name}\n`);
  });
  process.stdout.write(`${text}\n`);
  if (!isWriting) return;
  const page = path.join(root, PAGE);
  writeFileSync(page, replaceTables(readFileSync(page, 'utf8'), text));
  writeFileSync(path.join(root, PICTURE), chart);
}
