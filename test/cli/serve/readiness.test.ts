import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { notify } from '../../../src/cli/serve/readiness.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

t.test('the command is told where the service manager listens', async (t) => {
  const directory = makeTempDir(t);
  const [command, told] = ['notify', 'told'].map((name) => path.join(directory, name));
  writeFileSync(command!, `#!/bin/sh\necho "$* $NOTIFY_SOCKET" > ${told!}\n`);
  chmodSync(command!, 0o755);
  const log = new KeptLog();
  const env = { NOTIFY_SOCKET: '/run/notify', PATH: process.env['PATH'] };
  await notify(env, log, command);
  t.equal(readFileSync(told!, 'utf8'), '--ready /run/notify\n');
  t.strictSame(log.lines, []);
});

t.test('a server whose readiness nobody hears of serves all the same', async (t) => {
  const log = new KeptLog();
  const env = { NOTIFY_SOCKET: '/run/notify', PATH: process.env['PATH'] };
  await notify(env, log, 'false');
  await notify({ ...env, PATH: '/nowhere' }, log);
  const sentence = 'the service manager does not know that twist is ready:';
  t.match(log.lines, [
    { level: 'warn', message: `${sentence} false: it ended with 1` },
    { level: 'warn', message: `${sentence} systemd-notify: there is no such file` },
  ]);
});
