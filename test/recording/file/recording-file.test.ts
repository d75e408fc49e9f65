import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import {
  constants,
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
} from 'node:fs';
import { realpathSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { OutgoingLines } from '../../../src/recording/file/outgoing-lines.js';
import { RecordingFile } from '../../../src/recording/file/recording-file.js';
import { FaultyFileSystem, systemError } from '../../fixtures/faulty-file-system.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { HEADER } from '../../fixtures/writer-owner.js';

const HEAD = `${HEADER}\n`;

/** A file in a directory of its own. */
class Bench {
  readonly fileSystem = new FaultyFileSystem();
  readonly log = new KeptLog();
  readonly name: string;
  /** Another process records to it. */
  isLocked = false;
  claims = 0;

  constructor(t: Test) {
    this.name = path.join(makeTempDir(t), 'file');
  }

  get text(): string {
    return readFileSync(this.name, 'utf8');
  }

  open(name = this.name): Promise<RecordingFile> {
    const claim = (): Promise<void> => {
      this.claims++;
      return this.isLocked ? Promise.reject(systemError('ELOCKED')) : Promise.resolve();
    };
    return RecordingFile.open(name, Buffer.from(HEAD), this.fileSystem, this.log, { claim });
  }
}

const linesOf = (text: string): OutgoingLines => new OutgoingLines([Buffer.from(text)]);

async function writeAll(file: RecordingFile, text: string): Promise<void> {
  const lines = linesOf(text);
  await file.write(lines, lines.bytes);
}

t.test('a new file', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  t.match(file, { path: bench.name, realPath: realpathSync(bench.name), isOwn: true });
  t.match(file, { sizeBytes: 0, isDirty: false, isWorthKeeping: false, isBlank: true });
  await file.write(file.header, file.header.bytes);
  t.equal(file.isBlank, true, 'a header is nothing');
  await writeAll(file, 'one\n');
  t.match(file, { isBlank: false, isDirty: true, sizeBytes: HEAD.length + 4 });
  await file.sync();
  t.equal(file.isDirty, false);
  await writeAll(file, 'two\n');
  await file.sync();
  await file.sync();
  t.equal(bench.fileSystem.count('syncData'), 2, 'only when something was written');
  t.equal(bench.fileSystem.count('syncDirectory'), 1, 'once');
  await file.close();
  t.equal(bench.text, `${HEAD}one\ntwo\n`);
  t.equal(statSync(bench.name).mode & 0o777, 0o600);
  t.strictSame(bench.log.lines, []);
});

t.test('a file that was there', async (t) => {
  const bench = new Bench(t);
  writeFileSync(bench.name, `${HEAD}one\n`);
  const file = await bench.open();
  t.match(file, { isWorthKeeping: true, isBlank: false, sizeBytes: HEAD.length + 4 });
  await writeAll(file, 'two\n');
  await file.sync();
  t.equal(bench.fileSystem.count('syncDirectory'), 0);
  await file.close();
  t.equal(bench.text, `${HEAD}one\ntwo\n`);
});

t.test('half a line at the end is cut', async (t) => {
  const bench = new Bench(t);
  writeFileSync(bench.name, `${HEAD}{"ev"`, { mode: 0o600 });
  const file = await bench.open();
  t.equal(bench.text, HEAD);
  t.equal(file.sizeBytes, HEAD.length);
  t.match(bench.log.lines, [{ level: 'warn', fields: { file: bench.name, bytes: 5 } }]);
  await file.close();
  writeFileSync(bench.name, '{"v":1');
  const other = await bench.open();
  t.match(other, { sizeBytes: 0, isBlank: true, isWorthKeeping: false });
  await other.close();
  t.equal(bench.text, '');
});

t.test('of a file that is no recording nothing is cut', async (t) => {
  const bench = new Bench(t);
  writeFileSync(bench.name, 'dear diary', { mode: 0o600 });
  const file = await bench.open();
  await file.write(file.header, file.header.bytes);
  await file.close();
  t.equal(bench.text, `dear diary\n${HEAD}`);
  t.match(bench.log.lines, [{ level: 'warn', fields: { file: bench.name } }]);
});

