import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { KeyLog } from '../../../src/server/tls/key-log.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

t.test('lines are appended, and nobody else may read them', async (t) => {
  const file = path.join(makeTempDir(t), 'keys');
  writeFileSync(file, 'before\n');
  chmodSync(file, 0o644);
  const keyLog = new KeyLog(file, new KeptLog());
  t.equal(statSync(file).mode & 0o777, 0o600);
  keyLog.write(Buffer.from('one\n'));
  keyLog.write(Buffer.from('two\n'));
  keyLog.close();
  await eventually(() => readFileSync(file, 'utf8') === 'before\none\ntwo\n', 'the lines');
  keyLog.write(Buffer.from('late\n'));
});

t.test('a file that cannot be opened, or written', async (t) => {
  const directory = makeTempDir(t);
  t.throws(() => new KeyLog(path.join(directory, 'no', 'keys'), new KeptLog()), { code: 'ENOENT' });
  t.throws(() => new KeyLog('/proc/self/comm', new KeptLog()), { code: 'EPERM' });
  t.throws(() => new KeyLog(directory, new KeptLog()), { code: 'EISDIR' });
  const pipe = path.join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  t.throws(() => new KeyLog(pipe, new KeptLog()), { code: 'ENXIO' }, 'nobody reads it');
  const log = new KeptLog();
  const keyLog = new KeyLog('/dev/full', log);
  keyLog.write(Buffer.from('one\n'));
  await eventually(() => log.lines.length > 0, 'the line');
  t.match(log.lines, [
    {
      level: 'error',
      message: 'TLS keys are not logged any more',
      fields: { error: 'the disk is full' },
    },
  ]);
  keyLog.write(Buffer.from('two\n'));
});
