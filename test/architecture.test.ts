/**
 * The rules of ARCHITECTURE.md that a compiler does not know: which layer may import what, and that
 * tests reach every source file. They are checked on the syntax tree, so comments and strings
 * do not count.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { ImportGraph, typescriptIn } from '../tools/import-graph.mjs';
import coverageMap from './coverage-map.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** What stands for the specifier of an import that is not a string. */
const COMPUTED = '(computed)';

/** What a layer may import beside the layers to its left, itself and the files that import nothing. */
interface Layer {
  readonly name: string;
  readonly builtins: readonly string[];
  readonly packages: readonly string[];
  /** Of the layers to its left it imports from these alone, types included. */
  readonly knowsOnly?: readonly string[];
  /** Layers to its left that it imports nothing from. */
  readonly knowsNot?: readonly string[];
}

/** From left to right: a layer imports only from those before it and itself. */
const LAYERS: readonly Layer[] = [
  { name: 'budget', builtins: [], packages: [] },
  { name: 'net', builtins: ['node:buffer', 'node:net'], packages: [] },
  { name: 'protocol', builtins: ['node:buffer', 'node:crypto'], packages: [] },
  { name: 'extensions', builtins: ['node:buffer', 'node:zlib'], packages: [] },
  { name: 'handshake', builtins: ['node:buffer', 'node:crypto'], packages: [] },
  { name: 'session', builtins: [], packages: [] },
  {
    name: 'http',
    builtins: ['node:fs', 'node:fs/promises', 'node:http', 'node:path', 'node:stream'],
    packages: ['send'],
  },
  {
    name: 'connection',
    builtins: ['node:fs', 'node:fs/promises', 'node:net', 'node:tls'],
    packages: [],
  },
  {
    name: 'recording',
    // Sockets are its locks on files.
    builtins: [
      'node:buffer',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:net',
      'node:path',
      'node:os',
      'node:timers/promises',
    ],
    packages: [],
  },
  {
    name: 'config',
    builtins: ['node:module', 'node:net'],
    packages: ['fastest-levenshtein', 'jsonc-parser', 'zod'],
    knowsOnly: ['net'],
  },
  {
    name: 'modes',
    builtins: [
      'node:net',
      'node:tls',
      'node:dns',
      'node:os',
      'node:events',
      'node:crypto',
      'node:fs/promises',
    ],
    packages: [],
  },
  {
    name: 'inspect',
    // A regular expression from the page has a limit of time, which only node:vm can set.
    builtins: ['node:buffer', 'node:fs', 'node:fs/promises', 'node:path', 'node:vm'],
    packages: [],
    knowsNot: ['config'],
  },
  {
    name: 'server',
    builtins: [
      'node:net',
      'node:tls',
      'node:fs',
      'node:fs/promises',
      'node:path',
      'node:crypto',
      'node:worker_threads',
      // The umask, while a Unix socket is bound.
      'node:process',
    ],
    packages: [],
    // It gets its options from app, which reads the settings.
    knowsNot: ['config'],
  },
  {
    name: 'admin',
    builtins: ['node:fs/promises', 'node:http', 'node:https', 'node:net', 'node:tls'],
    packages: ['prom-client'],
    knowsNot: ['config'],
  },
  // Reads the files that settings name.
  {
    name: 'app',
    // The process: the library has no command line that would say what systemd has passed to it.
    builtins: ['node:crypto', 'node:fs', 'node:os', 'node:path', 'node:process', 'node:url'],
    // A user's own modules are imported by a name that is only known at run time.
    packages: [COMPUTED, 'twist:page/echo'],
  },
  {
    name: 'workers',
    // Of the inspector: its process, its secret, and whether this is the single binary.
    builtins: ['node:cluster', 'node:os', 'node:child_process', 'node:crypto', 'node:sea'],
    packages: [],
  },
  {
    name: 'cli',
    builtins: [
      'node:tty',
      // What tells systemd, and what the single binary holds.
      'node:child_process',
      'node:sea',
      'node:crypto',
      'node:events',
      'node:fs',
      'node:http',
      'node:https',
      'node:module',
      // The health check connects where it has nothing to ask.
      'node:net',
      'node:path',
      'node:timers/promises',
      'node:url',
      'node:util',
      'node:v8',
    ],
    packages: ['commander', 'pino', 'pino-pretty', 'twist:page/inspect', COMPUTED],
  },
];

