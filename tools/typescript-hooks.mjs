/**
 * Lets Node load TypeScript: each file becomes JavaScript on its own, without a look at its types. A result
 * is kept under a name made of what it was made from, so each is made once, whichever process asks for it.
 * Pages are made as the build makes them, each time. URLs stay those of the `.ts` files, so that `import.meta.url`, stack traces and coverage are right.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { URL, fileURLToPath } from 'node:url';
import { PAGE_PREFIX, pageModule, pageOptions } from '../build-pages.mjs';

// In the thread that Node runs hooks in, nobody reads a stack trace: its maps need not be read either.
if (!isMainThread) process.setSourceMapsEnabled(false);

const CACHE = path.resolve(import.meta.dirname, '../.tap/compiled');

/** The sources are there to be read, so their maps need not hold them. */
const OPTIONS = /** @type {const} */ ({
  loader: 'ts',
  format: 'esm',
  target: 'node20.19',
  sourcemap: 'inline',
  sourcesContent: false,
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
});

/** Tap loads its plugin into each test, before it knows whether there is something to do for it. */
const TAP_PLUGIN = '/@tapjs/typescript/dist/esm/import.mjs';

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, next) {
  if (specifier.endsWith(TAP_PLUGIN)) return { url: 'data:text/javascript,', shortCircuit: true };
  if (specifier.startsWith(PAGE_PREFIX))
    return { url: specifier, format: 'module', shortCircuit: true };
  const url = typescriptUrl(specifier, context.parentURL);
  return url === null ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
}

/** @type {import('node:module').LoadHook} */
export function load(url, context, next) {
  if (url.startsWith(PAGE_PREFIX))
    return { format: 'module', source: compilePage(url), shortCircuit: true };
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'file:' || !pathname.endsWith('.ts')) return next(url, context);
  return { format: 'module', source: compile(fileURLToPath(url)), shortCircuit: true };
}

/**
 * Which file is meant by a path that may end in `.js`, as relative imports do. A query stays, for
 * `t.mockImport` tells modules apart by it.
 * @param {string} specifier
 * @param {string | undefined} parent
 */
function typescriptUrl(specifier, parent) {
  if (!/^(\.\.?\/|file:)/.test(specifier)) return null;
  const url = new URL(specifier, parent);
  if (url.pathname.includes('/node_modules/')) return null;
  url.pathname = url.pathname.replace(/\.js$/, '.ts');
  return url.pathname.endsWith('.ts') && existsSync(fileURLToPath(url)) ? url.href : null;
}

/** @param {string} file its path */
function compile(file) {
  const source = readFileSync(file, 'utf8');
  const kept = path.join(CACHE, nameOf(file, source));
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const { transformSync } = requireEsbuild();
    const { code } = transformSync(source, { ...OPTIONS, sourcefile: file });
    keep(kept, code);
    return code;
  }
}

/** @param {string} url of a page */
function compilePage(url) {
  const name = url.slice(PAGE_PREFIX.length);
  return pageModule(name, requireEsbuild().buildSync(pageOptions(name)));
}

/** Most processes find everything compiled, and need not load it. */
function requireEsbuild() {
  /** @type {unknown} */
  const esbuild = createRequire(import.meta.url)('esbuild');
  return /** @type {typeof import('esbuild')} */ (esbuild);
}

/**
 * Compiles what is not compiled yet, and removes what none of the files leads to any more.
 * @param {readonly string[]} files their paths, absolute
 */
export async function compileAll(files) {
  const { transform } = await import('esbuild');
  mkdirSync(CACHE, { recursive: true });
  const left = new Set(readdirSync(CACHE));
  await Promise.all(
    files.map(async (file) => {
      const source = readFileSync(file, 'utf8');
      const name = nameOf(file, source);
      if (left.delete(name)) return;
      try {
        const { code } = await transform(source, {
          ...OPTIONS,
          sourcefile: file,
          logLevel: 'silent',
        });
        keep(path.join(CACHE, name), code);
      } catch {
        // It says what is wrong where it is loaded.
      }
    }),
  );
  for (const name of left) rmSync(path.join(CACHE, name));
}

/**
 * @param {string} file
 * @param {string} source
 */
function nameOf(file, source) {
  const hash = createHash('sha1')
    .update(JSON.stringify([OPTIONS, file]))
    .update(source);
  return `${hash.digest('hex')}.js`;
}

/**
 * Another process may make or read the same file at the same time.
 * @param {string} kept
 * @param {string} code
 */
function keep(kept, code) {
  mkdirSync(CACHE, { recursive: true });
  const draft = `${kept}.${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, kept);
}
