/**
 * Builds the one bundle that the npm command, the container image and a single binary share:
 * `dist/twist.cjs`, CommonJS, which starts without `node_modules`; the library, `dist/index.js`; and
 * the notices of what they hold. The library's types are made by build-types.mjs, which takes longer.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const { version } = readJson('package.json');

/** @type {import('esbuild').BuildOptions & { metafile: true }} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

const results = await Promise.all([
  build({
    ...common,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/twist.cjs',
    format: 'cjs',
    define: { TWIST_VERSION: JSON.stringify(version) },
  }),
  build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', format: 'esm' }),
]);

const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(
  inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
);
const notices = [...packages].sort().map((folder) => {
  const { name, version: packageVersion, license } = readJson(path.join(folder, 'package.json'));
  return `${name} ${packageVersion} (${license ?? 'see its repository'})\n\n${licenceText(folder)}`;
});
writeFileSync('dist/THIRD_PARTY_NOTICES.txt', notices.join(`\n\n${'-'.repeat(80)}\n\n`));

/** @param {string} folder of an installed package */
function licenceText(folder) {
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE']) {
    try {
      return readFileSync(path.join(folder, name), 'utf8').trim();
    } catch {
      // Each package names this file in its own way: try the next name.
    }
  }
  return '(the package ships no licence text)';
}

/** @typedef {{ name: string, version: string, license?: string }} Manifest */

/**
 * @param {string} file
 * @returns {Manifest}
 */
function readJson(file) {
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  return /** @type {Manifest} */ (manifest);
}