/** What is seen in one file of a layer only, whichever that is. */
const IN_ONE_FILE: readonly string[] = ['node:zlib', 'node:http', 'prom-client'];

/** The most files that a folder of src may hold, not counting its subfolders. */
const MAX_FILES_IN_FOLDER = 14;

/** The library's entry: it may re-export from every layer but the command line. */
const ENTRY = 'src/index.ts';
/** What every file may import, and what imports nothing itself. */
const ROOTS: readonly string[] = [
  'src/durations.ts',
  'src/errors.ts',
  'src/foreign.ts',
  'src/log.ts',
  'src/printable.ts',
  'src/regular-file.ts',
  'src/reloadable.ts',
  'src/system-reason.ts',
];

/** What the pages import beside each other, and types. */
const PAGE_PACKAGES: readonly string[] = [
  'preact',
  'preact/hooks',
  'uplot',
  'uplot/dist/uPlot.min.css',
];

/** What a source file imports, in whatever way. */
function importsOf(source: ts.SourceFile): string[] {
  const specifiers: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      specifiers.push(textOf(node.moduleSpecifier));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      specifiers.push(textOf(node.moduleSpecifier));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      specifiers.push(textOf(node.argument.literal));
    } else if (isCallOf(node, 'import') || isCallOf(node, 'require')) {
      specifiers.push(textOf(node.arguments[0]));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return specifiers;
}

function isCallOf(node: ts.Node, name: 'import' | 'require'): node is ts.CallExpression {
  if (!ts.isCallExpression(node)) return false;
  const { expression } = node;
  return name === 'import'
    ? expression.kind === ts.SyntaxKind.ImportKeyword
    : ts.isIdentifier(expression) && expression.text === name;
}

function textOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : COMPUTED;
}

/** The name of the layer that a file is in; the file itself outside all layers. */
function layerOf(file: string): string {
  const [, directory = '', ...rest] = file.split('/');
  return rest.length === 0 ? file : directory;
}

const parse = (file: string, text: string): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);

/** What is wrong with the imports of a file; one sentence each. */
function findImportFaults(
  file: string,
  text: string,
  hasFile: (file: string) => boolean,
): string[] {
  const faults: string[] = [];
  for (const specifier of importsOf(parse(file, text))) {
    const fault = specifier.startsWith('.')
      ? findArrowFault(file, specifier, hasFile)
      : findPackageFault(file, specifier);
    if (fault !== null) faults.push(`${file} imports ${specifier}: ${fault}`);
  }
  return faults;
}

function findArrowFault(
  file: string,
  specifier: string,
  hasFile: (file: string) => boolean,
): string | null {
  if (!specifier.endsWith('.js')) return 'a relative import ends in .js';
  const target = path.posix.join(path.posix.dirname(file), specifier.replace(/\.js$/, '.ts'));
  if (!hasFile(target)) return 'there is no such file';
  if (ROOTS.includes(file)) return 'it may import nothing';
  if (ROOTS.includes(target)) return null;
  const from = layerOf(file);
  const to = layerOf(target);
  if (file === ENTRY) return to === 'cli' ? 'the library does not know the command line' : null;
  return findLayerFault(from, to);
}

function findLayerFault(from: string, to: string): string | null {
  const fromIndex = LAYERS.findIndex(({ name }) => name === from);
  const toIndex = LAYERS.findIndex(({ name }) => name === to);
  if (fromIndex < 0 || toIndex < 0) return 'it is in no layer';
  const { knowsOnly = [to], knowsNot = [] } = LAYERS[fromIndex]!;
  if (toIndex > fromIndex) return `${from} comes before ${to}`;
  const isKnown = knowsOnly.includes(to) && !knowsNot.includes(to);
  return toIndex === fromIndex || isKnown ? null : `${from} does not know ${to}`;
}

function findPackageFault(file: string, specifier: string): string | null {
  const layer = LAYERS.find(({ name }) => name === layerOf(file));
  if (layer === undefined) return 'only layers import packages';
  if (isBuiltin(specifier)) {
    return layer.builtins.includes(specifier) ? null : `not among the builtins of ${layer.name}`;
  }
  return layer.packages.includes(specifier) ? null : `not among the packages of ${layer.name}`;
}

