/**
 * Writes what is made from the option table in src/config: `config.schema.json`,
 * `config.example.json`, `docs/reference.md`, the tables of `docs/echo.md`, the manual page, the type of the library's options, and the schema of the
 * chart's values. Run it with `npm run docs` after a change to the table; tests fail when it was forgotten.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';
import { chartSchema } from './chart/chart.mjs';

const root = path.join(import.meta.dirname, '..');

/** @typedef {{ schema: object, example: object, page: string, manualPage: string, type: string, echoPage: (page: string) => string }} Made */

/**
 * Bundles the sources, which Node cannot read as they are, and imports them.
 * @returns {Promise<Made>} all that is made
 */
async function generate() {
  // Inside the checkout, because packages are looked for from there.
  const folder = mkdtempSync(path.join(root, 'node_modules', '.generate-'));
  try {
    const outfile = path.join(folder, 'config.mjs');
    await build({
      stdin: {
        contents: `
          import { defaultValue, fileRows } from './src/config/options/option.js';
          import { OPTIONS } from './src/config/options/options.js';
          import { optionsType } from './tools/options-type.js';
          import { reference } from './tools/reference.js';
          import { jsonSchema } from './tools/json-schema.js';
          import { withEchoTables } from './tools/echo-tables.js';
          import { manualPage as makeManualPage } from './tools/manual.js';
          export const schema = jsonSchema(OPTIONS);
          const defaults = fileRows(OPTIONS).map(([key, option]) => [
            key,
            option.type.toJson(defaultValue(option)),
          ]);
          // Without a mode: any can be added to it, by a flag for instance.
          export const example = {
            $schema: './config.schema.json',
            ...Object.fromEntries(defaults),
          };
          export const page = reference(OPTIONS);
          export const manualPage = makeManualPage();
          export const echoPage = withEchoTables;
          export const type = optionsType(OPTIONS);`,
        resolveDir: root,
      },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
    });
    /** @type {unknown} */
    const made = await import(pathToFileURL(outfile).href);
    return /** @type {Made} */ (made);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string} file to write, from the top of the checkout
 * @param {string} text of it, not yet formatted
 */
async function write(file, text) {
  const target = path.join(root, file);
  const options = await resolveConfig(target);
  writeFileSync(target, await format(text, { ...options, filepath: target }));
}

const { schema, example, page, manualPage, type, echoPage } = await generate();
await write('config.schema.json', JSON.stringify(schema));
await write('config.example.json', JSON.stringify(example));
await write('src/app/setting-options.ts', type);
await write('docs/reference.md', page);
await write('docs/echo.md', echoPage(readFileSync(path.join(root, 'docs/echo.md'), 'utf8')));
// From the schema that has just been written.
await write('deploy/helm/twist/values.schema.json', JSON.stringify(chartSchema()));
writeFileSync(path.join(root, 'deploy/man/twist.1'), manualPage);