t.test('a file that cannot be opened leaves nothing open', async (t) => {
  const bench = new Bench(t);
  bench.fileSystem.failOnce('facts', 'EIO');
  await t.rejects(bench.open(), { code: 'EIO' });
  t.equal(bench.fileSystem.count('close'), 1);
  bench.fileSystem.fail('realPath', 'EACCES').fail('close', 'EIO');
  await t.rejects(bench.open(), { code: 'EACCES' });
  await t.rejects(bench.open(path.dirname(bench.name)), { code: 'EISDIR' });
});

t.test('a link is followed', async (t) => {
  const bench = new Bench(t);
  const link = `${bench.name}-link`;
  symlinkSync(bench.name, link);
  const file = await bench.open(link);
  t.match(file, { path: link, realPath: realpathSync(bench.name) });
  await file.close();
});

t.test('short writes', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  bench.fileSystem.failWrites(1, 2, 1);
  await writeAll(file, 'one\ntwo\n');
  const lines = linesOf('three\nfour\n');
  await file.write(lines, 6);
  t.equal(lines.restBytes, 5, 'no more than it was told');
  t.equal(bench.text, 'one\ntwo\nthree\n');
  bench.fileSystem.failWrites(0);
  await t.rejects(file.write(lines, 5), { code: 'ENOSPC' }, 'nothing is no progress');
  await file.close();
});

t.test('half a line that could not be finished is cut', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  const lines = linesOf('one\ntwo\n');
  bench.fileSystem.failWrites(6, 'ENOSPC');
  await t.rejects(file.write(lines, lines.bytes), { code: 'ENOSPC' });
  t.equal(bench.text, 'one\ntw');
  await file.cutBack(lines);
  t.equal(bench.text, 'one\n');
  t.equal(file.sizeBytes, 4);
  await file.write(lines, lines.restBytes);
  t.equal(bench.text, 'one\ntwo\n');
  await file.cutBack(lines);
  t.equal(bench.fileSystem.count('truncate'), 1, 'a whole line stays');
  await file.close();
});

t.test('where it cannot be cut, its rest comes next', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  for (const breaks of [
    () => bench.fileSystem.failOnce('truncate', 'EPERM'),
    () => bench.fileSystem.failOnce('facts', 'EIO'),
    // Somebody else has cut it, as logrotate does with copytruncate.
    () => {
      truncateSync(bench.name, 0);
    },
  ]) {
    const lines = linesOf('one\ntwo\n');
    bench.fileSystem.failWrites(6, 'ENOSPC');
    await t.rejects(file.write(lines, lines.bytes), { code: 'ENOSPC' });
    breaks();
    await file.cutBack(lines);
    t.equal(lines.restBytes, 2);
    await file.write(lines, 2);
    await file.isRemoved();
  }
  t.equal(bench.text, 'o\n');
  await file.close();
});

t.test('whether it is removed or renamed', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  t.equal(await file.isRemoved(), false);
  t.equal(await file.hasItsName(), true);
  renameSync(bench.name, `${bench.name}-2`);
  t.equal(await file.isRemoved(), false);
  t.equal(await file.hasItsName(), false);
  writeFileSync(bench.name, '');
  t.equal(await file.hasItsName(), false, 'another one has it');
  bench.fileSystem.failOnce('factsOfPath', 'EACCES');
  await t.rejects(file.hasItsName(), { code: 'EACCES' });
  rmSync(`${bench.name}-2`);
  t.equal(await file.isRemoved(), true);
  await file.close();
});

t.test('a file that others may read is told', async (t) => {
  for (const [mode, isTold] of [
    [0o600, false],
    [0o640, false],
    [0o644, true],
    [0o662, true],
  ] as const) {
    const bench = new Bench(t);
    writeFileSync(bench.name, `${HEAD}one\n`);
    chmodSync(bench.name, mode);
    await (await bench.open()).close();
    const expected = isTold ? [`0${mode.toString(8)}`] : [];
    t.strictSame(
      bench.log.lines.map(({ fields }) => fields['mode']),
      expected,
    );
  }
});

