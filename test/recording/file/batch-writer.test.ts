import { Buffer } from 'node:buffer';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { BatchWriter, type BatchWriterOptions } from '../../../src/recording/file/batch-writer.js';
import { parseFileNamePattern } from '../../../src/recording/file/file-name-pattern.js';
import { FileSuccession } from '../../../src/recording/file/file-succession.js';
import { FaultyFileSystem, systemError } from '../../fixtures/faulty-file-system.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { LineSource } from '../../fixtures/line-source.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { HEADER, KeptOwner } from '../../fixtures/writer-owner.js';

/** A batch writer on a file in a directory of its own. */
class Bench {
  readonly fileSystem = new FaultyFileSystem();
  readonly log = new KeptLog();
  readonly source = new LineSource();
  readonly owner = new KeptOwner();
  readonly directory: string;
  readonly files: FileSuccession;
  readonly writer: BatchWriter;

  constructor(t: Test, options: Partial<BatchWriterOptions> = {}) {
    this.directory = makeTempDir(t);
    this.files = new FileSuccession({
      pattern: parseFileNamePattern(path.join(this.directory, 'file'))!,
      rotateBytes: 0,
      syncsOnChange: true,
      fileSystem: this.fileSystem,
      log: this.log,
      nowMs: Date.now,
      headerLine: () => this.owner.headerLine(),
    });
    t.teardown(() => this.files.discard());
    const { log } = this;
    this.writer = new BatchWriter(this.source, this.owner, this.files, {
      ...{ sync: 'none', onFull: 'stop', syncMs: 60_000, complainMs: 60_000, log },
      ...options,
    });
  }

  append(...texts: string[]): void {
    for (const text of texts) this.source.append(Buffer.from(`${text}\n`));
  }

  attempt(reopens = false, isLast = false): Promise<void> {
    return this.writer.attempt({ reopens, isLast });
  }

  /** An attempt that fails as it should. */
  async failingAttempt(t: Test, code: string): Promise<void> {
    await t.rejects(this.attempt(), { code });
    this.writer.fail(systemError(code));
  }

  /** The lines of the file, without the header. */
  lines(): string[] {
    const lines = readFileSync(path.join(this.directory, 'file'), 'utf8').split('\n');
    return lines.slice(0, -1).filter((line) => line !== HEADER);
  }
}

t.test('a batch is taken, written and given back', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  await bench.attempt();
  t.strictSame(bench.owner.calls, [], 'nothing is no batch');
  bench.append('one', 'two');
  const attempt = bench.attempt();
  t.equal(bench.writer.batchBytes, 8);
  t.equal(bench.source.lent, 1);
  bench.append('three');
  await attempt;
  t.strictSame(bench.owner.calls, ['taken', 'done']);
  t.strictSame(bench.lines(), ['one', 'two']);
  t.equal(bench.source.lent, 0);
  t.equal(bench.writer.batchBytes, 0);
  await bench.attempt(true);
  t.strictSame(bench.lines(), ['one', 'two', 'three']);
  t.match(bench.writer.counts, { records: 3, bytes: 14, batches: 2, lost: 0, failures: 0 });
  t.equal(bench.files.opened, 2);
  t.equal(bench.fileSystem.count('syncData'), 1, 'only before another file was opened');
});

t.test('when it is synced', async (t) => {
  for (const [sync, syncMs, count] of [
    ['none', 0, 0],
    ['interval', 60_000, 1],
    ['interval', 0, 3],
    ['always', 60_000, 3],
  ] as const) {
    const bench = new Bench(t, { sync, syncMs });
    await bench.files.start();
    for (const text of ['one', 'two', 'three']) {
      bench.append(text);
      await bench.attempt();
    }
    await bench.attempt();
    t.equal(bench.fileSystem.count('syncData'), count, `${sync}, ${syncMs}`);
    t.equal(bench.writer.nextSyncMs > 0, sync === 'interval');
  }
});

t.test('a batch in a file that is removed is written again', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  bench.append('one');
  const { facts } = bench.fileSystem;
  let isRemoved = false;
  bench.fileSystem.facts = async (fd) => {
    const real = await facts(fd);
    if (isRemoved) return real;
    isRemoved = true;
    return { ...real, nlink: 0, isFile: () => true };
  };
  await bench.attempt();
  t.strictSame(bench.lines(), ['one', 'one'], 'twice, because it was not removed in truth');
  t.strictSame(bench.owner.calls, ['taken', 'done']);
  t.equal(bench.writer.counts.records, 1);
});

