/** The bundle with its white space and with the path of each module above it, for profiles: the same code otherwise. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { importsPages } from '../build-pages.mjs';
import { importsRequired } from '../build-parts.mjs';

const ROOT = path.join(import.meta.dirname, '..');
const BCRYPT_LIBRARY = 'node_modules/hash-wasm/dist/bcrypt.umd.min.js';

/**
 * @param {string} outfile a program of CommonJS
 * @param {import('esbuild').Plugin[]} [plugins]
 */
export async function buildReadable(outfile, plugins = []) {
  await build({
    absWorkingDir: ROOT,
    stdin: {
      contents: "import './src/cli/early-signals.ts'; import './src/cli/main.ts';",
      resolveDir: ROOT,
    },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    logLevel: 'warning',
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    define: {
      TWIST_VERSION: JSON.stringify('profile'),
      BCRYPT_LIBRARY: JSON.stringify(readFileSync(path.join(ROOT, BCRYPT_LIBRARY), 'utf8')),
    },
    plugins: [...plugins, importsPages(new Map()), importsRequired()],
  });
}
