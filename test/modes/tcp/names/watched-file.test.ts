import { renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import type * as watchedFile from '../../../../src/modes/tcp/names/watched-file.js';
import { WatchedFile } from '../../../../src/modes/tcp/names/watched-file.js';
import { makeTempDir } from '../../../fixtures/temp-dir.js';

/** Makes a file look as if it had been left alone for a while. */
const OLD = new Date(1_000_000_000_000);

function makeFile(t: Test, text: string): string {
  const file = path.join(makeTempDir(t), 'hosts');
  writeFileSync(file, text);
  return file;
}

t.test('its text follows the file', async (t) => {
  const file = makeFile(t, 'one');
  const watched = new WatchedFile(file);
  t.equal(await watched.read(), 'one');
  writeFileSync(file, 'two');
  t.equal(await watched.read(), 'two', 'the same size, at once');
  writeFileSync(`${file}.new`, 'three');
  renameSync(`${file}.new`, file);
  t.equal(await watched.read(), 'three', 'put in its place');
  rmSync(file);
  t.equal(await watched.read(), '');
  writeFileSync(file, 'four\u00e9');
  t.equal(await watched.read(), 'four\u00c3\u00a9', 'byte by byte');
});

t.test('a file that has settled is opened, and not read again', async (t) => {
  const file = makeFile(t, 'one');
  let opened = 0;
  let read = 0;
  const { WatchedFile: Counted } = await t.mockImport<typeof watchedFile>(
    '../../../../src/modes/tcp/names/watched-file.js',
    {
      'node:fs/promises': {
        ...fs,
        open: async (name: string) => {
          opened++;
          const handle = await fs.open(name);
          const readFile = handle.readFile.bind(handle);
          handle.readFile = ((encoding: 'latin1') => {
            read++;
            return readFile(encoding);
          }) as typeof handle.readFile;
          return handle;
        },
      },
    },
  );
  utimesSync(file, OLD, OLD);
  const watched = new Counted(file);
  for (let count = 0; count < 5; count++) t.equal(await watched.read(), 'one');
  t.same([opened, read], [5, 1]);
  t.same(await Promise.all([watched.read(), watched.read()]), ['one', 'one']);
  t.equal(opened, 6, 'who asks at the same time shares it');
});

t.test('what cannot be read is empty', async (t) => {
  t.equal(await new WatchedFile(path.join(makeTempDir(t), 'nowhere')).read(), '');
  t.equal(await new WatchedFile(makeTempDir(t)).read(), '', 'a directory');
  const file = makeFile(t, 'one');
  truncateSync(file, 16 * 1024 * 1024 + 1);
  t.equal(await new WatchedFile(file).read(), '', 'far too large');
});

t.test('a process that has no descriptor left does not take the file for empty', async (t) => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOMEM']) {
    const { WatchedFile: Poor } = await t.mockImport<typeof watchedFile>(
      '../../../../src/modes/tcp/names/watched-file.js',
      {
        'node:fs/promises': {
          ...fs,
          open: () => Promise.reject(Object.assign(new Error(code), { code })),
        },
      },
    );
    await t.rejects(new Poor('/etc/hosts').read(), { code });
  }
});
