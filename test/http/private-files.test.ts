import { linkSync, mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { PrivateFiles } from '../../src/http/private-files.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

t.test(
  'a file is known by its place and by what it is, a directory with all that is in it',
  async (t) => {
    const root = realpathSync(makeTempDir(t));
    const at = (name: string): string => path.join(root, name);
    mkdirSync(at('tokens'));
    for (const name of ['users', 'tokens/one', 'page.html', 'users.html'])
      writeFileSync(at(name), name);
    linkSync(at('users'), at('hard.html'));
    symlinkSync(at('users'), at('link'));
    const files = new PrivateFiles({
      files: [at('link'), at('tokens'), at('not there')],
      recording: null,
    });
    const has = (name: string): Promise<boolean> => files.has(at(name), statSync(at(name)));
    t.ok(await has('users'));
    t.ok(await has('hard.html'), 'by another name');
    t.ok(await has('tokens/one'));
    t.notOk(await has('page.html'));
  },
);

t.test('recordings by all names that they have had', async (t) => {
  const root = realpathSync(makeTempDir(t));
  mkdirSync(path.join(root, 'logs', '2026'), { recursive: true });
  const hasOf = async (recording: string, name: string): Promise<boolean> => {
    const file = path.join(root, name);
    writeFileSync(file, name);
    const files = new PrivateFiles({ files: [], recording: path.join(root, recording) });
    return await files.has(file, statSync(file));
  };
  for (const [recording, name, isPrivate] of [
    ['t.ndjson', 't.ndjson', true],
    ['t.ndjson', 't.ndjson.20261123T043105.123Z', true],
    ['t.ndjson', 't.ndjson.failed-20261123T043105.123Z.1', true],
    ['t.ndjson', 't.ndjson.gz', true],
    ['t.ndjson', 'xt.ndjson', false],
    ['t.ndjson', 't-ndjson', false],
    ['t-%Y.ndjson', 't-2026.ndjson', true],
    ['t-%Y.ndjson', 't-2026.ndjson.20261123T043105.123Z', true],
    ['t-%Y.ndjson', 't-page.ndjson', false],
    ['logs/%Y/t%%.ndjson', 'logs/2026/t%.ndjson', true],
    ['logs/%Y/t%%.ndjson', 'logs/2026/page', false],
  ] as const)
    t.equal(await hasOf(recording, name), isPrivate, `${recording}: ${name}`);
  t.notOk(await hasOf('nowhere/t-%Y', 'page'));
});

t.test('others from then on', async (t) => {
  const root = realpathSync(makeTempDir(t));
  const [one, other] = ['one', 'other'].map((name) => path.join(root, name)) as [string, string];
  for (const file of [one, other]) writeFileSync(file, '');
  const files = new PrivateFiles({ files: [one], recording: null });
  t.notOk(await files.has(other, statSync(other)));
  files.replace({ files: [], recording: other });
  t.ok(await files.has(other, statSync(other)));
  t.notOk(await files.has(one, statSync(one)));
});
