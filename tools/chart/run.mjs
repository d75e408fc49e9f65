/**
 * Writes what is made for the chart and from it: `npm run chart`, after a change of the chart or of the alerts. It
 * needs helm. After a change of an option `npm run docs` will do. Tests fail when it was forgotten.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { CHART, ROOT, chartRules, chartSchema, plainManifests } from './chart.mjs';

/**
 * @param {string} file
 * @param {string} text of it, not yet formatted
 */
async function write(file, text) {
  const options = await resolveConfig(file);
  writeFileSync(file, await format(text, { ...options, filepath: file }));
}

await write(path.join(CHART, 'files/twist.rules.yml'), chartRules());
await write(path.join(CHART, 'values.schema.json'), JSON.stringify(chartSchema()));
await write(path.join(ROOT, 'deploy/kubernetes/twist.yaml'), plainManifests());
