/** What `npm run shape` counts, on sources of a few lines. That which needs a server is seen when it runs. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compile, singleImplementations } from '../../tools/shape/program.mjs';
import { filesOfSetting } from '../../tools/shape/setting-flow.mjs';
import {
  filesInFolders,
  importCycles,
  lineCount,
  nonIndexAssertions,
  typesCalled,
  unusedExports,
} from '../../tools/shape/syntax.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const texts = (files: Record<string, string>): Map<string, string> =>
  new Map(Object.entries(files));

t.test('lines, folders and names', async (t) => {
  t.strictSame(['', 'a', 'a\n', 'a\n\nb'].map(lineCount), [0, 1, 1, 3]);
  const sources = texts({
    'src/a/one.ts': 'export class OneSession {}',
    'src/a/two.ts': 'interface SessionTwo {} // class NoSession {}',
    'src/a/b/three.ts': 'const Session = 1;',
  });
  t.strictSame(filesInFolders(sources), [
    ['src/a', 2],
    ['src/a/b', 1],
  ]);
  t.strictSame(typesCalled(sources, /Session/), [
    'OneSession (src/a/one.ts)',
    'SessionTwo (src/a/two.ts)',
  ]);
});

t.test('a ! is counted unless it is one of an index', async (t) => {
  const text = 'a[i]!;\na!.b;\na[i]!.c!;\n!a; // a!\nlet b!: number;\na[i].c![0];';
  t.strictSame(nonIndexAssertions(texts({ 'src/a.ts': text })), [
    'src/a.ts:2',
    'src/a.ts:3',
    'src/a.ts:6',
  ]);
});

t.test('a circle of imports is one, at run time or by types', async (t) => {
  const cycles = importCycles(
    texts({
      'src/a/one.ts': "import { two } from './two.js';",
      'src/a/two.ts': "import { three } from './three.js';",
      'src/a/three.ts': "import { one } from './one.js';\nimport { four } from './four.js';",
      'src/a/four.ts': "import type { A } from '../b/five.js';",
      'src/b/five.ts': "import { type B } from '../a/four.js';",
      'src/b/six.ts': "let seven: import('./seven.js').Seven;",
      'src/b/seven.ts': "import type { Six } from './six.js';",
    }),
  );
  t.strictSame(cycles, {
    runTime: [['src/a/one.ts', 'src/a/three.ts', 'src/a/two.ts']],
    acrossFolders: [['src/a/four.ts', 'src/b/five.ts']],
    inOneFolder: [['src/b/seven.ts', 'src/b/six.ts']],
  });
});

t.test('an export that nobody imports, or only a test', async (t) => {
  const sources = texts({
    'src/index.ts': "export { a } from './a.js';\nexport const forOthers = 1;",
    'src/a.ts': 'export const a = 1, b = 2;\nexport interface C {}\nexport type D = C;',
    'src/b.ts': 'export function e() {}\nclass F {}\nexport { F };\nexport enum G {}',
    'src/c.ts': "import { b as other } from './a.js';\nexport const [h, { i }] = other;",
    'src/d.ts': 'export const j = 1;\nexport const k = 1;',
  });
  const users = texts({
    'test/a.test.ts': "import type { C } from '../src/a.js';\nimport { e } from '../src/b.js';",
    'test/d.test.ts': "import * as all from '../src/d.js';",
    'bench/a.mjs': "/** @param {import('../src/b.js').F} f */",
    'docs/a.mjs': "const text = `import { j } from './src/d.js';`;",
  });
  t.strictSame(unusedExports(sources, users), {
    unused: ['D (src/a.ts)', 'G (src/b.ts)', 'h (src/c.ts)', 'i (src/c.ts)'],
    onlyByTests: ['C (src/a.ts)', 'e (src/b.ts)', 'k (src/d.ts)'],
  });
});

t.test('interfaces that one class implements', async (t) => {
  const sources = compile(
    ROOT,
    texts({
      'src/low/a.ts': `export interface Base { a(): void }
        export interface One extends Base { b(): void }
        export interface Two { c(): void }
        export interface Three { d(): void }`,
      'src/high/b.ts': `import type { One, Two, Three } from '../low/a.js';
        export class A implements One, Two, Three { a() {} b() {} c() {} d() {} }
        export class B implements Two { c() {} }
        export const three: Three = { d() {} };
        interface Own { e(): void }
        export class C implements Own { e() {} }`,
    }),
  );
  t.strictSame(singleImplementations(sources), {
    turning: [
      'Base (src/low/a.ts) <- A (src/high/b.ts)',
      'One (src/low/a.ts) <- A (src/high/b.ts)',
    ],
    inOneLayer: ['Own (src/high/b.ts) <- C (src/high/b.ts)'],
  });
});

t.test('the way of a setting, under all its names', async (t) => {
  const sources = compile(
    ROOT,
    texts({
      'src/table.ts': `import { size } from './kinds.js';
        export const OPTIONS = { maxMessage: { kind: size() }, other: { kind: 1 } };`,
      'src/kinds.ts': 'export const size = () => ({ parse: (text: string) => Number(text) });',
      'src/settings.ts': `import type { OPTIONS } from './table.js';
        export type Settings = { readonly [Key in keyof typeof OPTIONS]: number };`,
      'src/load.ts': `import { flags } from './flags.js';
        import type { Settings } from './settings.js';
        export const load = (): Settings => Object.fromEntries(flags()) as unknown as Settings;`,
      'src/flags.ts': `export function flags(): Map<string, unknown> {
          const map = new Map<string, unknown>();
          map.set('key', 1);
          return map;
        }`,
      'src/root.ts': `import { load } from './load.js';
        import { serve } from './serve.js';
        serve(load());`,
      'src/serve.ts': `import { Connection } from './connection.js';
        import type { Settings } from './settings.js';
        export const serve = (settings: Settings) =>
          new Connection({ limits: { maxMessageBytes: settings.maxMessage, other: settings.other } });`,
      'src/limits.ts':
        'export interface Limits { readonly maxMessageBytes: number; readonly other: number }',
      'src/connection.ts': `import { Reader } from './reader.js';
        import type { Limits } from './limits.js';
        export class Connection {
          readonly #limits: Limits;
          constructor({ limits }: { readonly limits: Limits }) { this.#limits = limits; }
          read() { return new Reader(this.#limits); }
        }`,
      'src/reader.ts': `import { check } from './check.js';
        import { note } from './note.js';
        import { limit } from './bound.js';
        import type { Limits } from './limits.js';
        export class Reader {
          readonly most: number;
          constructor({ maxMessageBytes, other }: Limits) {
            check(maxMessageBytes);
            this.most = maxMessageBytes;
            limit(this);
            note(other, maxMessageBytes * 2);
          }
        }`,
      'src/bound.ts': `interface Bound { readonly most: number }
        export const limit = (bound: Bound) => bound.most > 1;`,
      'src/check.ts': `import { TooBigError } from './errors.js';
        export function check(most: number) { if (most < 1) throw new TooBigError(most); }`,
      'src/note.ts': 'export function note(one: number, two: number) { return one + two; }',
      'src/errors.ts':
        'export class TooBigError extends Error { constructor(readonly most: number) { super(); } }',
    }),
  );
  t.strictSame(filesOfSetting(sources, 'maxMessage'), {
    named: [
      'src/bound.ts',
      'src/check.ts',
      'src/limits.ts',
      'src/reader.ts',
      'src/serve.ts',
      'src/table.ts',
    ],
    carried: ['src/connection.ts', 'src/flags.ts', 'src/kinds.ts', 'src/load.ts', 'src/root.ts'],
  });
});
