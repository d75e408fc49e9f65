import { Buffer } from 'node:buffer';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { parseFileNamePattern } from '../../../src/recording/file/file-name-pattern.js';
import {
  FileSuccession,
  type FileSuccessionOptions,
} from '../../../src/recording/file/file-succession.js';
import { OutgoingLines } from '../../../src/recording/file/outgoing-lines.js';
import { FaultyFileSystem } from '../../fixtures/faulty-file-system.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { HEADER } from '../../fixtures/writer-owner.js';

const HEAD = `${HEADER}\n`;
const TIME_MS = Date.UTC(2026, 10, 23, 4, 31, 5, 123);
const STAMP = '20261123T043105.123Z';

/** A directory and a succession of files in it. */
class Bench {
  readonly fileSystem = new FaultyFileSystem();
  readonly log = new KeptLog();
  readonly directory: string;
  readonly files: FileSuccession;
  nowMs = TIME_MS;

  readonly options: FileSuccessionOptions;

  constructor(t: Test, name = 'file', rotateBytes = 0, syncsOnChange = true) {
    this.directory = makeTempDir(t);
    this.options = {
      pattern: parseFileNamePattern(this.at(name))!,
      rotateBytes,
      syncsOnChange,
      fileSystem: this.fileSystem,
      log: this.log,
      nowMs: () => this.nowMs,
      headerLine: () => Buffer.from(HEAD),
    };
    this.files = new FileSuccession(this.options);
    t.teardown(() => this.files.discard());
  }

  at(name: string): string {
    return path.join(this.directory, name);
  }

  text(name = 'file'): string {
    return readFileSync(this.at(name), 'utf8');
  }

  /** Names of the files, and what follows the header in them. */
  all(): Record<string, string> {
    const names = readdirSync(this.directory)
      .filter((name) => !name.startsWith('.'))
      .sort();
    return Object.fromEntries(names.map((name) => [name, this.text(name).replaceAll(HEAD, 'H ')]));
  }

  async write(text: string, mustSync = false): Promise<boolean> {
    const lines = linesOf(text);
    await this.files.write(lines);
    return this.files.settle(lines, mustSync);
  }

  messages(): string[] {
    return this.log.lines.map(({ message }) => message);
  }
}

const linesOf = (text: string): OutgoingLines => new OutgoingLines([Buffer.from(text)]);
const nothing = (): OutgoingLines => new OutgoingLines([]);

t.test('a header, lines, a sync and the end', async (t) => {
  const bench = new Bench(t);
  const { files } = bench;
  t.equal(files.path, bench.at('file'));
  t.equal(files.isDirty, false);
  await files.start();
  t.equal(bench.text(), '');
  await files.write(nothing());
  t.equal(bench.text(), HEAD);
  files.abandon();
  t.equal(await bench.write('one\n'), true, 'what need not wait is written all the same');
  t.equal(files.isDirty, true);
  t.equal(await bench.write('two\n', true), true);
  t.equal(files.isDirty, false);
  await files.close(nothing());
  t.strictSame(bench.all(), { file: 'H one\ntwo\n' });
  t.equal(files.opened, 1);
  t.equal(await files.settle(nothing(), true), true, 'without a file there is nothing to do');
  await files.followTime(nothing());
  await files.reopen(nothing());
  files.abandon();
});

