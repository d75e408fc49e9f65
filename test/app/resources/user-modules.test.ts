import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import type { Io } from '../../../src/cli/io.js';
import { loadUserModules, type UserModules } from '../../../src/app/resources/user-modules.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import type { Provided } from '../../../src/config/settings.js';
import { ConfigError } from '../../../src/errors.js';
import type { Extension } from '../../../src/extensions/extension.js';
import type { Mode } from '../../../src/session/mode.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

type Files = Pick<Io, 'readFile' | 'importFile'>;

const REAL_FILES: Files = {
  readFile: (file) => readFileSync(file, 'utf8'),
  importFile: (file) => import(pathToFileURL(file).href) as Promise<unknown>,
};

const EXTENSION = `{ name: 'x-one', create: () => ({ enabled: false, init() {}, response() {},
  reserveRsv() {}, decode() {}, encode() {}, close() {} }) }`;

interface Given {
  readonly mode?: string | null;
  readonly route?: readonly string[];
  readonly extension?: readonly string[];
  readonly deflate?: boolean | 'auto';
}

async function load(
  { mode = null, route = [], extension = [], deflate = 'auto' }: Given,
  { source, from }: Omit<Provided, 'value'> = { source: 'flag', from: '--mode' },
  files = REAL_FILES,
  inPlace?: UserModules,
): Promise<UserModules> {
  return await loadUserModules(
    {
      mode: { value: mode, source, from },
      route: {
        value: OPTIONS.route.type.schema.parse(route),
        source,
        from: source === 'flag' ? '--route' : from,
      },
      extension: { value: extension, source, from: source === 'flag' ? '--extension' : from },
      deflate: { value: deflate, source, from },
    },
    files,
    inPlace,
  );
}

