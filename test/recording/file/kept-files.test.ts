/** What is kept of a recording: `recordKeep` and `recordMaxTotal`. */
import { Buffer } from 'node:buffer';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { FileLock } from '../../../src/recording/file/file-lock.js';
import { parseFileNamePattern } from '../../../src/recording/file/file-name-pattern.js';
import { FileSuccession } from '../../../src/recording/file/file-succession.js';
import { OutgoingLines } from '../../../src/recording/file/outgoing-lines.js';
import { FaultyFileSystem } from '../../fixtures/faulty-file-system.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const HEADER = '{"v":1,"ev":"file","tool":"twist/test","t":1}\n';

interface Limits {
  readonly keep?: number;
  readonly maxTotalBytes?: number;
  readonly rotateBytes?: number;
}

class Bench {
  readonly fileSystem = new FaultyFileSystem();
  readonly log = new KeptLog();
  readonly directory: string;
  readonly files: FileSuccession;
  nowMs = Date.UTC(2026, 10, 23);

  constructor(t: Test, limits: Limits, name = 'file', worker = 1) {
    this.directory = makeTempDir(t);
    this.files = new FileSuccession({
      pattern: parseFileNamePattern(this.at(name), worker)!,
      rotateBytes: 0,
      syncsOnChange: true,
      fileSystem: this.fileSystem,
      log: this.log,
      nowMs: () => this.nowMs,
      headerLine: () => Buffer.from(HEADER),
      ...limits,
    });
    t.teardown(() => this.files.discard());
  }

  at(name: string): string {
    return path.join(this.directory, name);
  }

  /** Makes a file that is so many days old. */
  old(name: string, days: number, text = HEADER): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), text);
    const seconds = 1_790_000_000 - days * 86_400;
    utimesSync(this.at(name), seconds, seconds);
  }

  get names(): string[] {
    return readdirSync(this.directory)
      .filter((name) => !name.startsWith('.'))
      .sort();
  }

  async write(text: string): Promise<OutgoingLines> {
    const lines = new OutgoingLines([Buffer.from(text)]);
    await this.files.write(lines);
    await this.files.settle(lines, true);
    return lines;
  }

  get totalBytes(): number {
    return this.names.reduce((sum, name) => sum + statSync(this.at(name)).size, 0);
  }
}

const stamp = (day: number, rest = ''): string => `.202611${day}T000000.000Z${rest}`;
const line = (bytes: number): string => `${'x'.repeat(bytes - 1)}\n`;

t.test('so many old files are kept, the newest', async (t) => {
  const bench = new Bench(t, { keep: 2 });
  for (const [index, name] of [
    `file${stamp(10)}`,
    `file${stamp(11, '.1')}`,
    `file.failed-20261112T000000.000Z`,
    `file${stamp(13)}`,
  ].entries())
    bench.old(name, 9 - index);
  await bench.files.start();
  t.strictSame(bench.names, [
    'file',
    'file.20261113T000000.000Z',
    'file.failed-20261112T000000.000Z',
  ]);
  t.equal(bench.files.deleted, 2);
  t.equal(
    bench.log.find('an old file of the recording was deleted')[0]?.fields['file'],
    bench.at(`file${stamp(10)}`),
  );
  t.equal(bench.files.totalBytes, 2 * HEADER.length);
});

t.test('nothing that the recording has not made is deleted', async (t) => {
  const bench = new Bench(t, { keep: 1 });
  const strange = ['file.1', 'file.gz', 'file-20261110', 'other', `other${stamp(10)}`, 'filex'];
  for (const name of strange) bench.old(name, 9);
  bench.old(`file${stamp(10)}`, 9, 'no recording\n');
  mkdirSync(bench.at(`file${stamp(11)}`));
  bench.old('target', 8);
  symlinkSync(bench.at('target'), bench.at(`file${stamp(12)}`));
  bench.old(`file${stamp(13)}`, 7);
  bench.old(`file${stamp(14)}`, 6);
  // Another process records to it.
  const lock = await FileLock.take(bench.at(`file${stamp(13)}`));
  bench.old(`file${stamp(15)}`, 5);
  await bench.files.start();
  const others = [...strange, 'target', ...[10, 11, 12, 13, 15].map((day) => `file${stamp(day)}`)];
  t.strictSame(bench.names, ['file', ...others].sort());
  await lock.release();
});

