import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { destinationOf, type Destination } from '../../../src/cli/convert/destination.js';
import { fakeIo } from '../fake-io.js';
import { openFilesIn } from '../../fixtures/open-files.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

const to = (out: string | null): Destination => destinationOf(out, fakeIo([]));

t.test('standard output', async (t) => {
  const io = fakeIo([]);
  const output = destinationOf(null, io);
  t.equal(output.existing, null);
  await output.open();
  await output.write(Buffer.from('abc'));
  await output.commit();
  output.discard();
  t.equal(io.written.out, 'abc');
  const file = { dev: 1, ino: 2 };
  t.same(destinationOf(null, { bytes: { ...io.bytes, file } }).existing, file);
});

t.test('a new file is there when it is whole', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a.har');
  const output = to(file);
  t.equal(output.existing, null);
  await output.open();
  await output.write(Buffer.from('abc'));
  await output.write(Buffer.from('def'));
  t.notOk(existsSync(file));
  await output.commit();
  t.equal(readFileSync(file, 'latin1'), 'abcdef');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(readdirSync(folder), ['a.har']);
});

t.test('a file that is there stays until then, and keeps its mode and its links', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a.har');
  const link = path.join(folder, 'link.har');
  writeFileSync(file, 'old');
  chmodSync(file, 0o666);
  symlinkSync('a.har', link);
  const output = to(link);
  t.equal(output.existing?.ino, statSync(file).ino);
  await output.open();
  await output.write(Buffer.from('new'));
  t.equal(readFileSync(file, 'latin1'), 'old');
  await output.commit();
  t.equal(readFileSync(file, 'latin1'), 'new');
  t.equal(readFileSync(link, 'latin1'), 'new');
  t.equal(statSync(file).mode & 0o777, 0o666);
  t.same(readdirSync(folder).sort(), ['a.har', 'link.har']);
});

t.test('what was in vain leaves nothing behind', async (t) => {
  const folder = makeTempDir(t);
  const output = to(path.join(folder, 'a.har'));
  output.discard();
  await output.open();
  await output.write(Buffer.from('abc'));
  output.discard();
  t.same(readdirSync(folder), []);
  await eventually(() => openFilesIn(folder) === 0, 'no open file');
});

t.test('devices are written to at once', async (t) => {
  const output = to('/dev/null');
  t.equal(output.existing, null);
  await output.open();
  await output.write(Buffer.from('abc'));
  output.discard();
  await output.commit();
});

t.test('what cannot be opened', async (t) => {
  const folder = makeTempDir(t);
  await t.rejects(to(path.join(folder, 'no', 'a.har')).open(), { code: 'ENOENT' });
  mkdirSync(path.join(folder, 'b'));
  await t.rejects(to(path.join(folder, 'b')).open(), { code: 'EISDIR' });
  writeFileSync(path.join(folder, 'c'), '');
  t.throws(() => to(path.join(folder, 'c', 'a.har')), { code: 'ENOTDIR' });
});