/** Makes files in a new directory. @returns what finds them */
function folderOf(t: Test, files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = makeTempDir(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return (name) => path.join(folder, name);
}

t.test('nothing is loaded when nothing is named', async (t) => {
  const files: Files = {
    readFile: () => t.fail('nothing is read') as never,
    importFile: () => t.fail('nothing is imported') as never,
  };
  for (const given of [{}, { route: ['/a=echo', '/b=tcp:a:1'] }])
    t.same(await load(given, undefined, files), { modes: new Map(), extensions: [] });
});

t.test('ES modules and CommonJS, transpiled ones too', async (t) => {
  const at = folderOf(t, {
    'mode.mjs': 'export default { name: "one", message() {} };',
    'mode.cjs': 'module.exports = { name: "two", delivery: "chunks", chunk() {} };',
    'transpiled.cjs':
      'exports.__esModule = true; exports.default = { name: "three", message() {} };',
    'extension.mjs': `export default ${EXTENSION};`,
    'extension.cjs': `module.exports = ${EXTENSION.replace('x-one', 'x-two')};`,
  });
  for (const [file, name, delivery] of [
    ['mode.mjs', 'one', 'messages'],
    ['mode.cjs', 'two', 'chunks'],
    ['transpiled.cjs', 'three', 'messages'],
  ] as const) {
    const { modes } = await load({ mode: at(file) });
    t.match([...modes], [[at(file), { name, delivery }]]);
  }
  const { modes, extensions } = await load({
    extension: [at('extension.mjs'), at('extension.cjs')],
  });
  t.equal(modes.size, 0);
  t.same(
    extensions.map(({ name }) => name),
    ['x-one', 'x-two'],
  );
});

t.test('modes of routes; one module is one mode', async (t) => {
  const at = folderOf(t, {
    'one.mjs': 'export default { name: "one", message() {} };',
    'two.mjs': 'export default { name: "two", message() {} };',
  });
  const [one, two] = [at('one.mjs'), at('two.mjs')];
  const imported: string[] = [];
  const files = {
    ...REAL_FILES,
    importFile: (file: string) => {
      imported.push(file);
      return REAL_FILES.importFile(file);
    },
  };
  const route = [`/a=mode:${two}`, '/b=echo', `/c=mode:${one}`, `/d=mode:${two}`];
  const { modes } = await load({ mode: one, route }, undefined, files);
  t.same(imported, [one, two], 'each once');
  t.match(
    [...modes],
    [
      [one, { name: 'one' }],
      [two, { name: 'two' }],
    ],
  );
});

t.test('a file that does not fit: one sentence', async (t) => {
  const at = folderOf(t, {
    'none.mjs': 'export const mode = {};',
    'throws.mjs': '\n\nthrow new TypeError("not now\\nbecause");',
    'text.mjs': 'throw "not now";',
    'scalar.mjs': 'export default 7;',
    'null.mjs': 'export default null;',
    'mode.mjs': 'export default { name: "one" };',
  });
  mkdirSync(at('folder'));
  for (const [file, clause] of [
    ['nowhere.mjs', 'there is no such file'],
    ['folder', 'it is a directory'],
    ['none.mjs', 'it has no default export; write export default { name, message }'],
    ['throws.mjs', 'it cannot be loaded, line 3 of throws.mjs: TypeError: not now'],
    ['text.mjs', 'it cannot be loaded: Error: not now'],
    ['scalar.mjs', 'a mode must be an object such as { name, message }, not 7'],
    ['null.mjs', 'a mode must be an object such as { name, message }, not null'],
    ['mode.mjs', 'a mode with delivery "messages" needs the function message'],
  ] as const) {
    await t.rejects(
      load({ mode: at(file) }),
      new ConfigError(`--mode cannot be ${JSON.stringify(at(file))}: ${clause}`, {
        source: 'flag',
      }),
      file,
    );
  }
});

/** An error as Node makes it. Tests run with a loader that makes others. */
function nodeError(error: Error, stack: string | undefined, code?: string): Error {
  if (code !== undefined) Object.assign(error, { code });
  if (stack === undefined) delete error.stack;
  else error.stack = stack;
  return error;
}

const NODE_FRAME = '    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)';
const OUR_FRAME = '    at async importFile (/opt/twist/twist.cjs:23626:12)';
const TOKEN = "Unexpected token ';'";
const UNKNOWN = 'ERR_UNKNOWN_FILE_EXTENSION';

t.test('what Node says about a file: with the line, where it tells it', async (t) => {
  const loading = 'it cannot be loaded';
  for (const [file, error, clause] of [
    [
      'a.cjs',
      nodeError(
        new SyntaxError(TOKEN),
        `/modes/a.cjs:2\nmodule.exports = {;\n                  ^\n\nSyntaxError: ${TOKEN}\n${NODE_FRAME}\n${OUR_FRAME}`,
      ),
      `${loading}, line 2 of a.cjs: SyntaxError: ${TOKEN}`,
    ],
    [
      'a.mjs',
      nodeError(new SyntaxError(TOKEN), `SyntaxError: ${TOKEN}\n${NODE_FRAME}\n${OUR_FRAME}`),
      `${loading}: SyntaxError: ${TOKEN}; node --check shows where, in it or in a file that it imports`,
    ],
    [
      'a.mjs',
      nodeError(
        new RangeError('no'),
        `RangeError: no\n    at make (file:///modes/b%20c.mjs:7:11)\n    at file:///modes/a.mjs:3:1\n${NODE_FRAME}`,
      ),
      `${loading}, line 7 of b%20c.mjs: RangeError: no`,
    ],
    [
      'a.mjs',
      nodeError(
        new Error('Cannot find package'),
        `Error: Cannot find package\n${NODE_FRAME}\n${OUR_FRAME}`,
      ),
      `${loading}: Error: Cannot find package`,
    ],
    ['a.mjs', nodeError(new Error('odd'), undefined), `${loading}: Error: odd`],
    [
      'a.txt',
      nodeError(new TypeError('?'), '', UNKNOWN),
      'give a file that ends in .js, .mjs or .cjs',
    ],
    ...['a.ts', 'a.mts', 'a.cts', 'a.tsx'].map(
      (name) =>
        [
          name,
          nodeError(new TypeError('?'), '', UNKNOWN),
          'this version of Node reads JavaScript only; give the file that it compiles to',
        ] as const,
    ),
  ] as const) {
    const files = { readFile: () => '', importFile: () => Promise.reject(error) };
    await t.rejects(
      load({ mode: file }, undefined, files),
      new ConfigError(`--mode cannot be "${file}": ${clause}`, { source: 'flag' }),
      clause,
    );
  }
});

t.test('the option is named as the user wrote it, and the source is in it', async (t) => {
  const at = folderOf(t, { 'good.mjs': `export default ${EXTENSION};` });
  const good = at('good.mjs');
  const environment = (from: string): Omit<Provided, 'value'> => ({ source: 'environment', from });
  const file = { source: 'file', from: 'twist.json' } as const;
  for (const [given, provided, name] of [
    [{ mode: 'no' }, undefined, '--mode cannot be "no"'],
    [{ mode: 'no' }, environment('TWIST_MODE'), 'TWIST_MODE cannot be "no"'],
    [{ mode: 'no' }, file, 'mode in twist.json cannot be "no"'],
    [{ extension: [good, 'no'] }, undefined, '--extension cannot be "no"'],
    [{ extension: ['no'] }, environment('TWIST_EXTENSION'), 'TWIST_EXTENSION cannot be "no"'],
    [
      { extension: [good, 'no'] },
      environment('TWIST_EXTENSION'),
      'TWIST_EXTENSION cannot contain "no"',
    ],
    [{ extension: ['no'] }, file, 'extension in twist.json cannot be "no"'],
    [{ extension: [good, 'no'] }, file, 'extension[1] in twist.json cannot be "no"'],
    [{ route: ['/a=echo', '/b=mode:no'] }, undefined, '--route cannot be "/b=mode:no"'],
    [{ route: ['/b=mode:no'] }, environment('TWIST_ROUTE'), 'TWIST_ROUTE cannot be "/b=mode:no"'],
    [
      { route: ['/a=echo', '/b=mode:no'] },
      environment('TWIST_ROUTE'),
      'TWIST_ROUTE cannot contain "/b=mode:no"',
    ],
    [{ route: ['/b=mode:no'] }, file, 'routes["/b"] in twist.json cannot be "mode:no"'],
  ] as const) {
    await t.rejects(
      load(given, provided),
      new ConfigError(`${name}: there is no such file`, { source: provided?.source ?? 'flag' }),
    );
  }
  await t.rejects(
    load({ mode: 'echo' }),
    new ConfigError('--mode cannot be "echo": there is no such file; the built-in mode is --echo', {
      source: 'flag',
    }),
  );
});

t.test('names of extensions: each once, and that of our own only without it', async (t) => {
  const own = EXTENSION.replace('x-one', 'permessage-deflate');
  const at = folderOf(t, {
    'one.mjs': `export default ${EXTENSION};`,
    'again.mjs': `export default ${EXTENSION};`,
    'own.mjs': `export default ${own};`,
    'none.mjs': '',
  });
  await t.rejects(load({ extension: [at('one.mjs'), at('again.mjs')] }), {
    message: `--extension cannot be "${at('again.mjs')}": an extension with the name x-one is there already`,
  });
  await t.rejects(load({ extension: [at('own.mjs')] }), {
    message: `--extension cannot be "${at('own.mjs')}": the name permessage-deflate is taken unless deflate is turned off`,
  });
  await t.rejects(load({ extension: [at('own.mjs')], deflate: true }), {
    message: /unless deflate is turned off$/,
  });
  t.match(await load({ extension: [at('own.mjs')], deflate: false }), {
    extensions: [{ name: 'permessage-deflate' }],
  });
  await t.rejects(load({ extension: [at('none.mjs')] }), {
    message: /: it has no default export; write export default \{ name, create \}$/,
  });
});

t.test('CommonJS that was an ES module has its default export', async (t) => {
  const at = folderOf(t, {
    'made.cjs':
      'Object.defineProperty(exports, "__esModule", { value: true });\n' +
      'exports.default = { name: "made", message() {} };',
    'odd.mjs': 'export default new Proxy({}, { get() { throw new Error("no"); } });',
    'thrown.mjs': 'throw Object.create(null);',
  });
  const { modes } = await load({ mode: at('made.cjs') });
  t.match([...modes], [[at('made.cjs'), { name: 'made' }]]);
  for (const [name, clause] of [
    ['odd.mjs', 'name of a mode cannot be read: no'],
    ['thrown.mjs', 'it cannot be loaded: Error: something without a text'],
  ] as const) {
    const message = `--mode cannot be ${JSON.stringify(at(name))}: ${clause}`;
    await t.rejects(load({ mode: at(name) }), { message });
  }
});

t.test(
  'of a program: what is given in place is there already, and options have their names',
  async (t) => {
    const at = folderOf(t, { 'own.mjs': `export default ${EXTENSION};` });
    const call = { source: 'call', from: 'serve(options)' } as const;
    const chat: Mode = { name: 'chat', delivery: 'messages' };
    const own: Extension = { name: 'x-two', create: () => t.fail('not asked again') as never };
    const inPlace = { modes: new Map([['a', chat]]), extensions: [own] };
    const { modes, extensions } = await load(
      { mode: 'a', route: ['/b=mode:a'], extension: [at('own.mjs')] },
      call,
      REAL_FILES,
      inPlace,
    );
    t.strictSame([...modes], [['a', chat]]);
    t.strictSame(
      extensions.map(({ name }) => name),
      ['x-two', 'x-one'],
    );
    t.equal(inPlace.extensions.length, 1);
    for (const [given, sentence] of [
      [{ mode: 'no.mjs' }, 'mode cannot be "no.mjs": there is no such file'],
      [
        { route: ['/b=mode:no.mjs'] },
        'routes["/b"] cannot be "mode:no.mjs": there is no such file',
      ],
      [
        { extension: [at('own.mjs'), 'no.mjs'] },
        'extension[1] cannot be "no.mjs": there is no such file',
      ],
    ] as const)
      await t.rejects(load(given, call), new ConfigError(sentence, { source: 'call' }));
  },
);
