/**
 * Writes what is made from the option table in src/config: `config.schema.json` and
 * `docs/reference.md`. Run it with `npm run docs` after a change to the table; the tests of schema and
 * reference fail when it was forgotten.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';

const root = path.join(import.meta.dirname, '..');

/**
 * Bundles the sources, which Node cannot read as they are, and imports them.
 * @returns {Promise<{ schema: object, page: string }>} both results
 */
async function generate() {
  // Inside the checkout, because packages are looked for from there.
  const folder = mkdtempSync(path.join(root, 'node_modules', '.generate-'));
  try {
    const outfile = path.join(folder, 'config.mjs');
    await build({
      stdin: {
        contents: `
          import { OPTIONS } from './src/config/options.js';
          import { reference } from './src/config/reference.js';
          import { jsonSchema } from './src/config/schema.js';
          export const schema = jsonSchema(OPTIONS);
          export const page = reference(OPTIONS);`,
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
    return /** @type {{ schema: object, page: string }} */ (made);
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

const { schema, page } = await generate();
await write('config.schema.json', JSON.stringify(schema));
await write('docs/reference.md', page);