t.test('what waits is written when the file can be written again', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  bench.append('one', 'two');
  bench.fileSystem.failWrites(null, 5, 'ENOSPC', 'ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  t.equal(bench.writer.hasFailed, true);
  t.equal(bench.writer.isDropping, false);
  bench.append('three');
  await bench.failingAttempt(t, 'ENOSPC');
  t.strictSame(bench.lines(), ['one'], 'whole lines only');
  await bench.attempt();
  t.equal(bench.writer.hasFailed, false);
  await bench.attempt();
  t.strictSame(bench.lines(), ['one', 'two', 'three']);
  t.strictSame(bench.owner.calls, [
    ...['taken', 'failed ENOSPC', 'done', 'recovered'],
    ...['taken', 'done'],
  ]);
  t.match(bench.writer.counts, { records: 3, lost: 0, failures: 1 });
  t.strictSame(
    bench.log.lines.map(({ message }) => message),
    ['the recording cannot be written', 'the recording is written again'],
  );
});

t.test('what is dropped leaves a line after what came before it', async (t) => {
  const bench = new Bench(t, { onFull: 'drop', sync: 'always' });
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failWrites('ENOSPC');
  const attempt = bench.failingAttempt(t, 'ENOSPC');
  bench.append('two');
  await attempt;
  t.equal(bench.writer.isDropping, true);
  bench.writer.lose(2);
  bench.writer.lose(1);
  await bench.attempt();
  t.equal(bench.writer.isDropping, true, 'there is more from before');
  await bench.attempt();
  t.equal(bench.writer.isDropping, false);
  const gap = '{"ev":"gap","records":3,"error":"ENOSPC"}';
  t.strictSame(bench.lines(), ['one', 'two', gap]);
  t.match(bench.writer.counts, { records: 2, lost: 3, failures: 1 });
  t.equal(bench.owner.calls.at(-1), 'recovered');
});

t.test('a line about a gap that cannot be written', async (t) => {
  const bench = new Bench(t, { onFull: 'drop' });
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failWrites(null, 'EDQUOT');
  await bench.failingAttempt(t, 'EDQUOT');
  bench.writer.lose(2);
  bench.fileSystem.failWrites(null, 10, 'ENOSPC');
  const attempt = bench.failingAttempt(t, 'ENOSPC');
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (bench.writer.isDropping) setImmediate(look);
      else resolve();
    };
    look();
  });
  // It is on its way: what comes now belongs after it.
  bench.append('two');
  await attempt;
  t.equal(bench.writer.isDropping, true);
  bench.writer.lose(5);
  await bench.attempt();
  await bench.attempt();
  t.strictSame(bench.lines(), [
    'one',
    '{"ev":"gap","records":2,"error":"EDQUOT"}',
    'two',
    '{"ev":"gap","records":5,"error":"ENOSPC"}',
  ]);
  t.match(bench.writer.counts, { records: 2, lost: 7, failures: 1 });
  t.strictSame(bench.owner.calls, [
    ...['taken', 'failed EDQUOT', 'done', 'recovered'],
    ...['failed ENOSPC', 'taken', 'done', 'recovered'],
  ]);
  t.strictSame(
    bench.log.lines.map(({ message }) => message),
    ['the recording cannot be written', 'the recording is written again'],
    'one failure',
  );
});

t.test('the owner hears at the same moment that records are taken again', async (t) => {
  for (const lost of [0, 2]) {
    const bench = new Bench(t, { onFull: 'drop' });
    await bench.files.start();
    bench.append('one');
    bench.fileSystem.failWrites(null, 'ENOSPC');
    await bench.failingAttempt(t, 'ENOSPC');
    bench.writer.lose(lost);
    const told: [boolean, number][] = [];
    bench.owner.recovered = () => {
      told.push([bench.writer.isDropping, bench.lines().length]);
    };
    await bench.attempt();
    t.strictSame(told, [[false, 1]], 'once, before the line about the gap');
    t.equal(bench.lines().length, lost === 0 ? 1 : 2);
    t.equal(bench.writer.hasFailed, false);
  }
});

t.test('with stop what was lost leaves a line, after what came before it', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failWrites(null, 'ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  bench.append('two');
  bench.writer.lose(2);
  bench.append('three');
  await bench.attempt();
  t.strictSame(bench.lines(), ['one'], 'there is more from before');
  t.equal(bench.writer.hasFailed, false, 'but it is written again');
  const attempt = bench.attempt();
  bench.append('four');
  bench.writer.lose(1);
  await attempt;
  const gap = '{"ev":"gap","records":3,"error":"ENOSPC"}';
  t.strictSame(bench.lines(), ['one', 'two', 'three', gap]);
  await bench.attempt();
  t.strictSame(bench.lines(), ['one', 'two', 'three', gap, 'four']);
  t.strictSame(bench.owner.calls, [
    ...['taken', 'failed ENOSPC', 'done', 'recovered'],
    ...['taken', 'done', 'taken', 'done'],
  ]);
  t.match(bench.writer.counts, { records: 4, lost: 3, failures: 1 });
});

