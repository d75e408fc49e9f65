/** The guide pages do what they say: every file on them is written, every command is run. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { DocPage, installInto, readBlocks, ROOT, type Block } from '../fixtures/doc-page.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

t.setTimeout(180_000);

const PAGES = [
  'docs/codec.md',
  'docs/echo.md',
  'docs/extensions.md',
  'docs/hardening.md',
  'docs/library.md',
  'docs/modes.md',
  'docs/replay.md',
];

const blocksOf = (page: string): readonly Block[] =>
  readBlocks(readFileSync(path.join(ROOT, page), 'utf8'));

for (const page of PAGES) {
  t.test(page, async (t) => {
    const directory = makeTempDir(t);
    installInto(directory);
    const run = new DocPage(t, directory);
    for (const block of blocksOf(page)) await run.run(block);
    await run.stopServer();
    t.ok(run.commandCount > 2, `${run.commandCount} commands were run`);
  });
}

t.test('SECURITY.md: the tests that its table names are there', async (t) => {
  const page = readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| (?!asset|-)/.test(line));
  t.ok(rows.length > 20, `${rows.length} threats`);
  for (const row of rows) {
    const cells = row.split('|').map((cell) => cell.trim());
    t.equal(cells.length, 6, row);
    t.ok(existsSync(path.join(ROOT, cells[4]!)), `${cells[2]!}: ${cells[4]!}`);
  }
});

t.test('the types of all snippets', (t) => {
  const directory = makeTempDir(t);
  installInto(directory);
  const files = PAGES.flatMap((page, pageIndex) => writeVersions(directory, page, pageIndex));
  t.ok(files.length > 8, `${files.length} files`);
  const options = {
    ...compilerOptions(),
    rootDir: '/',
    typeRoots: [path.join(ROOT, 'node_modules/@types')],
    paths: { 'twist-server': [path.join(ROOT, 'src/index.ts')] },
  };
  const program = ts.createProgram(files, options);
  for (const file of files) {
    const source = program.getSourceFile(file)!;
    const diagnostics = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
    t.strictSame(diagnostics, [], path.relative(directory, file));
  }
  t.end();
});

/** Writes each version of each file: the last ones side by side, those that they replace elsewhere. */
function writeVersions(directory: string, page: string, pageIndex: number): string[] {
  const titled = blocksOf(page).filter(({ title }) => title !== null && /\.m?js$/.test(title));
  return titled.map(({ title, lines, lineNumber }, index) => {
    const isLast = titled.findLastIndex((other) => other.title === title) === index;
    const folder = path.join(directory, `page-${pageIndex}`, isLast ? '.' : `line-${lineNumber}`);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, title!);
    writeFileSync(file, lines.join('\n'));
    return file;
  });
}

/** Those of the project: what a page shows is as strict as the project itself. */
function compilerOptions(): ts.CompilerOptions {
  const host: ts.ParseConfigFileHost = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  };
  return ts.getParsedCommandLineOfConfigFile(path.join(ROOT, 'tsconfig.json'), {}, host)!.options;
}

const EXAMPLES = ['snappy', 'broadcast', 'chat', 'json-rpc'].map(
  (name) => `examples/${name}/README.md`,
);

t.test('the pages of the examples name files that are there', (t) => {
  for (const page of [...EXAMPLES, ...PAGES]) {
    const text = readFileSync(path.join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link!);
    const files = [...text.matchAll(/examples\/[\w/-]+\.mjs/g)].map(([name]) =>
      path.join(ROOT, name),
    );
    const all = [...links.map((link) => path.resolve(ROOT, path.dirname(page), link)), ...files];
    t.ok(all.length > 1, `${page} has links`);
    for (const file of all) t.ok(ts.sys.fileExists(file), path.relative(ROOT, file));
  }
  t.end();
});
