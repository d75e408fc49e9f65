/**
 * The command's bundle in parts (docs/adr/0040-start.md): one file, of which Node compiles at the start what every
 * start needs. What a source loads with `import('./file.js')`, or with a `require('package')` of its own making, is in
 * it as the text of a comment, which costs nothing to skip, and is compiled when it is asked for.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, transform } from 'esbuild';

/** How a source makes itself a `require`, and what it asks of it. */
const CREATE_REQUIRE = `import { createRequire } from 'node:module';`;
const OWN_REQUIRE = 'const require = createRequire(import.meta.url);';
const REQUIRED = /\brequire\('([^']+)'\)/g;

/** An `import()` of a file that esbuild has made, and any `import()`. */
const IMPORT_OF_PART = /\bimport\("(\.\/[^"]+)"\)/g;
const DYNAMIC_IMPORT = /\bimport\(/;

/** Builtins that take half a millisecond or more, and that plain sessions do not need. */
const IMPORTED_BUILTIN =
  /var (import_\w+)\s*=\s*require\("(node:(?:crypto|dns|fs\/promises|https?|tls|worker_threads|zlib))"\);/g;

/** What would end the comment that a part stands in, and what stands there in its place. */
const END = '*/';
const HIDDEN_END = '*\0/';

const NO_ASCII = /[^\0-\x7f]/;

/** Where lines are broken, if they can be: Node shows the line of an error that nobody catches. */
const MAX_LINE = 120;

/** The modules that hand parts out, and that give them what they share with the start. */
const LOADER = 'twist:parts';
const GIVEN = 'twist:given';

/** Where the program has its clock from. */
const CLOCK = 'twist:clock';

/** @typedef {import('esbuild').BuildOptions} BuildOptions */
/** @typedef {import('esbuild').Plugin} Plugin */
/** @typedef {Pick<import('esbuild').Metafile, 'inputs'>} Metafile */

/**
 * @param {BuildOptions} common
 * @param {readonly string[]} entries in the order in which they run; the last is the program
 * @param {string} outfile
 * @returns {Promise<Metafile[]>} what went into it
 */
export async function buildInParts(common, entries, outfile) {
  /** @type {Set<string>} */
  const packages = new Set();
  const { files, metafile } = await split(common, entries, packages);
  const programs = entries.map((entry) => `./${path.basename(entry, '.ts')}.js`);
  const atStart = importedBy(programs, files);
  /** @type {Map<string, string>} */
  const parts = new Map();
  for (const [name, text] of files)
    if (!atStart.has(name)) parts.set(name, await partOf(common, name, text));
  const metafiles = [metafile];
  for (const name of packages) {
    const made = await build({
      ...common,
      ...SHORT,
      entryPoints: [name],
      format: 'cjs',
      write: false,
      metafile: true,
      plugins: [withoutLocales()],
    });
    metafiles.push(made.metafile);
    parts.set(name, made.outputFiles[0]?.text ?? '');
  }
  const shared = [...atStart].filter((name) => !programs.includes(name));
  const modules = new Map([
    ...files,
    [LOADER, loaderOf([...parts.keys()])],
    [GIVEN, givingOf(shared)],
  ]);
  const start = await build({
    ...common,
    ...SHORT,
    // What parts share with the start is given before the program begins.
    stdin: { contents: programs.toSpliced(-1, 0, GIVEN).map(importOf).join('\n') },
    format: 'cjs',
    write: false,
    plugins: [fromMemory(modules)],
  });
  const code = withLazyBuiltins(start.outputFiles[0]?.text ?? '');
  const texts = [...parts.values()].map(
    (text, index) => `function part${index}(){/*${text.replaceAll(END, HIDDEN_END)}*/}\n`,
  );
  const bundle = code + texts.join('');
  // bin/twist.js reads it byte by byte.
  if (NO_ASCII.test(bundle)) throw new Error(`${outfile} is not ASCII`);
  writeFileSync(outfile, bundle);
  return metafiles;
}

/** Without white space and comments, names as they are: stack traces name functions. */
const SHORT = /** @type {const} */ ({ minifyWhitespace: true, lineLimit: MAX_LINE });

/**
 * Cuts the program where it has an `import()`, into modules without one.
 * @param {BuildOptions} common
 * @param {readonly string[]} entries
 * @param {Set<string>} packages gets the names of those that sources require
 */
async function split(common, entries, packages) {
  const { outputFiles, metafile } = await build({
    ...common,
    entryPoints: [...entries],
    outdir: '.',
    format: 'esm',
    splitting: true,
    write: false,
    metafile: true,
    external: [LOADER],
    define: { ...common.define, 'performance.now': 'monotonicMs' },
    inject: [CLOCK],
    plugins: [
      ...(common.plugins ?? []),
      requiresParts(packages),
      pinoInThisThread(),
      commanderAlone(),
      ownClock(),
    ],
  });
  const root = path.resolve('.');
  const files = new Map(
    outputFiles.map((file) => [`./${path.relative(root, file.path)}`, file.text]),
  );
  return { files, metafile };
}

/**
 * @param {readonly string[]} programs
 * @param {ReadonlyMap<string, string>} files
 * @returns {Set<string>} the programs, and what they and their imports import by a statement
 */
function importedBy(programs, files) {
  const reached = new Set(programs);
  for (const name of reached) {
    const imports = files.get(name)?.matchAll(/\b(?:from|import)\s*"(\.\/[^"]+)"/g) ?? [];
    for (const [, imported = ''] of imports) reached.add(imported);
  }
  return reached;
}

