import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  codeOf,
  NODE_FILE_SYSTEM as fileSystem,
} from '../../../src/recording/file/recording-file-system.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

t.test('a file is made for its owner only, appended to, looked at, cut and closed', async (t) => {
  const file = path.join(makeTempDir(t), 'file');
  const fd = await fileSystem.openToAppend(file);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(await fileSystem.write(fd, [Buffer.from('one\n')]), 4);
  writeFileSync(file, 'other\n', { flag: 'a' });
  t.equal(await fileSystem.write(fd, [Buffer.from('two'), Buffer.from('\n')]), 4);
  t.equal(readFileSync(file, 'utf8'), 'one\nother\ntwo\n');
  const facts = await fileSystem.facts(fd);
  const { dev, ino, nlink, size } = await fileSystem.factsOfPath(file);
  t.match(facts, { dev, ino, nlink, size });
  t.equal(size, 14);
  t.equal(facts.isFile(), true);
  await fileSystem.syncData(fd);
  await fileSystem.truncate(fd, 4);
  t.equal(readFileSync(file, 'utf8'), 'one\n');
  await fileSystem.close(fd);
  const reading = await fileSystem.openToRead(file);
  const into = Buffer.alloc(10);
  t.equal(await fileSystem.read(reading, into, 1), 3);
  t.equal(into.toString('latin1', 0, 3), 'ne\n');
  await fileSystem.close(reading);
});

t.test('names', async (t) => {
  const directory = await fileSystem.realPath(makeTempDir(t));
  const deep = path.join(directory, 'a', 'b');
  await fileSystem.makeDirectory(deep);
  await fileSystem.makeDirectory(deep);
  const file = path.join(deep, 'file');
  t.equal(await fileSystem.exists(file), false);
  writeFileSync(file, '');
  const link = path.join(directory, 'link');
  symlinkSync(file, link);
  t.equal(await fileSystem.realPath(link), file);
  t.equal(await fileSystem.exists(file), true);
  await fileSystem.rename(file, `${file}-2`);
  t.equal(await fileSystem.exists(link), true, 'a broken link');
  await t.rejects(fileSystem.exists(path.join(`${file}-2`, 'x')), { code: 'ENOTDIR' });
  await fileSystem.syncDirectory(deep);
  await fileSystem.remove(`${file}-2`);
  t.equal(existsSync(`${file}-2`), false);
});

t.test("what fails, fails with the system's error", async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'no', 'file');
  await t.rejects(fileSystem.openToAppend(file), { code: 'ENOENT' });
  await t.rejects(fileSystem.openToRead(file), { code: 'ENOENT' });
  await t.rejects(fileSystem.syncDirectory(file), { code: 'ENOENT' });
  await t.rejects(fileSystem.openToAppend(directory), { code: 'EISDIR' });
});

t.test('a pipe blocks nobody', async (t) => {
  const pipe = path.join(makeTempDir(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  await t.rejects(fileSystem.openToAppend(pipe), { code: 'ENXIO' }, 'nobody reads it');
});

t.test('the name of an error', async (t) => {
  t.equal(codeOf(Object.assign(new Error('x'), { code: 'EIO' })), 'EIO');
  t.equal(codeOf(new Error('x')), 'Error: x');
});