t.test('a directory is made for a pattern, and for a name whose directory was there', async (t) => {
  const plain = new Bench(t, 'no/file');
  await t.rejects(plain.files.start(), { code: 'ENOENT' });
  const pattern = new Bench(t, '%Y/%m/file');
  await pattern.files.start();
  t.equal(existsSync(pattern.at('2026/11/file')), true);
  const bench = new Bench(t, 'there/file');
  mkdirSync(bench.at('there'));
  await bench.files.start();
  await bench.write('one\n');
  rmSync(bench.at('there'), { recursive: true });
  const lines = linesOf('two\n');
  await bench.files.write(lines);
  t.equal(await bench.files.settle(lines, true), false);
  t.equal(lines.restBytes, 4, 'it has to be written again');
  await bench.files.write(lines);
  t.equal(await bench.files.settle(lines, true), true);
  t.equal(bench.text('there/file'), `${HEAD}two\n`);
  t.match(bench.log.lines, [{ level: 'warn', fields: { file: bench.at('there/file') } }]);
  bench.fileSystem.fail('makeDirectory', 'EACCES');
  rmSync(bench.at('there'), { recursive: true });
  await bench.write('three\n');
  await t.rejects(bench.write('three\n'), { code: 'EACCES' });
});

t.test('no file grows larger than it may', async (t) => {
  const max = HEAD.length + 10;
  const bench = new Bench(t, 'file', max);
  await bench.files.start();
  await bench.write('one\ntwo\nthree\n');
  t.strictSame(bench.all(), { file: 'H three\n', [`file.${STAMP}`]: 'H one\ntwo\n' });
  await bench.write('seven\n');
  t.strictSame(bench.all(), {
    file: 'H seven\n',
    [`file.${STAMP}`]: 'H one\ntwo\n',
    [`file.${STAMP}.1`]: 'H three\n',
  });
  const long = 'a line that is longer than a file may be\n';
  await bench.write(`x\n${long}y\n`);
  t.strictSame(
    { ...bench.all(), [`file.${STAMP}`]: null, [`file.${STAMP}.1`]: null },
    {
      file: 'H y\n',
      [`file.${STAMP}`]: null,
      [`file.${STAMP}.1`]: null,
      [`file.${STAMP}.2`]: 'H seven\nx\n',
      [`file.${STAMP}.3`]: `H ${long}`,
    },
  );
  t.match(bench.log.lines[0], {
    level: 'info',
    message: 'the file was rotated',
    fields: { file: bench.at('file') },
  });
  t.equal(bench.fileSystem.count('syncData'), 4, 'each is synced before the next one');
});

t.test('a file that is full before the header is rotated', async (t) => {
  const bench = new Bench(t, 'file', HEAD.length + 20);
  writeFileSync(bench.at('file'), `${HEAD}1234567890123456789\n`);
  await bench.files.start();
  await bench.write('one\n');
  t.strictSame(bench.all(), { file: 'H one\n', [`file.${STAMP}`]: 'H 1234567890123456789\n' });
});

t.test('if the name is a link, the file is renamed, not the link', async (t) => {
  const bench = new Bench(t, 'link', HEAD.length + 5);
  symlinkSync(bench.at('file'), bench.at('link'));
  await bench.files.start();
  await bench.write('one\n');
  await bench.write('two\n');
  t.strictSame(bench.all(), { file: 'H two\n', link: 'H two\n', [`file.${STAMP}`]: 'H one\n' });
});

t.test('a file that others have renamed is not renamed again', async (t) => {
  const bench = new Bench(t, 'file', HEAD.length + 5);
  await bench.files.start();
  await bench.write('one\n');
  renameSync(bench.at('file'), bench.at('theirs'));
  await bench.write('two\n');
  t.strictSame(bench.all(), { file: 'H two\n', theirs: 'H one\n' });
});

t.test('a line that has begun ends in its file, however large that is', async (t) => {
  const bench = new Bench(t, 'file', HEAD.length + 5);
  await bench.files.start();
  await bench.write('a\n');
  const lines = linesOf('b\nc\n');
  bench.fileSystem.failWrites(1, 'ENOSPC').fail('truncate', 'EPERM');
  await t.rejects(bench.files.write(lines), { code: 'ENOSPC' });
  writeFileSync(bench.at('file'), 'somebody else was here', { flag: 'a' });
  await bench.files.settle(nothing(), false);
  await bench.files.write(lines);
  t.equal(bench.text('file'), `${HEAD}c\n`);
  t.equal(bench.text(`file.${STAMP}`), `${HEAD}a\nbsomebody else was here\n`);
});

