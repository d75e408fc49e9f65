/** The Debian package: installed, upgraded, removed and purged in a small Debian of its own, and started there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type Launcher, startedBy } from '../artifact/artifact.js';
import { checkCore } from '../artifact/core-checks.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startServing } from '../fixtures/twist-process.js';
import { findDeb, ROOT_ARCHIVE } from './packages.js';

t.setTimeout(600_000);

/** What is mounted is so for this process only, which twist takes the place of. */
const ENTER = `root=$1 directory=$2
shift 2
mkdir -p "$root$directory"
mount --bind "$directory" "$root$directory"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
exec chroot --userspec=twist:twist "$root" "$@"`;

const deb = findDeb(t);
if (deb !== null) {
  const root = path.join(makeTempDir(t), 'root');
  mkdirSync(root);
  execFileSync('tar', ['-xf', ROOT_ARCHIVE, '-C', root, '--exclude=./dev/*']);
  const within = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync('chroot', [root, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  const inRoot = (file: string): string => path.join(root, file);
  const install = (file: string): void => {
    execFileSync('cp', [file, inRoot('tmp/twist.deb')]);
    within('dpkg', '--install', '/tmp/twist.deb');
  };
  const entered = (directory: string, ...command: readonly string[]): string[] => [
    ...['unshare', '--mount', 'sh', '-ec', ENTER, 'sh', root, directory, ...command],
  ];
  const enabled = 'etc/systemd/system/multi-user.target.wants/twist.service';

  await t.test('installed', async (t) => {
    install(deb);
    t.match(
      within('getent', 'passwd', 'twist'),
      /^twist:.*:\/var\/lib\/twist:\/usr\/sbin\/nologin$/m,
    );
    t.match(within('ls', '-l', `/${enabled}`), 'twist.service');
    t.notOk(existsSync(inRoot('etc/systemd/system/sockets.target.wants')), 'no socket');
    t.match(
      within('twist', 'config', 'check', '-c', '/etc/twist/config.json'),
      'configuration is valid',
    );
    t.equal(statSync(inRoot('usr/bin/twist')).mode & 0o777, 0o755);
    for (const file of [
      'man/man1/twist.1.gz',
      'bash-completion/completions/twist',
      'zsh/vendor-completions/_twist',
      'fish/vendor_completions.d/twist.fish',
    ])
      t.ok(existsSync(inRoot(`usr/share/${file}`)), file);
    const copyright = readFileSync(inRoot('usr/share/doc/twist/copyright'), 'utf8');
    const notices = readFileSync('dist/THIRD_PARTY_NOTICES.txt', 'utf8').trim();
    t.ok(copyright.includes(notices), 'what is bundled');
    t.match(copyright, 'Node.js is licensed for use as follows');
    // What it says that it needs is what its program is linked with.
    const { stdout } = spawnSync(
      'dpkg-query',
      ['--admindir', inRoot('var/lib/dpkg'), '-W', '-f', '${Depends}', 'twist'],
      { encoding: 'utf8' },
    );
    t.equal(stdout, 'libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 6), adduser');
    t.notMatch(within('ldd', '/usr/bin/twist'), 'not found');
  });

  await t.test('recordings are rotated', async (t) => {
    execFileSync('install', ['-d', '-m', '0750', inRoot('var/lib/twist')]);
    within('chown', 'twist:twist', '/var/lib/twist');
    writeFileSync(inRoot('var/lib/twist/a.ndjson'), '{}\n');
    within('chown', 'twist:twist', '/var/lib/twist/a.ndjson');
    within('logrotate', '--force', '/etc/logrotate.d/twist');
    t.ok(existsSync(inRoot('var/lib/twist/a.ndjson.1')));
  });

  await t.test('core', async (t) => {
    const launcher: Launcher = (launch) =>
      startedBy(...entered(launch.directory, '/usr/bin/twist'))(launch);
    await checkCore(t, launcher);
  });

  await t.test('the command of the unit', async (t) => {
    const unit = readFileSync(inRoot('lib/systemd/system/twist.service'), 'utf8');
    const [, command = ''] = /^ExecStart=(.*)$/m.exec(unit)!;
    const args = ['--listen', '127.0.0.1:0', '--log-format', 'json'];
    const started = entered(makeTempDir(t), ...command.split(' '));
    const twist = await startServing(t, { command: started, args });
    t.match(twist.listening, [{ mode: 'echo' }]);
    const [, user] = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${twist.pid}/status`, 'utf8'))!;
    t.equal(within('id', '-u', 'twist').trim(), user);
    t.equal(await twist.stop(), 0);
  });

  await t.test('upgraded: a changed configuration stays', async (t) => {
    const config = inRoot('etc/twist/config.json');
    const changed = readFileSync(config, 'utf8').replace('127.0.0.1:9001', '127.0.0.1:9002');
    writeFileSync(config, changed);
    const tree = path.join(makeTempDir(t), 'tree');
    execFileSync('dpkg-deb', ['-R', deb, tree]);
    const control = path.join(tree, 'DEBIAN/control');
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 99'));
    const newer = path.join(path.dirname(tree), 'newer.deb');
    execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, newer]);
    install(newer);
    t.match(within('dpkg', '-s', 'twist'), /^Version: 99$/m);
    t.equal(readFileSync(config, 'utf8'), changed);
    t.match(within('ls', '-l', `/${enabled}`), 'twist.service');
  });

  await t.test('removed, and purged', async (t) => {
    within('dpkg', '--remove', 'twist');
    t.notOk(existsSync(inRoot('usr/bin/twist')));
    t.ok(existsSync(inRoot('etc/twist/config.json')), 'the configuration stays');
    t.ok(existsSync(inRoot('var/lib/twist/a.ndjson.1')), 'and so do recordings');
    within('dpkg', '--purge', 'twist');
    for (const file of ['etc/twist', 'var/lib/twist', 'etc/logrotate.d/twist', enabled])
      t.notOk(existsSync(inRoot(file)), file);
  });
}
