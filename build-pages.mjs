/**
 * The pages that twist serves to browsers (docs/adr/0047-web-pages.md). Each is a folder of `web/`: `index.html`, and
 * `main.tsx` with all that it imports, styles too. Sources get one as `import('twist:page/NAME')`: a module with `html`,
 * `script` and `style`, which are texts.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = import.meta.dirname;

/** What sources import. */
export const PAGE_PREFIX = 'twist:page/';

/** @typedef {Pick<import('esbuild').BuildResult<{ write: false }>, 'outputFiles'>} PageFiles */
/** @typedef {Map<string, import('esbuild').Metafile>} PageMetafiles what went into each page, by its name */

/**
 * Without plugins, so that it can be built at once where nobody can wait.
 * @param {string} name of the page, which is that of its folder
 * @returns {import('esbuild').BuildOptions & { write: false, metafile: true }}
 */
export function pageOptions(name) {
  return {
    absWorkingDir: ROOT,
    entryPoints: [`web/${name}/main.tsx`],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    outdir: 'page',
    write: false,
    metafile: true,
    logLevel: 'warning',
  };
}

/**
 * @param {string} name
 * @param {PageFiles} files
 * @returns {string} the module that sources import
 */
export function pageModule(name, { outputFiles }) {
  const html = readFileSync(path.join(ROOT, `web/${name}/index.html`), 'utf8');
  const texts = {
    html: html.replace(/\n\s*/g, '\n'),
    script: textOf(name, outputFiles, '.js'),
    style: textOf(name, outputFiles, '.css'),
  };
  return Object.entries(texts)
    .map(([key, text]) => `export const ${key} = ${JSON.stringify(text)};\n`)
    .join('');
}

/**
 * @param {string} name
 * @param {PageFiles['outputFiles']} files
 * @param {string} ending
 */
function textOf(name, files, ending) {
  const file = files.find((one) => one.path.endsWith(ending));
  if (file === undefined) throw new Error(`the page ${name} has no ${ending}`);
  return file.text;
}

/**
 * Has sources import pages.
 * @param {PageMetafiles} metafiles gets those of the pages that are imported
 * @returns {import('esbuild').Plugin}
 */
export function importsPages(metafiles) {
  const namespace = 'page';
  return {
    name: 'imports-pages',
    setup(builder) {
      builder.onResolve({ filter: new RegExp(`^${PAGE_PREFIX}`) }, ({ path: asked }) => ({
        path: asked.slice(PAGE_PREFIX.length),
        namespace,
      }));
      builder.onLoad({ filter: /./, namespace }, async ({ path: name }) => {
        const result = await builder.esbuild.build(pageOptions(name));
        metafiles.set(name, result.metafile);
        return { contents: pageModule(name, result) };
      });
    },
  };
}
