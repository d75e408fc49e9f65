import { existsSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { FileClaims } from '../../../src/recording/file/file-claims.js';
import { lockPathOf } from '../../../src/recording/file/file-lock.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

t.test('a file is claimed once, and given back when another follows', async (t) => {
  const directory = realpathSync(makeTempDir(t));
  const [a, b] = ['a', 'b'].map((name) => path.join(directory, name)) as [string, string];
  const own = new FileClaims(new KeptLog());
  const other = new FileClaims(new KeptLog());
  t.teardown(() => Promise.all([own.keepOnly(null), other.keepOnly(null)]));
  await own.claim(a);
  await own.claim(a);
  await t.rejects(other.claim(a), { code: 'ELOCKED' });
  await own.claim(b);
  await own.keepOnly(b);
  await other.claim(a);
  await t.rejects(other.claim(b), { code: 'ELOCKED' });
  await own.keepOnly(null);
  await other.claim(b);
});

t.test('a lock that was removed together with its file is taken again', async (t) => {
  const file = path.join(realpathSync(makeTempDir(t)), 'a');
  const own = new FileClaims(new KeptLog());
  t.teardown(() => own.keepOnly(null));
  await own.claim(file);
  rmSync(lockPathOf(file));
  await own.claim(file);
  t.ok(existsSync(lockPathOf(file)));
  await t.rejects(new FileClaims(new KeptLog()).claim(file), { code: 'ELOCKED' });
});

t.test('where files cannot be locked it goes on, with one warning', async (t) => {
  const log = new KeptLog();
  const claims = new FileClaims(log);
  await claims.claim('/dev/null/a');
  await claims.claim('/dev/null/a');
  await claims.claim('/dev/null/b');
  await claims.keepOnly(null);
  t.match(log.lines, [
    {
      level: 'warn',
      fields: { file: '/dev/null/a', error: 'ENOTDIR' },
      message: /cannot be locked/,
    },
  ]);
});
