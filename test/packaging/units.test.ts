/** The units of systemd, and lintian's word on the package. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { findCommands } from '../fixtures/service-process.js';
import { findDeb } from './packages.js';

/** Of 10; what `systemd-analyze security` says about what a service could do. */
const MAX_EXPOSURE = 2;

t.test('what the service may do', async (t) => {
  if (findCommands(t, ['systemd-analyze']) === null) return;
  const { stdout } = spawnSync(
    'systemd-analyze',
    ['security', '--offline=yes', '--no-pager', 'deploy/systemd/twist.service'],
    { encoding: 'utf8' },
  );
  const [, exposure = ''] = /Overall exposure level for twist\.service: ([\d.]+)/.exec(stdout)!;
  t.ok(Number(exposure) <= MAX_EXPOSURE, exposure);
});

t.test('lintian has nothing to say', async (t) => {
  const deb = findDeb(t);
  if (deb === null || findCommands(t, ['lintian']) === null) return;
  const { stdout } = spawnSync('lintian', ['--allow-root', '--tag-display-limit', '0', deb], {
    encoding: 'utf8',
  });
  t.equal(stdout, '');
});