t.test('a file that cannot be rotated grows, for a while', async (t) => {
  const bench = new Bench(t, 'file', HEAD.length + 5);
  await bench.files.start();
  await bench.write('one\n');
  bench.fileSystem.failOnce('rename', 'EACCES');
  await bench.write('two\n');
  await bench.write('three\n');
  t.strictSame(bench.all(), { file: 'H one\ntwo\nthree\n' });
  t.match(bench.log.lines, [
    { level: 'error', fields: { file: bench.at('file'), error: 'EACCES' } },
  ]);
  bench.nowMs += 10_000;
  await bench.write('four\n');
  t.strictSame(Object.values(bench.all()), ['H four\n', 'H one\ntwo\nthree\n']);
});

t.test('a file after which no other can be opened has its name again', async (t) => {
  const bench = new Bench(t, 'file', HEAD.length + 5);
  await bench.files.start();
  await bench.write('one\n');
  bench.fileSystem.failOnce('openToAppend', 'EMFILE');
  await bench.write('two\n');
  t.strictSame(bench.all(), { file: 'H one\ntwo\n' });
  bench.nowMs += 10_000;
  const stamp = STAMP.replace('05.123', '15.123');
  // It cannot be given back, or another file has taken it.
  bench.fileSystem
    .failOnce('openToAppend', 'EMFILE')
    .fail('rename', (from: string) => (from.endsWith('file') ? null : 'EACCES'));
  await bench.write('three\n');
  t.strictSame(bench.all(), { [`file.${stamp}`]: 'H one\ntwo\nthree\n' });
  bench.nowMs += 10_000;
  await bench.write('four\n');
  t.strictSame(bench.all(), { file: 'H four\n', [`file.${stamp}`]: 'H one\ntwo\nthree\n' });
  bench.nowMs += 1000;
  bench.fileSystem.fail('rename', null).fail('openToAppend', (name: string) => {
    writeFileSync(name, 'theirs\n');
    return 'EACCES';
  });
  await bench.write('five\n');
  t.equal(bench.text(), 'theirs\n');
  t.equal(bench.text(`file.${STAMP.replace('05.123', '26.123')}`), `${HEAD}four\nfive\n`);
});

t.test('a file that is removed while it is rotated', async (t) => {
  const bench = new Bench(t, 'file', HEAD.length + 5);
  await bench.files.start();
  await bench.write('one\n');
  rmSync(bench.at('file'));
  const lines = linesOf('two\nsix\n');
  await bench.files.write(lines);
  t.strictSame(bench.all(), { file: 'H six\n', [`file.${STAMP}`]: 'H two\n' });
});

t.test('the name follows the time', async (t) => {
  const bench = new Bench(t, 'a-%M-%S');
  await bench.files.start();
  await bench.files.followTime(nothing());
  await bench.write('one\n');
  bench.nowMs += 800;
  await bench.files.followTime(nothing());
  bench.nowMs += 100;
  await bench.files.followTime(nothing());
  await bench.write('two\n');
  t.strictSame(bench.all(), { 'a-31-05': 'H one\n', 'a-31-06': 'H two\n' });
  // Where that cannot be done it goes on as it was, and is tried again later.
  bench.nowMs += 1000;
  bench.fileSystem.failOnce('openToAppend', 'EMFILE');
  await bench.files.followTime(nothing());
  bench.nowMs += 5000;
  await bench.files.followTime(nothing());
  await bench.write('three\n');
  t.match(bench.log.lines, [
    { level: 'error', fields: { file: bench.at('a-31-07'), error: 'EMFILE' } },
  ]);
  bench.nowMs += 5000;
  await bench.files.followTime(nothing());
  await bench.write('four\n');
  t.strictSame(bench.all(), {
    'a-31-05': 'H one\n',
    'a-31-06': 'H two\nthree\n',
    'a-31-17': 'H four\n',
  });
  t.equal(bench.files.path, bench.at('a-31-17'));
  await bench.files.discard();
  bench.nowMs += 1000;
  await bench.files.followTime(nothing());
  t.equal(bench.files.path, bench.at('a-31-18'), 'that it would have');
});