t.test('where links are not counted, nobody knows', async (t) => {
  const bench = new Bench(t);
  const { facts } = bench.fileSystem;
  bench.fileSystem.facts = async (fd) => {
    const { size, mode, dev, ino } = await facts(fd);
    return { size, mode, dev, ino, nlink: 0, isFile: () => true };
  };
  const file = await bench.open();
  t.equal(await file.isRemoved(), false);
  await file.close();
});

t.test('a sync that fails', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  await writeAll(file, 'one\n');
  bench.fileSystem.failOnce('syncDirectory', 'EIO');
  await t.rejects(file.sync(), { code: 'EIO' });
  bench.fileSystem.failOnce('syncDirectory', 'EACCES').failOnce('syncData', 'EIO');
  await t.rejects(file.sync(), { code: 'EIO' });
  t.equal(file.isDirty, true);
  await file.sync();
  t.equal(bench.fileSystem.count('syncDirectory'), 2, 'where it cannot be done it is not done');
  await file.close();
});

t.test('where nothing can be synced, that is said once', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open();
  bench.fileSystem.fail('syncData', 'ENOTSUP');
  await writeAll(file, 'one\n');
  await file.sync();
  await writeAll(file, 'two\n');
  await file.sync();
  t.equal(bench.fileSystem.count('syncData'), 1);
  t.match(bench.log.lines, [{ level: 'warn', fields: { file: bench.name, error: 'ENOTSUP' } }]);
  t.equal(bench.log.lines.length, 1);
  bench.fileSystem.failOnce('close', 'EIO');
  await file.close();
  t.match(bench.log.lines[1], { level: 'warn', fields: { error: 'EIO' } });
});

t.test('a device is only written to', async (t) => {
  const bench = new Bench(t);
  const file = await bench.open('/dev/full');
  t.match(file, { isOwn: false, realPath: '/dev/full', sizeBytes: 0 });
  const lines = linesOf('one\n');
  await t.rejects(file.write(lines, 4), { code: 'ENOSPC' });
  await file.cutBack(lines);
  await file.sync();
  t.equal(await file.isRemoved(), false);
  await file.close();
  const none = await bench.open('/dev/null');
  await writeAll(none, 'one\n');
  await none.sync();
  await none.close();
  t.equal(bench.fileSystem.count('syncData'), 0);
});

t.test('the file of a descriptor is not ours', async (t) => {
  const bench = new Bench(t);
  writeFileSync(bench.name, 'shell output');
  const fd = openSync(bench.name, 'a');
  const file = await bench.open(`/proc/self/fd/${fd}`);
  t.equal(file.isOwn, false);
  await writeAll(file, 'one\n');
  t.equal(bench.text, 'shell outputone\n');
  await file.sync();
  t.equal(bench.fileSystem.count('syncData'), 1, 'it can be synced all the same');
  await file.close();
  closeSync(fd);
});

t.test('a pipe that is full is waited for', async (t) => {
  const bench = new Bench(t);
  execFileSync('mkfifo', [bench.name]);
  const fd = openSync(bench.name, constants.O_RDONLY | constants.O_NONBLOCK);
  const file = await bench.open();
  const text = `${'x'.repeat(300_000)}\n`;
  const writing = writeAll(file, text);
  let length = 0;
  const block = Buffer.alloc(1 << 20);
  while (length < text.length) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    try {
      length += readSync(fd, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
  await writing;
  // Whoever ends waits no longer.
  const stuck = t.rejects(writeAll(file, text), { code: 'EAGAIN' });
  file.abandon();
  await stuck;
  await file.close();
  closeSync(fd);
});

t.test('a file that another process records to is left as it is', async (t) => {
  const bench = new Bench(t);
  const torn = `${HEAD}{"ev":"ms`;
  writeFileSync(bench.name, torn);
  bench.isLocked = true;
  await t.rejects(bench.open(), { code: 'ELOCKED' });
  t.equal(bench.text, torn);
  await t.rejects(bench.open('/dev/stdout/x'));
  bench.isLocked = false;
  const pipe = path.join(path.dirname(bench.name), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  bench.claims = 0;
  await (await bench.open(pipe)).close();
  closeSync(reader);
  t.equal(bench.claims, 0, 'a pipe may have many writers');
});
