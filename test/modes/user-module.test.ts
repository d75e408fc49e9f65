import t from 'tap';
import type { Files } from '../../src/modes/built-in.js';
import { defaultOf, importModule } from '../../src/modes/user-module.js';

const NAMESPACE = { default: 1 };

/** What importing comes to: the module, or the clause that refuses it. */
async function outcome(path: string, files: Partial<Files>): Promise<unknown> {
  const all = { readFile: () => '', importFile: () => Promise.resolve(NAMESPACE), ...files };
  try {
    return await importModule(path, all, (clause) => {
      throw new Error(clause);
    });
  } catch (error) {
    return (error as Error).message;
  }
}

const failing = (error: unknown): Partial<Files> => ({
  importFile: () => {
    throw error;
  },
});

t.test('a module is imported, and no promise asks it for a then', async (t) => {
  t.strictSame(await outcome('a.mjs', {}), { module: NAMESPACE });
});

t.test('why a module cannot be loaded', async (t) => {
  const missing = (): never => {
    throw Object.assign(new Error('x'), { code: 'ENOENT' });
  };
  t.equal(await outcome('a.mjs', { readFile: missing }), 'there is no such file');
  const extension = Object.assign(new Error('x'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' });
  t.equal(await outcome('a', failing(extension)), 'give a file that ends in .js, .mjs or .cjs');
  t.equal(
    await outcome('a.ts', failing(extension)),
    'this version of Node reads JavaScript only; give the file that it compiles to',
  );
  const placed = Object.assign(new TypeError('no x\nmore'), {
    stack: 'TypeError: no x\n    at file:///srv/a.mjs:7:3\n    at node:internal/x:1:1',
  });
  t.equal(
    await outcome('a.mjs', failing(placed)),
    'it cannot be loaded, line 7 of a.mjs: TypeError: no x',
  );
  const unplaced = Object.assign(new SyntaxError('no x'), { stack: 'SyntaxError: no x' });
  t.equal(
    await outcome('a.mjs', failing(unplaced)),
    'it cannot be loaded: SyntaxError: no x; node --check shows where, in it or in a file that it imports',
  );
  t.equal(await outcome('a.mjs', failing('a text')), 'it cannot be loaded: Error: a text');
});

t.test('the default export', async (t) => {
  t.equal(defaultOf(NAMESPACE), 1);
  t.equal(defaultOf({ default: { __esModule: true, default: 2 } }), 2);
  t.equal(defaultOf({}), undefined);
  t.equal(defaultOf(null), undefined);
});