/** What is wrong with the imports of a page's file: pages know each other's shared parts, and of the sources only types. */
function findPageFaults(file: string, text: string): string[] {
  const [, page] = file.split('/');
  const isModel = file.split('/')[2] === 'model';
  const faults: string[] = [];
  for (const specifier of importsOf(parse(file, text))) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const [root, folder, part] = target.split('/');
    if (!specifier.startsWith('.')) {
      if (isModel || !PAGE_PACKAGES.includes(specifier))
        faults.push(`${file} imports ${specifier}: not among the packages of the pages`);
    } else if (root === 'src') {
      if (!hasOnlyTypesOf(specifier, file, text))
        faults.push(`${file} imports ${specifier}: pages know only types of the sources`);
    } else if (root !== 'web' || (folder !== page && folder !== 'shared')) {
      faults.push(`${file} imports ${specifier}: a page knows itself and what is shared`);
    } else if (isModel && part !== 'model') {
      faults.push(`${file} imports ${specifier}: a model knows only models`);
    }
  }
  return faults;
}

function hasOnlyTypesOf(specifier: string, file: string, text: string): boolean {
  return parse(file, text).statements.every(
    (statement) =>
      !ts.isImportDeclaration(statement) ||
      textOf(statement.moduleSpecifier) !== specifier ||
      statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword,
  );
}

/** What is wrong with the rest of a file. */
function findFaults(file: string, text: string): string[] {
  const faults: string[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path.posix.basename(file)))
    faults.push(`${file}: a file name is in kebab-case`);
  if (path.posix.basename(file) === 'index.ts' && file !== ENTRY)
    faults.push(`${file}: there are no index files`);
  const visit = (node: ts.Node): void => {
    if (isDefaultExport(node)) faults.push(`${file}: there are no default exports`);
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && file !== ENTRY)
      faults.push(`${file}: nothing is re-exported`);
    if (isProcess(node) && layerOf(file) !== 'cli')
      faults.push(`${file}: process is only used in src/cli`);
    ts.forEachChild(node, visit);
  };
  visit(parse(file, text));
  return faults;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true
  );
}

/** The global, and not a property or a type member of that name. */
function isProcess(node: ts.Node): boolean {
  if (!ts.isIdentifier(node) || node.text !== 'process') return false;
  const { parent } = node;
  const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
  return !isMember || parent.expression.getText() === 'globalThis';
}

/** True when something is left of a file once its types are gone. */
function hasRunTimeCode(text: string): boolean {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  });
  return parse('output.js', outputText).statements.some(
    (statement) => !ts.isExportDeclaration(statement) || statement.moduleSpecifier !== undefined,
  );
}

