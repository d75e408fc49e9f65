/**
 * Makes the types of the library, `dist/types/index.d.ts`: the declarations of src/index.ts and of what they
 * refer to, in one file and without anything else; and the report of the public interface, `docs/twist-server.api.md`, in
 * which a change of the interface is seen.
 *
 * `node build-types.mjs` makes the types, `--report` writes the report too (`npm run api`), and `--check` fails
 * when the report in the repository is another one (CI).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import ts from 'typescript';

const ROOT = import.meta.dirname;
const SOURCES = path.join(ROOT, 'src');
const TARGET = path.join(ROOT, 'dist/types');

const isReport = process.argv.includes('--report');
const isCheck = process.argv.includes('--check');

mkdirSync(path.join(ROOT, 'dist'), { recursive: true });
// In the checkout, because the types of Node are looked for from there.
const folder = mkdtempSync(path.join(ROOT, 'dist', '.declarations-'));
try {
  if (!emitDeclarations() || !bundleDeclarations()) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** @returns whether all is well */
function emitDeclarations() {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    'tsconfig.json',
    {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: SOURCES,
      outDir: folder,
    },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (problem) => {
        throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
      },
    },
  );
  const files = [path.join(SOURCES, 'index.ts'), path.join(ROOT, 'web/pages.d.ts')];
  const program = ts.createProgram(files, parsed?.options ?? {});
  const { diagnostics } = program.emit();
  const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  process.stderr.write(
    ts.formatDiagnostics(problems, {
      getCanonicalFileName: (file) => file,
      getCurrentDirectory: () => ROOT,
      getNewLine: () => '\n',
    }),
  );
  return problems.length === 0;
}

/** @returns whether all is well */
function bundleDeclarations() {
  const quiet = { default: { logLevel: ExtractorLogLevel.None } };
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(ROOT, 'package.json'),
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: path.join(folder, 'index.d.ts'),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            module: 'nodenext',
            lib: ['es2023'],
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [path.join(folder, 'index.d.ts')],
        },
      },
      apiReport: {
        enabled: isReport || isCheck,
        reportFileName: 'twist-server',
        reportFolder: path.join(ROOT, 'docs'),
        reportTempFolder: folder,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: true, untrimmedFilePath: path.join(folder, 'bundle.d.ts') },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        // TypeScript has looked at the sources already, and the comments are for people.
        compilerMessageReporting: quiet,
        tsdocMessageReporting: quiet,
        extractorMessageReporting: {
          ...quiet,
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
        },
      },
    },
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error)
        process.stderr.write(`${message.formatMessageWithLocation(ROOT)}\n`);
    },
  });
  if (apiReportChanged && isCheck)
    process.stderr.write(
      'the public interface is not what docs/twist-server.api.md says: run `npm run api`, and look at what changed\n',
    );
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync(TARGET, { recursive: true });
  writeFileSync(path.join(TARGET, 'index.d.ts'), ts.sys.readFile(config.untrimmedFilePath) ?? '');
  return succeeded;
}
