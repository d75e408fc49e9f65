/**
 * Builds the one bundle that the npm command, the container image and a single binary share:
 * `dist/twist.cjs`, CommonJS, which starts without `node_modules`; the library, `dist/index.js`; and
 * the notices and the bill of materials of what they hold. The library's types are made by build-types.mjs, which takes longer.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { builtinModules } from 'node:module';
import { build } from 'esbuild';
import { buildInParts, importsRequired } from './build-parts.mjs';
import { importsPages } from './build-pages.mjs';
import { bomText, npmComponent } from './build-sbom.mjs';

const { version, license = '' } = readJson('package.json');

/** It runs in a thread of its own, so the bundle holds it as text (docs/adr/0008-password-hashes.md). */
const BCRYPT_LIBRARY = 'node_modules/hash-wasm/dist/bcrypt.umd.min.js';

/** Stands in the bundle for what `twist --licenses` prints. */
const LICENSES_HERE = '@TWIST_LICENSES@';

/** @type {import('./build-pages.mjs').PageMetafiles} */
const pages = new Map();

/** @type {import('esbuild').BuildOptions & { metafile: true, plugins: import('esbuild').Plugin[] }} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  metafile: true,
  // Its main file asks for its parts by a `require` that no bundler sees.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  logLevel: 'warning',
  plugins: [importsPages(pages)],
  define: {
    TWIST_VERSION: JSON.stringify(version),
    // Its text is known once all is bundled.
    TWIST_LICENSES: JSON.stringify(LICENSES_HERE),
    BCRYPT_LIBRARY: JSON.stringify(readFileSync(BCRYPT_LIBRARY, 'utf8')),
  },
};

const metafiles = await Promise.all([
  buildInParts(
    common,
    // Signals are listened for before the rest is loaded.
    ['src/cli/early-signals.ts', 'src/cli/main.ts'],
    'dist/twist.cjs',
  ),
  build({
    ...common,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/index.js',
    format: 'esm',
    plugins: [...common.plugins, importsBuiltins(), importsRequired()],
  }).then(({ metafile }) => metafile),
]);

const inputs = [...metafiles.flat(), ...pages.values()].flatMap(({ inputs }) =>
  Object.keys(inputs),
);
inputs.push(BCRYPT_LIBRARY);
const packages = new Set(
  inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
);
const folders = [...packages].sort();
const notices = folders.map((folder) => {
  const { name, version: packageVersion, license } = readJson(path.join(folder, 'package.json'));
  return `${name} ${packageVersion} (${license ?? 'see its repository'})\n\n${licenceText(folder)}`;
});
const LINE = `\n\n${'-'.repeat(80)}\n\n`;
writeFileSync('dist/THIRD_PARTY_NOTICES.txt', notices.join(LINE));
putLicenses('dist/twist.cjs', [
  `twist ${version} (${license}, as you choose)`,
  ...['LICENSE-MIT', 'LICENSE-APACHE'].map((file) => readFileSync(file, 'utf8').trim()),
  ...notices,
]);

/** @type {unknown} */
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { packages: locked } =
  /** @type {{ packages: Record<string, { integrity?: string } | undefined> }} */ (lock);
const components = folders.map((folder) =>
  npmComponent(readJson(path.join(folder, 'package.json')), locked[folder]?.integrity),
);
const own = npmComponent(readJson('package.json'), undefined, 'application');
writeFileSync('dist/sbom.cdx.json', bomText(own, components));

/**
 * Libraries that are CommonJS ask for Node's own modules by `require`, which a module does not have, and what
 * bundles ours into CommonJS has no `import.meta.url` to make one. Here they get what an import gives.
 * @returns {import('esbuild').Plugin}
 */
function importsBuiltins() {
  const names = new Set(builtinModules);
  return {
    name: 'imports-builtins',
    setup(build) {
      build.onResolve({ filter: /./ }, ({ path: asked, kind }) => {
        const name = asked.replace(/^node:/, '');
        return kind === 'require-call' && names.has(name)
          ? { path: name, namespace: 'builtin' }
          : undefined;
      });
      build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path: name }) => ({
        contents: `import builtin from 'node:${name}'; module.exports = builtin;`,
      }));
    },
  };
}

/**
 * The bundle is one file that goes everywhere, and takes along what it must.
 * @param {string} bundle
 * @param {readonly string[]} texts
 */
function putLicenses(bundle, texts) {
  const code = readFileSync(bundle, 'latin1');
  const place = JSON.stringify(LICENSES_HERE);
  // Before it, there is the question whether there is such a text.
  const at = code.lastIndexOf(place);
  if (at === -1) throw new Error('the bundle has no place for the licenses');
  const literal = JSON.stringify(texts.join(LINE))
    // The bundle is ASCII, its lines are short, and this one is in a comment.
    .replaceAll('*/', '*\\/')
    .replaceAll('\\n', '\\n\\\n')
    .replace(
      /[\u0080-\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  writeFileSync(bundle, code.slice(0, at) + literal + code.slice(at + place.length), 'latin1');
}

/** @param {string} folder of an installed package */
function licenceText(folder) {
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'license.md', 'LICENCE']) {
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
