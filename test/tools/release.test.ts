/** `npm run release`, in a repository that is made for it, with the real changelog and manifests. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { withRelease } from '../../tools/release/changelog.mjs';
import { assertNewer, distTag } from '../../tools/release/version.mjs';
import { makeTempDir } from '../fixtures/temp-dir.js';

t.setTimeout(180_000);

interface Manifest {
  version: string;
  scripts: Record<string, string>;
  packages?: Record<string, { version: string }>;
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A release of this comes after whatever this repository is at. */
const NEXT = '98.0.0-beta.1';

class Repository {
  readonly folder: string;

  constructor(t: Test) {
    this.folder = makeTempDir(t);
    for (const name of ['package.json', 'package-lock.json', 'CHANGELOG.md', 'tools/release'])
      cpSync(name, path.join(this.folder, name), { recursive: true });
    cpSync('tools/release.mjs', path.join(this.folder, 'tools/release.mjs'));
    symlinkSync(path.resolve('node_modules'), path.join(this.folder, 'node_modules'));
    this.git('init', '--quiet', '--initial-branch=main');
    this.append('.git/info/exclude', 'node_modules\ndist\nsteps\n');
    // What a release runs says so, and takes no minutes.
    this.setScripts({ build: say('build'), test: say('test'), 'package:check': say('check') });
    // The real one may be empty, just after a release.
    const changelog = this.read('CHANGELOG.md');
    this.write('CHANGELOG.md', changelog.replace('## Unreleased\n', '$&\n- Something new.\n'));
    this.commit();
  }

  get manifest(): Manifest {
    return JSON.parse(this.read('package.json')) as Manifest;
  }

  setScripts(scripts: Record<string, string>): void {
    this.write('package.json', `${JSON.stringify({ ...this.manifest, scripts }, null, 2)}\n`);
  }

  release(args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
    return this.#run(process.execPath, ['tools/release.mjs', ...args], env);
  }

  git(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.#run('git', args);
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout.trimEnd();
  }

  commit(): void {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--message', 'A change');
  }

  read(name: string): string {
    return readFileSync(path.join(this.folder, name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(path.join(this.folder, name), text);
  }

  append(name: string, text: string): void {
    appendFileSync(path.join(this.folder, name), text);
  }

  #run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return spawnSync(command, args, {
      cwd: this.folder,
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        ...{ GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com' },
        ...{ GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' },
        ...env,
      },
    });
  }
}

/** A script that leaves a trace. */
function say(name: string): string {
  return `echo ${name} >> steps`;
}

t.test('a release', async (t) => {
  const repository = new Repository(t);
  const before = repository.manifest;
  const changelog = repository.read('CHANGELOG.md');
  const first = repository.git('rev-parse', 'HEAD');

  const { status, stdout, stderr } = repository.release([NEXT]);
  t.equal(status, 0, stderr);
  t.equal(repository.read('steps'), 'build\ntest\ncheck\n');
  t.strictSame(repository.manifest, { ...before, version: NEXT }, 'nothing but the version');
  const lock = JSON.parse(repository.read('package-lock.json')) as Manifest;
  t.strictSame([lock.version, lock.packages?.['']?.version], [NEXT, NEXT]);
  const date = new Date().toISOString().slice(0, 10);
  // It may have been another one before midnight.
  const dated = repository.read('CHANGELOG.md').replace(/ - \d{4}-\d\d-\d\d\n/, ` - ${date}\n`);
  const heading = `## Unreleased\n\n## ${NEXT} - ${date}\n`;
  t.equal(dated, changelog.replace('## Unreleased\n', heading));
  t.ok(existsSync(path.join(repository.folder, `dist/twist-server-${NEXT}.tgz`)));

  t.equal(repository.git('status', '--porcelain'), '');
  t.equal(repository.git('log', '-1', '--format=%s'), `Version ${NEXT}`);
  t.equal(repository.git('rev-parse', 'HEAD~1'), first, 'one commit');
  t.equal(repository.git('rev-parse', `v${NEXT}^{commit}`), repository.git('rev-parse', 'HEAD'));
  t.match(stdout, `git push origin HEAD v${NEXT}`);
  t.match(stdout, `npm publish dist/twist-server-${NEXT}.tgz --tag next`);

  const again = repository.release([NEXT]);
  t.equal(again.stderr, `release: ${NEXT} is not newer than ${NEXT}, which package.json has\n`);
  const empty = repository.release(['98.0.0']);
  t.equal(empty.stderr, 'release: nothing stands under "Unreleased" in CHANGELOG.md\n');
  t.equal(repository.git('status', '--porcelain'), '');
});

t.test('nothing is left of a release that fails', async (t) => {
  const repository = new Repository(t);
  repository.setScripts({ build: say('build'), test: 'exit 3', 'package:check': say('check') });
  repository.commit();
  const head = repository.git('rev-parse', 'HEAD');
  const failed = repository.release([NEXT]);
  t.equal(failed.status, 1);
  t.match(failed.stderr, /release: npm test failed\n$/);
  t.equal(repository.read('steps'), 'build\n');
  t.strictSame(unchanged(repository), [head, '', '']);

  // A build that changes what is in the repository would be released as something else.
  repository.setScripts({
    ...{ build: 'echo >> tools/release/version.mjs', test: say('test') },
    ...{ 'package:check': say('check') },
  });
  repository.commit();
  const other = repository.git('rev-parse', 'HEAD');
  t.match(repository.release([NEXT]).stderr, /building changed tools\/release\/version\.mjs\n$/);
  t.strictSame(unchanged(repository), [other, '', ' M tools/release/version.mjs']);
});