/**
 * @param {BuildOptions} common
 * @param {string} name
 * @param {string} text
 */
async function partOf({ target = 'node20' }, name, text) {
  const { code } = await transform(withParts(text), { ...SHORT, target, format: 'cjs' });
  // What is compiled from a text has no loader for modules.
  if (DYNAMIC_IMPORT.test(code)) throw new Error(`${name} imports something only at run time`);
  return withLazyBuiltins(code);
}

/**
 * Has an `import()` of a file load a part.
 * @param {string} text as esbuild makes it
 */
function withParts(text) {
  const changed = text.replace(IMPORT_OF_PART, 'loadPart("$1")');
  return changed === text ? text : `import { loadPart } from '${LOADER}';${changed}`;
}

/**
 * Has some builtins wait for their first use: each is asked of a function.
 * @param {string} code CommonJS as esbuild makes it, which has a variable for each import of a builtin
 */
function withLazyBuiltins(code) {
  let lazy = code;
  for (const [declaration, name = '', builtin = ''] of code.matchAll(IMPORTED_BUILTIN)) {
    lazy = lazy
      .replace(declaration, '')
      .replace(new RegExp(`\\b${name}\\b`, 'g'), `(${name}())`)
      .concat(`var ${name}$;function ${name}(){return ${name}$??=require("${builtin}")}\n`);
  }
  return lazy;
}

/**
 * @param {readonly string[]} names of the parts
 */
function loaderOf(names) {
  const texts = names.map((name, index) => `${JSON.stringify(name)}: part${index}`);
  return `
    import { compileFunction } from 'node:vm';
    const texts = { ${texts.join(', ')} };
    const loaded = new Map();
    export function give(name, exports) {
      loaded.set(name, { exports });
    }
    export function part(name) {
      const known = loaded.get(name);
      if (known !== undefined) return known.exports;
      const text = texts[name];
      if (text === undefined) return require(name);
      const module = { exports: {} };
      loaded.set(name, module);
      const [, code] = /\\/\\*([^]*)\\*\\//.exec(String(text));
      const filename = __filename + '/' + name.replace('./', '');
      const run = compileFunction(code.replaceAll('*\\0/', '*/'), ['require', 'module', 'exports'], { filename });
      run(part, module, module.exports);
      return module.exports;
    }
    export async function loadPart(name) {
      return part(name);
    }
    give('${LOADER}', { part, loadPart });`;
}

/** @param {readonly string[]} names of the modules that parts share with the start */
function givingOf(names) {
  return [
    `import { give } from '${LOADER}';`,
    ...names.map((name, index) => `import * as shared${index} from '${name}';`),
    ...names.map((name, index) => `give('${name}', shared${index});`),
  ].join('\n');
}

/** @param {string} name */
function importOf(name) {
  return `import '${name}';`;
}