t.test('with stop, and nothing else that waits', async (t) => {
  const bench = new Bench(t);
  const startMs = performance.now();
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failWrites(null, 'EDQUOT');
  await bench.failingAttempt(t, 'EDQUOT');
  bench.writer.lose(1);
  bench.writer.lose(1);
  bench.fileSystem.failWrites(null, 'ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  t.equal(bench.writer.isDropping, false);
  t.strictSame(bench.owner.calls, ['taken', 'failed EDQUOT', 'done'], 'it is the same failure');
  bench.append('two');
  const secondMs = performance.now();
  bench.writer.lose(1);
  await bench.attempt();
  const first = '{"ev":"gap","records":2,"error":"EDQUOT"}';
  t.strictSame(bench.lines(), ['one', first]);
  await bench.attempt();
  const second = '{"ev":"gap","records":1,"error":"ENOSPC"}';
  t.strictSame(bench.lines(), ['one', first, 'two', second]);
  const endMs = performance.now();
  const [firstForMs = -1, secondForMs = -1] = bench.owner.missingForMs;
  t.ok(firstForMs >= 0 && firstForMs <= endMs - startMs, 'since the first that was lost');
  t.ok(secondForMs >= 0 && secondForMs <= endMs - secondMs, 'and then since the next');
  t.match(bench.writer.counts, { records: 2, lost: 3, failures: 1 });
});

t.test('what is lost when the file is well again', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failWrites(null, 'ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  await bench.attempt();
  bench.writer.lose(1);
  await bench.attempt(false, true);
  t.strictSame(bench.lines(), ['one', '{"ev":"gap","records":1,"error":"ENOSPC"}']);
  bench.writer.lose(2);
  bench.writer.giveUp();
  t.match(bench.log.lines.at(-1), { fields: { records: 0, dropped: 2, error: null } });
});

t.test('memory is given back, whatever becomes of the lines', async (t) => {
  const bench = new Bench(t);
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failWrites(null, 'ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  bench.append('two');
  bench.writer.giveUp();
  t.equal(bench.source.lent, 1, 'the one that may still be on its way');
  bench.writer.discard();
  bench.writer.discard();
  t.equal(bench.source.lent, 0);
  t.equal(bench.writer.batchBytes, 0);
});

t.test('where nothing was lost there is no line about it', async (t) => {
  const bench = new Bench(t, { onFull: 'drop' });
  await bench.files.start();
  bench.fileSystem.failWrites('ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  await bench.attempt();
  t.strictSame(bench.lines(), []);
  t.strictSame(bench.owner.calls, ['failed ENOSPC', 'recovered']);
  bench.writer.lose(1);
  t.equal(bench.writer.counts.lost, 1, 'and whoever loses without need is counted');
});

t.test('the last attempt opens nothing for nothing', async (t) => {
  const bench = new Bench(t, { sync: 'interval', syncMs: 0, onFull: 'drop' });
  await bench.files.start();
  bench.append('one');
  bench.fileSystem.failOnce('syncData', 'EIO');
  await bench.failingAttempt(t, 'EIO');
  await bench.attempt(false, true);
  t.equal(bench.files.opened, 2, 'the batch is there');
  t.strictSame(bench.lines(), ['one']);
  await bench.files.discard();
  await bench.attempt(false, true);
  t.equal(bench.files.opened, 2);
  bench.writer.fail(systemError('ENOSPC'));
  bench.writer.lose(1);
  await bench.attempt(false, true);
  t.equal(bench.files.opened, 3, 'a gap is not nothing');
  t.equal(bench.owner.missing, 1);
  const names = readdirSync(bench.directory).filter((name) => !name.startsWith('.'));
  t.strictSame(names, ['file'], 'the first one had only what is in memory');
});

t.test('what is given up is counted', async (t) => {
  const bench = new Bench(t, { onFull: 'drop' });
  await bench.files.start();
  bench.append('one', 'two', 'three');
  bench.fileSystem.failWrites(null, 4, 'ENOSPC');
  await bench.failingAttempt(t, 'ENOSPC');
  bench.append('four');
  bench.writer.lose(6);
  bench.writer.giveUp();
  t.match(bench.log.lines.at(-1), {
    level: 'error',
    message: 'the recording is not complete: its end could not be written',
    fields: { records: 3, bytes: 15, dropped: 6, error: 'ENOSPC' },
  });
  t.equal(bench.writer.counts.lost, 9);
});

t.test('a line about a gap is not counted when it is given up', async (t) => {
  const bench = new Bench(t, { onFull: 'drop' });
  await bench.files.start();
  bench.writer.fail(systemError('ENOSPC'));
  bench.writer.lose(1);
  bench.fileSystem.failWrites(null, 'ENOSPC');
  await t.rejects(bench.attempt(), { code: 'ENOSPC' });
  bench.writer.giveUp();
  t.match(bench.log.lines.at(-1), { fields: { records: 0, bytes: 0, dropped: 1 } });
  const quiet = new Bench(t);
  quiet.append('one');
  quiet.writer.giveUp();
  t.match(quiet.log.lines, [{ fields: { records: 1, bytes: 4, dropped: 0, error: null } }]);
});