const sources = new Map(
  readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name.replaceAll(path.sep, '/')}`)
    .sort()
    .map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]),
);
const hasSource = (file: string): boolean => sources.has(file);
const pageFiles = readdirSync(path.join(ROOT, 'web'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
  .map((name) => `web/${name.replaceAll(path.sep, '/')}`)
  .sort();

t.test('imports go one way', async (t) => {
  t.ok(sources.size > 50, 'the sources were found');
  const faults = [...sources].flatMap(([file, text]) => findImportFaults(file, text, hasSource));
  t.strictSame(faults, []);
});

t.test('no folder holds more files than one sees at a glance', async (t) => {
  const counts = new Map<string, number>();
  for (const file of sources.keys()) {
    const folder = path.posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const full = [...counts].filter(([, count]) => count > MAX_FILES_IN_FOLDER);
  t.strictSame(full, []);
  t.ok(counts.size > 20, 'the folders were found');
});

t.test('some builtins and packages are seen in one file of a layer', async (t) => {
  for (const specifier of IN_ONE_FILE) {
    const files = [...sources]
      .filter(([file, text]) => importsOf(parse(file, text)).includes(specifier))
      .map(([file]) => file);
    t.equal(new Set(files.map(layerOf)).size, files.length, `${specifier}: ${files.join(', ')}`);
  }
});

t.test('no default exports, no re-exports, no index files, and process only in cli', async (t) => {
  t.strictSame(
    [...sources].flatMap(([file, text]) => findFaults(file, text)),
    [],
  );
});

t.test('pages import what they may', async (t) => {
  t.ok(pageFiles.length > 5, 'the files were found');
  t.strictSame(
    pageFiles.flatMap((file) => findPageFaults(file, readFileSync(path.join(ROOT, file), 'utf8'))),
    [],
  );
});

/** What breaks rules of the protocol on purpose, and who may import it. */
const BREAKING: readonly (readonly [file: string, importers: readonly string[]])[] = [
  ['src/protocol/break/broken-bytes.ts', ['src/modes/echo-controls/echo-player.ts']],
  ['src/handshake/break/broken-answer.ts', ['src/modes/echo-controls/echo-controls.ts']],
  // Words only: help shows them, and the others say by them what they break.
  [
    'src/protocol/break/broken-rules.ts',
    [
      'src/cli/help/control-lists.ts',
      'src/handshake/break/broken-answer.ts',
      'src/modes/echo-controls/allowed.ts',
      'src/modes/echo-controls/echo-controls.ts',
      'src/modes/echo-controls/echo-player.ts',
      'src/modes/echo-controls/page-controls.ts',
      'src/modes/echo-controls/parse-controls.ts',
      'src/protocol/break/broken-bytes.ts',
    ],
  ],
];

/** The ways past the endpoint's rules, by their names, and the files that may have them: where they are made, and one mode. */
const WAYS_PAST: Readonly<Record<string, readonly string[]>> = {
  openRaw: [
    'src/app/user-mode.ts',
    'src/modes/echo-controls/echo-controls.ts',
    'src/session/mode.ts',
    'src/session/opening.ts',
  ],
  changeAnswer: [
    'src/app/user-mode.ts',
    'src/connection/deciding-phase.ts',
    'src/modes/echo-controls/echo-controls.ts',
    'src/session/mode.ts',
  ],
  sendRaw: ['src/protocol/endpoint.ts', 'src/session/output.ts', 'src/session/raw-output.ts'],
  withholdsPongs: [
    'src/protocol/endpoint.ts',
    'src/session/raw-output.ts',
    // What a query asks for has the same name.
    'src/modes/echo-controls/echo-player.ts',
    'src/modes/echo-controls/parse-controls.ts',
  ],
};

t.test('only the mode that is asked to can break a rule of the protocol', async (t) => {
  const importersOf = (target: string): string[] =>
    [...sources]
      .filter(([file, text]) =>
        importsOf(parse(file, text)).some(
          (specifier) =>
            specifier.startsWith('.') &&
            path.posix.join(path.posix.dirname(file), specifier) === target.replace(/ts$/, 'js'),
        ),
      )
      .map(([file]) => file);
  for (const [file, importers] of BREAKING)
    t.strictSame(importersOf(file), [...importers].sort(), file);
  const others = [...sources.keys()].filter((file) => /^src\/\w+\/break\//.test(file));
  t.strictSame(others.sort(), BREAKING.map(([file]) => file).sort(), 'no other file breaks any');
  for (const [name, files] of Object.entries(WAYS_PAST)) {
    const named = [...sources].filter(([file, text]) => names(parse(file, text)).has(name));
    t.strictSame(named.map(([file]) => file).sort(), [...files].sort(), name);
  }
});

/** All identifiers and texts of a file: a member may be named by either. */
function names(source: ts.SourceFile): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

// Coverage only speaks of files that were loaded.
t.test('every source file with run-time code is loaded by a test that covers it', async (t) => {
  const tests = typescriptIn('test').filter((file) => file.endsWith('.test.ts'));
  const models = pageFiles.filter((file) => file.split('/')[2] === 'model');
  const graph = await ImportGraph.of([...sources.keys(), ...models, ...tests]);
  const covered = tests.flatMap((test) => {
    const pattern = coverageMap(test);
    return [...graph.loadedBy(test)].filter(
      (file) => pattern === file || pattern === `${path.posix.dirname(file)}/*.ts`,
    );
  });
  const reached = new Set(covered);
  const code = [
    ...[...sources].filter(([, text]) => hasRunTimeCode(text)).map(([file]) => file),
    ...models.filter((file) => hasRunTimeCode(readFileSync(path.join(ROOT, file), 'utf8'))),
  ];
  t.strictSame(
    code.filter((file) => !reached.has(file)),
    [],
  );
});

t.test('a unit test covers the folder of its name, or the file if that is in none', async (t) => {
  const cases: readonly [test: string, covered: string | null][] = [
    ['test/protocol/endpoint.test.ts', 'src/protocol/*.ts'],
    ['test/modes/tcp/not-a-file.test.ts', 'src/modes/tcp/*.ts'],
    ['test/errors.test.ts', 'src/errors.ts'],
    ['test/architecture.test.ts', null],
    ['test/integration/cli.test.ts', null],
    ['test/web/shared/model/not-a-file.test.ts', 'web/shared/model/*.ts'],
    ['test/web/nothing/not-a-file.test.ts', null],
  ];
  for (const [test, covered] of cases) t.equal(coverageMap(test), covered, test);
});

// ---- The rules themselves

const EXISTING = [
  'src/errors.ts',
  'src/foreign.ts',
  'src/index.ts',
  'src/protocol/masking.ts',
  'src/handshake/policy.ts',
  'src/session/session.ts',
  'src/connection/outbox.ts',
  'src/server/server.ts',
  'src/net/address-range.ts',
  'src/config/options/options.ts',
  'src/app/serve.ts',
  'src/cli/serve/serve.ts',
  'src/other/thing.ts',
];

t.test('an import that breaks a rule is found', async (t) => {
  const cases: readonly [file: string, text: string, fault: string | null][] = [
    ['src/connection/a.ts', "import { a } from '../protocol/masking.js';", null],
    ['src/connection/a.ts', "import { a } from './outbox.js';", null],
    ['src/protocol/a.ts', "import { a } from '../errors.js';", null],
    ['src/protocol/a.ts', "// import { a } from '../cli/serve.js';", null],
    ['src/protocol/a.ts', "const text = `import '../cli/serve.js'`;", null],
    ['src/protocol/a.ts', "import type { A } from '../connection/outbox.js';", 'comes before'],
    ['src/protocol/a.ts', "export { a } from '../connection/outbox.js';", 'comes before'],
    ['src/protocol/a.ts', "await import('../connection/outbox.js');", 'comes before'],
    ['src/protocol/a.ts', "type A = import('../connection/outbox.js').A;", 'comes before'],
    ['src/server/a.ts', "import '../config/options/options.js';", 'server does not know config'],
    ['src/server/a.ts', "import '../index.js';", 'in no layer'],
    ['src/server/a.ts', "import '../other/thing.js';", 'in no layer'],
    ['src/other/thing.ts', "import '../server/server.js';", 'in no layer'],
    ['src/server/a.ts', "import '../protocol/masking.ts';", 'ends in .js'],
    ['src/server/a.ts', "import '../protocol/nothing.js';", 'no such file'],
    ['src/protocol/a.ts', "import { a } from '../foreign.js';", null],
    ['src/errors.ts', "import './protocol/masking.js';", 'import nothing'],
    ['src/foreign.ts', "import './errors.js';", 'import nothing'],
    ['src/app/a.ts', "import { OPTIONS } from '../config/options/options.js';", null],
    ['src/app/a.ts', "import { Server } from '../server/server.js';", null],
    ['src/app/a.ts', "import '../cli/serve/serve.js';", 'app comes before cli'],
    ['src/app/a.ts', "import { x } from 'node:net';", 'builtins of app'],
    ['src/config/a.ts', "import type { A } from '../app/serve.js';", 'comes before'],
    ['src/cli/a.ts', "import { serve } from '../app/serve.js';", null],
    ['src/cli/a.ts', 'await import(name);', null],
    ['src/index.ts', "export { a } from './config/options/options.js';", null],
    ['src/index.ts', "export { a } from './cli/serve/serve.js';", 'command line'],
    ['src/config/a.ts', "import type { A } from '../handshake/policy.js';", 'does not know'],
    ['src/config/a.ts', "import { a } from '../handshake/policy.js';", 'does not know'],
    ['src/config/a.ts', "import type { A } from '../net/address-range.js';", null],
    ['src/config/a.ts', "import { a } from './options/options.js';", null],
    ['src/config/a.ts', "import { a } from '../net/address-range.js';", null],
    ['src/protocol/a.ts', "import { Buffer } from 'node:buffer';", null],
    ['src/protocol/a.ts', "import { connect } from 'node:net';", 'builtins of protocol'],
    ['src/protocol/a.ts', "import { Buffer } from 'buffer';", 'builtins of protocol'],
    ['src/protocol/a.ts', "const net = require('node:net');", 'builtins of protocol'],
    ['src/connection/a.ts', "import { x } from 'node:os';", 'builtins of connection'],
    ['src/connection/a.ts', "import pino from 'pino';", 'packages of connection'],
    ['src/connection/a.ts', 'await import(name);', 'packages of connection'],
    ['src/cli/a.ts', "import { pino } from 'pino';", null],
    ['src/errors.ts', "import { Buffer } from 'node:buffer';", 'only layers'],
  ];
  for (const [file, text, fault] of cases) {
    const found = findImportFaults(file, text, (name) => EXISTING.includes(name));
    if (fault === null) t.strictSame(found, [], `${file}: ${text}`);
    else t.match(found, [fault], `${file}: ${text}`);
  }
});

t.test('an import of a page that breaks a rule is found', async (t) => {
  const cases: readonly [file: string, text: string, fault: string | null][] = [
    ['web/echo/a.tsx', "import { a } from './model/a.js';", null],
    ['web/echo/a.tsx', "import { a } from '../shared/a.js';", null],
    ['web/echo/a.tsx', "import { render } from 'preact';", null],
    ['web/echo/a.tsx', "import type { A } from '../../src/log.js';", null],
    ['web/echo/a.tsx', "import { type A } from '../../src/log.js';", 'only types'],
    ['web/echo/a.tsx', "import { a } from '../../src/log.js';", 'only types'],
    ['web/echo/a.tsx', "import { a } from '../inspect/a.js';", 'what is shared'],
    ['web/shared/a.tsx', "import { a } from '../inspect/a.js';", 'what is shared'],
    ['web/echo/a.tsx', "import { a } from '../../tools/a.mjs';", 'what is shared'],
    ['web/echo/a.tsx', "import { lit } from 'lit';", 'packages of the pages'],
    ['web/echo/model/a.ts', "import { a } from '../../shared/model/a.js';", null],
    ['web/echo/model/a.ts', "import { a } from '../a.js';", 'only models'],
    ['web/echo/model/a.ts', "import { render } from 'preact';", 'packages of the pages'],
  ];
  for (const [file, text, fault] of cases) {
    const found = findPageFaults(file, text);
    if (fault === null) t.strictSame(found, [], `${file}: ${text}`);
    else t.match(found, [fault], `${file}: ${text}`);
  }
});

t.test('anything else that breaks a rule is found', async (t) => {
  const cases: readonly [file: string, text: string, fault: string | null][] = [
    ['src/protocol/a-b.ts', 'export const a = 1;', null],
    ['src/protocol/aB.ts', '', 'kebab-case'],
    ['src/protocol/index.ts', '', 'no index files'],
    ['src/index.ts', "export { a } from './protocol/a.js';", null],
    ['src/protocol/a.ts', "export { a } from './b.js';", 're-exported'],
    ['src/protocol/a.ts', "export * from './b.js';", 're-exported'],
    ['src/protocol/a.ts', 'const a = 1; export { a };', null],
    ['src/protocol/a.ts', 'export default 1;', 'default'],
    ['src/protocol/a.ts', 'export default function a() {}', 'default'],
    ['src/protocol/a.ts', 'const a = 1; export { a as default };', 'default'],
    ['src/protocol/a.ts', 'process.exit();', 'process'],
    ['src/protocol/a.ts', 'globalThis.process.exit();', 'process'],
    ['src/protocol/a.ts', 'work.process();', null],
    ['src/protocol/a.ts', '// process', null],
    ['src/cli/a.ts', 'process.exit();', null],
  ];
  for (const [file, text, fault] of cases) {
    const found = findFaults(file, text);
    if (fault === null) t.strictSame(found, [], `${file}: ${text}`);
    else t.match(found, [fault], `${file}: ${text}`);
  }
});

t.test('types are not run-time code', async (t) => {
  const cases: readonly [text: string, isCode: boolean][] = [
    ['export interface A { a: number }', false],
    ["import type { A } from './a.js'; export type B = A;", false],
    ['/** Nothing. */ export {};', false],
    ['export const a = 1;', true],
    ['export interface A {} class B {}', true],
    ["import './a.js';", true],
    ["export { a } from './a.js';", true],
  ];
  for (const [text, isCode] of cases) t.equal(hasRunTimeCode(text), isCode, text);
});
