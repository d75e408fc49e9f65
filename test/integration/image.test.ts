/** The image's own environment and command, as its Dockerfile says them, without an engine. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { runTwist } from '../fixtures/twist-process.js';

const DOCKERFILE = readFileSync('Dockerfile', 'utf8');

/** What the image presets, but for its file, which is not here. */
const PRESETS: Readonly<Record<string, string>> = Object.fromEntries(
  [...DOCKERFILE.matchAll(/^ENV (TWIST_.*)$/gm)]
    .flatMap(([, line = '']) =>
      line.split(' ').map((assignment): [string, string] => {
        const [name = '', value = ''] = assignment.split('=');
        return [name, value];
      }),
    )
    .filter(([name]) => name !== 'TWIST_DEFAULT_CONFIG'),
);

t.test('defaults are in the environment, not in the command', async (t) => {
  t.strictSame(PRESETS, {
    TWIST_DEFAULT_LISTEN: ':9001',
    TWIST_DEFAULT_ECHO: 'true',
    TWIST_DEFAULT_HEALTH: '/healthz',
  });
  t.match(DOCKERFILE, /^CMD \["serve"\]$/m);
});

t.test('what a container does', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.json');
  writeFileSync(file, '{"tcp":"db:5900","listen":":7000"}');
  const cases: readonly (readonly [
    env: Readonly<Record<string, string>>,
    args: readonly string[],
    expected: Readonly<Record<string, string>>,
  ])[] = [
    [{}, [], { listen: ':9001', echo: 'true' }],
    [{ TWIST_LISTEN: ':8080' }, [], { listen: ':8080', echo: 'true' }],
    [{ TWIST_TCP: 'db:5900' }, [], { listen: ':9001', echo: 'false', tcp: 'db:5900' }],
    [{}, ['--tcp', 'db:5900'], { listen: ':9001', echo: 'false', tcp: 'db:5900' }],
    [{ TWIST_CONFIG: file }, [], { listen: ':7000', echo: 'false', tcp: 'db:5900' }],
    [{}, ['-c', file], { listen: ':7000', echo: 'false', tcp: 'db:5900' }],
    [{}, ['--route', '/a=tcp:db:5900'], { listen: ':9001', echo: 'false' }],
    [{}, ['--record', 'a.ndjson'], { echo: 'false', record: 'a.ndjson' }],
    [{}, ['--no-echo'], { echo: 'false' }],
  ];
  for (const [env, args, expected] of cases) {
    const { ending, stdout, stderr } = await runTwist(t, {
      args: ['config', 'print', ...args],
      env: { ...PRESETS, ...env },
    });
    const what = JSON.stringify({ env, args });
    t.equal(ending, 0, what);
    t.equal(stderr, '', what);
    for (const [key, value] of Object.entries(expected))
      t.match(stdout, new RegExp(`^${key} +${value} `, 'm'), `${what}: ${key}`);
  }
});

t.test('an address that only the container reaches is a warning', async (t) => {
  const { stderr } = await runTwist(t, {
    args: ['config', 'check', '--listen', '8080'],
    env: PRESETS,
  });
  t.match(
    stderr,
    'warning: --listen is 127.0.0.1:8080, which nothing outside of this machine or container',
  );
});

t.test('what the Dockerfile copies is enough to build from', async (t) => {
  const [, stage = ''] = /^FROM .* AS build\n([^]*?)^FROM /m.exec(DOCKERFILE) ?? [];
  const copied = [...stage.matchAll(/^COPY (.*) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  t.ok(copied.includes('build.mjs'));
  const sent = readFileSync('.dockerignore', 'utf8').split('\n');
  const directory = makeTempDir(t);
  for (const name of copied) {
    t.ok(sent.includes(`!${name}`), `${name} is in .dockerignore`);
    cpSync(name, path.join(directory, name), { recursive: true });
  }
  symlinkSync(path.resolve('node_modules'), path.join(directory, 'node_modules'));
  const built = spawnSync('node', ['build.mjs'], { cwd: directory, encoding: 'utf8' });
  t.equal(built.status, 0, built.stderr);
  for (const name of ['twist.cjs', 'THIRD_PARTY_NOTICES.txt', 'sbom.cdx.json'])
    t.ok(existsSync(path.join(directory, 'dist', name)), name);
});
