/**
 * The package as npm installs it, without a registry: into a project, for `npx`, and for the whole machine. What is in it
 * is looked at by test/integration/library.test.ts.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { WebSocket } from 'ws';
import { typescriptIn } from '../../tools/import-graph.mjs';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startServing } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';
import { startedBy } from './artifact.js';
import { checkCore } from './core-checks.js';

t.setTimeout(240_000);

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
/** The package of `from 'name'`, `import('@scope/name')` or `require('name/file.js')`. */
const IMPORTED_PACKAGE = /\b(?:from |import\(|require\()'((?:@[\w-]+\/)?[a-z][\w-]*)(?=[/'])/g;
const VERSION = `twist ${version}\n`;

const folder = makeTempDir(t);
const project = path.join(folder, 'project');
const machine = path.join(folder, 'machine');
for (const made of [project, machine]) mkdirSync(made);
writeFileSync(path.join(project, 'package.json'), '{}');

/** Runs npm without what tap puts into the environment. */
async function npm(cwd: string, command: 'npm' | 'npx', ...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder };
  return await promisify(execFile)(command, args, { cwd, env });
}

// Without scripts: a build would change the bundle under the tests that run beside this one.
await npm('.', 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder);
const tarball = path.join(folder, `twist-server-${version}.tgz`);
const INSTALL = ['install', '--offline', '--no-audit', '--no-fund', tarball];

t.test('an installation brings one package and runs no script', async (t) => {
  const installed = await npm(project, 'npm', ...INSTALL);
  t.match(installed.stdout, 'added 1 package');
  t.equal(installed.stderr, '', 'npm warns of nothing');
  const packages = readdirSync(path.join(project, 'node_modules'));
  t.strictSame(
    packages.filter((name) => !name.startsWith('.')),
    ['twist-server'],
  );
});

t.test('the notices of all that it bundles, as the lock file has it', async (t) => {
  const installed = path.join(project, 'node_modules/twist-server');
  const notices = readFileSync(path.join(installed, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
  const noticed = [...notices.matchAll(/^((?:@[\w-]+\/)?[\w.-]+) (\d[\w.-]+) \(.+\)$/gm)];
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  const locked = Object.entries(lock.packages).map(
    ([folder, { version }]) => `${folder.split('node_modules/').at(-1)!} ${version}`,
  );
  t.strictSame(
    noticed
      .map(([, name, version]) => `${name!} ${version!}`)
      .filter((one) => !locked.includes(one)),
    [],
  );
  const imported = typescriptIn('src').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(IMPORTED_PACKAGE)].map(([, name]) => name),
  );
  t.ok(imported.includes('commander') && imported.includes('hash-wasm'), 'imports are found');
  const names = noticed.map(([, name]) => name);
  t.strictSame(
    imported.filter((name) => !names.includes(name)),
    [],
    'and whatever the sources import is among them',
  );
  const { stdout } = await npm(project, 'npx', '--no', '--', 'twist', '--licenses');
  t.ok(stdout.includes(notices.trim()));
});

t.test('npx runs it by both names, and from a file that is not installed', async (t) => {
  for (const [place, ...args] of [
    [project, '--no', '--', 'twist', '--version'],
    [project, '--no', '--', 'twist-server', '--version'],
    [folder, '--offline', '--yes', '--package', tarball, '--', 'twist', '--version'],
    // In a clone.
    [path.resolve('.'), '--offline', '.', '--version'],
  ] as const)
    t.equal((await npm(place, 'npx', ...args)).stdout, VERSION, args.join(' '));
});

t.test('npx starts a server, and ends as it does', async (t) => {
  const shell = ['sh', '-c', 'cd "$0" && exec npx --no -- twist-server "$@"', project];
  const flags = ['--listen', '127.0.0.1:0', '--log-format', 'json', '--once', '--idle-exit', '60s'];
  // npx passes no signal on, so the server ends with its one session, or in a minute.
  const twist = await startServing(t, {
    command: shell,
    args: ['serve', '--echo', ...flags],
    env: { HOME: folder },
  });
  const client = new WebSocket(twist.url);
  await once(client, 'open');
  client.send('hello');
  t.equal(String((await once(client, 'message'))[0]), 'hello');
  client.close();
  t.equal(await within(twist.ended, 'the end of npx'), 0);
});

t.test('installed for the whole machine', async (t) => {
  const { stderr } = await npm(folder, 'npm', ...INSTALL, '--global', '--prefix', machine);
  t.equal(stderr, '', 'npm warns of nothing');
  await checkCore(t, startedBy(path.join(machine, 'bin/twist')));
});