t.test('names of other times, and of this worker only', async (t) => {
  const bench = new Bench(t, { keep: 1 }, '%Y/%m/a%%-%w-%d.ndjson', 2);
  for (const [name, days] of [
    ['2026/10/a%-2-01.ndjson', 9],
    ['2026/10/a%-2-02.ndjson.20261002T000000.000Z', 8],
    ['2026/11/a%-2-22.ndjson', 7],
    ['2026/10/a%-1-01.ndjson', 9],
    ['2026/10/a%-12-01.ndjson', 9],
    ['x/10/a%-2-01.ndjson', 9],
  ] as const)
    bench.old(name, days);
  await bench.files.start();
  const left = (month: string): string[] =>
    readdirSync(bench.at(month))
      .filter((name) => !name.startsWith('.'))
      .sort();
  t.strictSame(left('2026/10'), ['a%-1-01.ndjson', 'a%-12-01.ndjson']);
  t.strictSame(left('2026/11'), ['a%-2-22.ndjson', 'a%-2-23.ndjson']);
  t.ok(existsSync(bench.at('x/10/a%-2-01.ndjson')));
});

t.test('each rotation deletes what is too much, and that makes room', async (t) => {
  const bench = new Bench(t, { keep: 2, maxTotalBytes: 800, rotateBytes: 200 });
  await bench.files.start();
  for (let round = 0; round < 20; round++) {
    bench.nowMs += 1000;
    await bench.write(line(150));
    t.ok(bench.totalBytes <= 800, `${bench.totalBytes} bytes`);
    t.equal(bench.files.totalBytes, bench.totalBytes);
  }
  t.equal(bench.names.length, 3);
  t.equal(bench.files.deleted, 17);
});

t.test('at its size the recording takes no byte more, until there is room', async (t) => {
  const bench = new Bench(t, { maxTotalBytes: 2000 });
  bench.old(`file${stamp(10)}`, 9, line(1000));
  await bench.files.start();
  const room = 1000 - HEADER.length;
  await bench.write(line(room - 20));
  const lines = new OutgoingLines([Buffer.from(line(20) + line(20))]);
  await t.rejects(bench.files.write(lines), { code: 'recordMaxTotal' }, 'one line past it');
  t.equal(bench.totalBytes, 2000, 'at the limit');
  t.equal(lines.restBytes, 20, 'whole lines fill it');
  await t.rejects(bench.files.write(lines), { code: 'recordMaxTotal' });
  rmSync(bench.at(`file${stamp(10)}`));
  await bench.files.write(lines);
  t.ok(lines.isDone);
  t.ok(readFileSync(bench.at('file'), 'utf8').endsWith(`x\n${line(20)}${line(20)}`));
});

t.test('a header needs room too; what is over it already is left alone', async (t) => {
  const bench = new Bench(t, { maxTotalBytes: 1000 });
  bench.old(`file${stamp(10)}`, 9, line(5000));
  await bench.files.start();
  await t.rejects(bench.write(line(10)), { code: 'recordMaxTotal' });
  t.equal(bench.totalBytes, 5000);
});

t.test('a line that has begun is ended, whatever the limit is', async (t) => {
  const bench = new Bench(t, { maxTotalBytes: HEADER.length + 200 });
  await bench.files.start();
  await bench.write(line(100));
  bench.fileSystem.failWrites(50, 'ENOSPC').failOnce('truncate', 'EIO');
  const lines = new OutgoingLines([Buffer.from(line(100) + line(100))]);
  await t.rejects(bench.files.write(lines), { code: 'ENOSPC' });
  bench.old(`file${stamp(10)}`, 9, line(80));
  await bench.files.reopen(new OutgoingLines([]));
  await t.rejects(bench.files.write(lines), { code: 'recordMaxTotal' });
  const text = readFileSync(bench.at('file'), 'utf8');
  t.ok(text.endsWith('\n'), 'no line is torn');
});

t.test('what goes to a pipe or a device does not count', async (t) => {
  const bench = new Bench(t, { maxTotalBytes: 100 });
  const files = new FileSuccession({
    pattern: parseFileNamePattern('/dev/null')!,
    rotateBytes: 0,
    syncsOnChange: false,
    fileSystem: bench.fileSystem,
    log: bench.log,
    nowMs: () => bench.nowMs,
    headerLine: () => Buffer.from(HEADER),
    keep: 1,
    maxTotalBytes: 100,
  });
  await files.start();
  const lines = new OutgoingLines([Buffer.from(line(1000))]);
  await files.write(lines);
  t.ok(lines.isDone);
  t.equal(bench.fileSystem.count('list'), 0);
  await files.discard();
});