t.test('the name is reopened', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  await bench.write('one\n');
  renameSync(bench.at('file'), bench.at('old'));
  await bench.write('two\n');
  await bench.files.reopen(nothing());
  await bench.write('three\n');
  t.strictSame(bench.all(), { file: 'H three\n', old: 'H one\ntwo\n' });
  t.strictSame(bench.messages(), ['the file was reopened']);
  bench.fileSystem.failOnce('openToAppend', 'EACCES');
  await bench.files.reopen(nothing());
  await bench.write('four\n');
  t.equal(bench.text(), `${HEAD}three\nfour\n`);
  t.match(bench.log.lines[1], { level: 'error', fields: { error: 'EACCES' } });
});

t.test('a half-written line is written again to the next file', async (t) => {
  const bench = new Bench(t, 'file', 0, false);
  await bench.files.start();
  const lines = linesOf('one\ntwo\n');
  bench.fileSystem.failWrites(null, 6, 'ENOSPC').failOnce('truncate', 'EPERM');
  await t.rejects(bench.files.write(lines), { code: 'ENOSPC' });
  renameSync(bench.at('file'), bench.at('old'));
  await bench.files.reopen(lines);
  await bench.files.write(lines);
  t.strictSame(bench.all(), { file: 'H two\n', old: 'H one\ntw' });
  t.equal(bench.fileSystem.count('syncData'), 0);
});

t.test('a file that fails is put aside, and what is in memory is written again', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  await bench.write('one\n');
  const lines = linesOf('two\nsix\n');
  bench.fileSystem.failWrites(6, 'EIO');
  await t.rejects(bench.files.write(lines), { code: 'EIO' });
  t.equal(lines.restBytes, 8);
  const keptAs = bench.at(`file.failed-${STAMP}`);
  t.match(bench.log.lines, [{ level: 'error', fields: { file: bench.at('file'), keptAs } }]);
  await bench.files.write(lines);
  t.strictSame(bench.all(), {
    file: 'H two\nsix\n',
    [`file.failed-${STAMP}`]: 'H one\ntwo\nsi',
  });
});

t.test('so is one whose sync fails; it is never synced again', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  await bench.write('one\n');
  const lines = linesOf('two\n');
  await bench.files.write(lines);
  bench.fileSystem.failOnce('syncData', 'EIO');
  await t.rejects(bench.files.settle(lines, true), { code: 'EIO' });
  t.equal(lines.restBytes, 4);
  await bench.files.write(lines);
  t.equal(await bench.files.settle(lines, true), true);
  t.strictSame(bench.all(), { file: 'H two\n', [`file.failed-${STAMP}`]: 'H one\ntwo\n' });
});

t.test('a file of which all is in memory is removed', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  bench.fileSystem.failWrites('EIO');
  await t.rejects(bench.files.write(linesOf('one\n')), { code: 'EIO' });
  t.strictSame(bench.all(), {});
  t.match(bench.log.lines, [{ fields: { keptAs: null, error: 'EIO' } }]);
});

t.test('a file that cannot be put aside keeps its name', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  await bench.write('one\n');
  bench.fileSystem.failOnce('rename', 'EACCES').failWrites('EIO');
  const lines = linesOf('two\n');
  await t.rejects(bench.files.write(lines), { code: 'EIO' });
  t.match(bench.log.lines, [{ fields: { keptAs: bench.at('file') } }]);
  await bench.files.write(lines);
  renameSync(bench.at('file'), bench.at('old'));
  bench.fileSystem.failWrites('EIO');
  await t.rejects(bench.files.write(linesOf('six\n')), { code: 'EIO' });
  t.strictSame(bench.all(), { old: 'H one\nH two\n' }, 'nor one that has another name');
});

