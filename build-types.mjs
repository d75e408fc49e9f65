/**
 * Makes the types of the library, `dist/types`: the declarations of src/index.ts and of the files that
 * these refer to, and no others. What is bundled, and its types, are nobody's business.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import ts from 'typescript';

const SOURCES = path.resolve(import.meta.dirname, 'src');
const TARGET = path.resolve(import.meta.dirname, 'dist/types');

/** @type {Map<string, string>} text by path of the declaration file */
const declarations = new Map();

const parsed = ts.getParsedCommandLineOfConfigFile(
  'tsconfig.json',
  {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: SOURCES,
    outDir: TARGET,
  },
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
    },
  },
);
const program = ts.createProgram([path.join(SOURCES, 'index.ts')], parsed?.options ?? {});
const { diagnostics } = program.emit(undefined, (file, text) => {
  declarations.set(path.resolve(file), text);
});
const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (problems.length > 0) {
  process.exitCode = 1;
  process.stderr.write(
    ts.formatDiagnostics(problems, {
      getCanonicalFileName: (file) => file,
      getCurrentDirectory: () => import.meta.dirname,
      getNewLine: () => '\n',
    }),
  );
} else {
  rmSync(TARGET, { recursive: true, force: true });
  write(path.join(TARGET, 'index.d.ts'));
}

/** @param {string} file a declaration file; those that it refers to are written too */
function write(file) {
  const text = declarations.get(file);
  // Written already.
  if (text === undefined) return;
  declarations.delete(file);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  for (const { fileName } of ts.preProcessFile(text).importedFiles) {
    if (fileName.startsWith('.'))
      write(path.resolve(path.dirname(file), fileName.replace(/\.js$/, '.d.ts')));
  }
}
