/** Which files of this repository a file loads, as esbuild follows imports: those of types do not count. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

export const ROOT = path.resolve(import.meta.dirname, '..');

/** What a test loads by another name: `t.mockImport('../../src/file.js'`. */
const MOCKED = /\bmockImport\b[^(]*\(\s*'(\.[^']+)\.js'/g;

/**
 * @param {string} folder
 * @returns {string[]} the TypeScript in it, by paths from the root
 */
export function typescriptIn(folder) {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .sort();
}

export class ImportGraph {
  /** @type {Map<string, Set<string>>} what each file imports itself */
  #imports = new Map();

  /** @param {readonly string[]} files by paths from the root */
  static async of(files) {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: [...files],
      bundle: true,
      write: false,
      outdir: 'none',
      format: 'esm',
      platform: 'node',
      packages: 'external',
      metafile: true,
      logLevel: 'error',
    });
    const graph = new ImportGraph();
    for (const [file, { imports }] of Object.entries(metafile.inputs)) {
      const loaded = new Set(
        imports.filter(({ external }) => external !== true).map((one) => one.path),
      );
      for (const [, name] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(MOCKED))
        loaded.add(`${path.posix.join(path.posix.dirname(file), name ?? '')}.ts`);
      graph.#imports.set(file, loaded);
    }
    return graph;
  }

  /**
   * @param {string} file
   * @returns {Set<string>} the file, and what it loads, itself or by what it loads
   */
  loadedBy(file) {
    const loaded = new Set([file]);
    for (const one of loaded) for (const next of this.#imports.get(one) ?? []) loaded.add(next);
    return loaded;
  }
}