t.test('a device is neither rotated nor put aside', async (t) => {
  const bench = new Bench(t, '../../../../../dev/null', 10);
  await bench.files.start();
  await bench.write('one line\ntwo lines\n', true);
  bench.fileSystem.failWrites('EIO');
  await t.rejects(bench.files.write(linesOf('six\n')), { code: 'EIO' });
  await bench.write('six\n');
  t.equal(bench.fileSystem.count('rename'), 0);
  t.equal(bench.files.opened, 2);
});

t.test('one succession at a time has a file, and touches nothing to find that out', async (t) => {
  const one = new Bench(t);
  const torn = `${HEAD}{"ev":"ms`;
  writeFileSync(one.at('file'), torn);
  await one.files.claim();
  t.equal(one.text(), torn);
  const other = new FileSuccession({ ...one.options, log: one.log });
  await t.rejects(other.claim(), { code: 'ELOCKED' });
  await t.rejects(other.start(), { code: 'ELOCKED' });
  t.equal(one.text(), torn);
  await one.files.start();
  t.equal(one.text(), HEAD, 'its owner cuts it');
  await one.files.discard();
  await other.claim();
  await other.discard();
});

t.test('what is claimed: links followed, and only what a recording owns', async (t) => {
  const bench = new Bench(t);
  const locks = (): string[] =>
    readdirSync(bench.directory).filter((name) => name.endsWith('.lock'));
  for (const [name, lock] of [
    ['new', '.new.lock'],
    ['dangling', '.dangling.lock'],
    ['link', '.real.lock'],
    ['missing/new', null],
    ['.', null],
  ] as const) {
    writeFileSync(bench.at('real'), '');
    rmSync(bench.at('link'), { force: true });
    rmSync(bench.at('dangling'), { force: true });
    symlinkSync(bench.at('real'), bench.at('link'));
    symlinkSync(bench.at('nothing'), bench.at('dangling'));
    const pattern = parseFileNamePattern(bench.at(name))!;
    const files = new FileSuccession({ ...bench.options, pattern });
    await files.claim();
    t.strictSame(locks(), lock === null ? [] : [lock], name);
    await files.discard();
    t.strictSame(locks(), []);
  }
  bench.fileSystem.fail('realPath', 'EIO');
  await t.rejects(bench.files.claim(), { code: 'EIO' });
  bench.fileSystem.fail('realPath', (file: string) =>
    file === bench.directory ? 'EIO' : 'ENOENT',
  );
  await t.rejects(bench.files.claim(), { code: 'EIO' });
});

t.test('the lock follows the name: through rotations, and to the next name', async (t) => {
  const bench = new Bench(t, 'file-%S', 100);
  const locks = (): string[] =>
    readdirSync(bench.directory).filter((name) => name.endsWith('.lock'));
  await bench.files.start();
  t.strictSame(locks(), ['.file-05.lock']);
  await bench.write(`${'x'.repeat(90)}\n`);
  await bench.write(`${'y'.repeat(90)}\n`);
  t.strictSame(locks(), ['.file-05.lock'], 'rotated');
  bench.nowMs += 1000;
  await bench.files.followTime(linesOf(''));
  t.strictSame(locks(), ['.file-06.lock']);
  const other = new FileSuccession({ ...bench.options, log: bench.log });
  await t.rejects(other.claim(), { code: 'ELOCKED' });
  bench.nowMs += 1000;
  await other.start();
  await bench.files.followTime(linesOf(''));
  t.strictSame(locks(), ['.file-06.lock', '.file-07.lock'], 'that of another one is not taken');
  t.equal(bench.files.path, bench.at('file-06'));
  await other.discard();
  await bench.files.discard();
  t.strictSame(locks(), []);
});
