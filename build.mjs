/**
 * Builds the one bundle that the npm command, the container image and a single binary share:
 * `dist/twist.cjs`, CommonJS, which starts without `node_modules`; and the notices of what it holds.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const { version } = readJson('package.json');

const { metafile } = await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/twist.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  define: { TWIST_VERSION: JSON.stringify(version) },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

const packages = new Set(
  Object.keys(metafile.inputs).flatMap(
    (input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [],
  ),
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