/**
 * @param {ReadonlyMap<string, string>} modules
 * @returns {Plugin}
 */
function fromMemory(modules) {
  const namespace = 'memory';
  return {
    name: 'from-memory',
    setup(builder) {
      builder.onResolve({ filter: /^(?:twist:|\.\/)/ }, ({ path: name }) => ({
        path: name,
        namespace,
      }));
      builder.onLoad({ filter: /./, namespace }, ({ path: name }) => ({
        contents: withParts(modules.get(name) ?? ''),
      }));
    },
  };
}

/**
 * A source that makes itself a `require` gets that of the parts.
 * @param {Set<string>} packages gets the names that are asked for
 * @returns {Plugin}
 */
function requiresParts(packages) {
  return withOwnRequire('requires-parts', (text) => {
    for (const [, name = ''] of text.matchAll(REQUIRED)) packages.add(name);
    return text.replace(CREATE_REQUIRE, `import { part as require } from '${LOADER}';`);
  });
}

/**
 * In a bundle without parts, a source that makes itself a `require` gets what an import gives.
 * @returns {Plugin}
 */
export function importsRequired() {
  return withOwnRequire('imports-required', (text) => {
    const [[, name = ''] = []] = [...text.matchAll(REQUIRED)];
    return text
      .replace(CREATE_REQUIRE, `import * as required from '${name}';`)
      .replaceAll(`require('${name}')`, 'required');
  });
}

/**
 * @param {string} name
 * @param {(text: string) => string} change takes a source that makes itself a `require`
 * @returns {Plugin}
 */
function withOwnRequire(name, change) {
  return {
    name,
    setup(builder) {
      builder.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path: file }) => {
        const text = readFileSync(file, 'utf8');
        if (!text.includes(OWN_REQUIRE)) return undefined;
        return { contents: change(text).replace(OWN_REQUIRE, ''), loader: 'ts' };
      });
    },
  };
}

/**
 * What pino has for other threads, for files and for hiding keys: it gets its stream from us, in this thread (ADR 1).
 * @returns {Plugin}
 */
function pinoInThisThread() {
  const modules = /^(?:@pinojs\/redact|sonic-boom|thread-stream|worker_threads)$/;
  return unused('pino-in-this-thread', modules, /\/pino\/lib\/[^/]+$/);
}

/**
 * Commander can have programs of their own for commands. Ours are in this one.
 * @returns {Plugin}
 */
function commanderAlone() {
  return unused('commander-alone', /^node:child_process$/, /\/commander\/lib\/[^/]+$/);
}

/**
 * @param {string} name
 * @param {RegExp} modules
 * @param {RegExp} importers that ask for them without a need
 * @returns {Plugin}
 */
function unused(name, modules, importers) {
  const namespace = name;
  return {
    name,
    setup(builder) {
      builder.onResolve({ filter: modules }, ({ importer, path }) =>
        importers.test(importer) ? { path, namespace } : undefined,
      );
      builder.onLoad({ filter: /./, namespace }, () => ({
        contents: 'module.exports = class Unused {};',
      }));
    },
  };
}

/**
 * `performance.now()` without `node:perf_hooks`, which takes longer to load than any other builtin: a
 * reading costs the same.
 * @returns {Plugin}
 */
function ownClock() {
  return {
    name: 'own-clock',
    setup(builder) {
      builder.onResolve({ filter: new RegExp(`^${CLOCK}$`) }, () => ({
        path: CLOCK,
        namespace: CLOCK,
      }));
      builder.onLoad({ filter: /./, namespace: CLOCK }, () => ({
        contents: `
          const { hrtime } = process;
          const [startS] = hrtime();
          export function monotonicMs() {
            const now = hrtime();
            return (now[0] - startS) * 1e3 + now[1] / 1e6;
          }`,
      }));
    },
  };
}

/**
 * Zod brings its messages in all languages.
 * @returns {Plugin}
 */
function withoutLocales() {
  return {
    name: 'without-locales',
    setup(builder) {
      builder.onLoad({ filter: /\/zod\/.*\/locales\/index\.js$/ }, () => ({ contents: '' }));
    },
  };
}