t.test('what speaks against a release changes nothing', async (t) => {
  const repository = new Repository(t);
  const head = repository.git('rev-parse', 'HEAD');
  const { version } = repository.manifest;
  for (const [args, sentence] of [
    [[], 'say one version: npm run release -- 1.0.0 [--dry-run]'],
    [[NEXT, '99.0.0'], 'say one version: npm run release -- 1.0.0 [--dry-run]'],
    [['next'], '"next" is not a version like 1.0.0 or 1.0.0-beta.1'],
    [['0.0.1'], `0.0.1 is not newer than ${version}, which package.json has`],
    [['--force', NEXT], /^release: Unknown option '--force'/],
  ] as const) {
    const { status, stderr } = repository.release(args);
    t.equal(status, 1, args.join(' '));
    if (typeof sentence === 'string') t.equal(stderr, `release: ${sentence}\n`);
    else t.match(stderr, sentence);
  }
  t.strictSame(unchanged(repository), [head, '', '']);

  repository.git('tag', `v${NEXT}`);
  t.equal(repository.release([NEXT]).stderr, `release: there is a tag v${NEXT} already\n`);
  repository.git('tag', '--delete', `v${NEXT}`);

  repository.write('new.txt', '');
  repository.append('CHANGELOG.md', '\n');
  const dirty = repository.release([NEXT]).stderr;
  t.equal(dirty, 'release: commit or stash first: CHANGELOG.md, new.txt\n');
  t.strictSame(unchanged(repository), [head, '', ' M CHANGELOG.md\n?? new.txt']);
  t.notOk(existsSync(path.join(repository.folder, 'steps')), 'nothing was run');
});

t.test('a dry run changes nothing, also when npm takes the flag for its own', async (t) => {
  const repository = new Repository(t);
  const head = repository.git('rev-parse', 'HEAD');
  for (const { status, stdout } of [
    repository.release([NEXT, '--dry-run']),
    repository.release([NEXT], { npm_config_dry_run: 'true' }),
  ]) {
    t.equal(status, 0);
    t.match(stdout, /write CHANGELOG\.md, package\.json, package-lock\.json,\nrun npm run/);
    t.match(stdout, `commit, and tag v${NEXT}. Nothing was changed.`);
  }
  t.strictSame(unchanged(repository), [head, '', '']);
  t.notOk(existsSync(path.join(repository.folder, 'steps')), 'nothing was run');
});

function unchanged(repository: Repository): readonly string[] {
  const status = repository.git('status', '--porcelain');
  return [repository.git('rev-parse', 'HEAD'), repository.git('tag'), status];
}

t.test('the section of a changelog', async (t) => {
  const head = '# Changelog\n\n';
  const body = '\n### Added\n\n- A thing.\n';
  const older = '\n## 0.9.0 - 2026-01-01\n\n- Another.\n';
  const dated = '## Unreleased\n\n## 1.0.0 - 2026-02-03\n';
  for (const rest of ['', older])
    t.equal(
      withRelease(`${head}## Unreleased\n${body}${rest}`, '1.0.0', '2026-02-03'),
      head + dated + body + rest,
    );
  const refused = (text: string): string => {
    try {
      return withRelease(text, '1.0.0', '2026-02-03');
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const empty of ['', '\n\n', '\n### Added\n\n### Changed\n'])
    t.match(refused(`${head}## Unreleased\n${empty}${older}`), /^nothing stands under/, empty);
  for (const odd of [head, `${head}## Unreleased\n${body}## Unreleased\n${body}`])
    t.match(refused(odd), /^CHANGELOG\.md needs one section/, odd);
});

t.test('which version may come next', async (t) => {
  const order = ['1.0.0-alpha.1', '1.0.0-alpha.2', '1.0.0-alpha.10', '1.0.0-beta.1', '1.0.0'];
  order.push('1.0.1', '1.1.0', '1.10.0', '2.0.0-rc.1', '2.0.0');
  for (const [place, version] of order.entries())
    for (const [otherPlace, other] of order.entries()) {
      const check = (): void => {
        assertNewer(version, other);
      };
      if (place > otherPlace) t.doesNotThrow(check, `${version} after ${other}`);
      else t.throws(check, /is not newer than/, `${version} after ${other}`);
    }
  for (const text of ['', 'v2.0.0', '2.0', '2', ' 2.0.0', '2.0.0+1', '02.0.0', '2.0.0-01', 'patch'])
    t.throws(() => {
      assertNewer(text, '1.0.0');
    }, /is not a version like/);
  t.strictSame(['1.0.0', '1.0.0-rc.1'].map(distTag), ['latest', 'next']);
});