t.test('what cannot be looked at, or deleted, is said once and ends nothing', async (t) => {
  const bench = new Bench(t, { keep: 1, maxTotalBytes: 10_000, rotateBytes: 200 });
  bench.fileSystem.fail('list', 'EACCES');
  await bench.files.start();
  t.match(bench.log.find('the other files of the recording cannot be looked at')[0], {
    fields: { error: 'EACCES' },
  });
  await bench.write(line(150));
  await bench.write(line(150));
  bench.fileSystem.fail('list', null).fail('remove', 'EPERM');
  bench.nowMs += 1000;
  await bench.write(line(150));
  t.equal(bench.names.length, 3, 'and it is kept');
  t.equal(bench.log.find('an old file of the recording cannot be deleted')[0], undefined);
  bench.fileSystem.fail('remove', 'ENOENT');
  bench.nowMs += 1000;
  await bench.write(line(150));
  t.equal(bench.files.deleted, 2, 'somebody else was faster');
  bench.fileSystem.fail('factsOfName', 'ENOENT');
  bench.nowMs += 1000;
  await bench.write(line(150));
  bench.fileSystem.fail('factsOfName', 'EIO');
  bench.nowMs += 1000;
  await bench.write(line(150));
  t.equal(bench.files.deleted, 2);
});

t.test('a directory of the name that is none, or is not there', async (t) => {
  const bench = new Bench(t, { keep: 1 }, 'd%Y/file');
  writeFileSync(bench.at('d1000'), '');
  mkdirSync(bench.at('d1001'));
  await bench.files.start();
  t.equal(bench.log.find('the other files of the recording cannot be looked at')[0], undefined);
});

t.test('a line that has begun is ended though others have taken the room', async (t) => {
  const bench = new Bench(t, { maxTotalBytes: HEADER.length + 200 });
  await bench.files.start();
  bench.fileSystem.failWrites(null, 50, 'ENOSPC').failOnce('truncate', 'EIO');
  const lines = new OutgoingLines([Buffer.from(line(100).repeat(3))]);
  await t.rejects(bench.files.write(lines), { code: 'ENOSPC' });
  t.equal(lines.tornBytes(), 50);
  bench.old(`file${stamp(10)}`, 9, line(180));
  await t.rejects(bench.files.write(lines), { code: 'recordMaxTotal' });
  t.equal(readFileSync(bench.at('file'), 'utf8'), HEADER + line(100));
  t.equal(lines.restBytes, 200);
});

t.test('nothing is written behind a foreign text if the header has no room there', async (t) => {
  const bench = new Bench(t, { maxTotalBytes: 120 });
  const text = 'no recording'.repeat(9);
  writeFileSync(bench.at('file'), text);
  await bench.files.start();
  await t.rejects(bench.write(line(10)), { code: 'recordMaxTotal' });
  t.equal(readFileSync(bench.at('file'), 'utf8'), text, 'not even the newline before it');
});

t.test('of files of the same time the names tell which is older', async (t) => {
  for (const isReversed of [false, true]) {
    const bench = new Bench(t, { keep: 1 });
    for (const day of [10, 11, 12]) bench.old(`file${stamp(day)}`, 9);
    const { list } = bench.fileSystem;
    bench.fileSystem.list = async (directory) => {
      const names = (await list(directory)).sort();
      return isReversed ? names.reverse() : names;
    };
    await bench.files.start();
    t.strictSame(bench.names, ['file', `file${stamp(12)}`]);
  }
});

t.test('a relative name', async (t) => {
  const bench = new Bench(t, { keep: 1 });
  bench.old(`file${stamp(10)}`, 9);
  bench.old(`file${stamp(11)}`, 8);
  const files = new FileSuccession({
    pattern: parseFileNamePattern(path.relative('', bench.at('file')))!,
    rotateBytes: 0,
    syncsOnChange: true,
    fileSystem: bench.fileSystem,
    log: bench.log,
    nowMs: () => bench.nowMs,
    headerLine: () => Buffer.from(HEADER),
    keep: 1,
  });
  await files.start();
  t.strictSame(bench.names, ['file', `file${stamp(11)}`]);
  await files.discard();
});
