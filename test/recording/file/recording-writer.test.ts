import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { InvalidStateError } from '../../../src/errors.js';
import {
  FLUSH_BYTES,
  RecordingWriter,
  type WriterOptions,
} from '../../../src/recording/file/recording-writer.js';
import { FaultyFileSystem } from '../../fixtures/faulty-file-system.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { LineSource } from '../../fixtures/line-source.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually, within } from '../../fixtures/within.js';
import { HEADER, KeptOwner } from '../../fixtures/writer-owner.js';

/** What takes an hour happens in no test. */
const NEVER_MS = 3_600_000;

/** A writer on a file in a directory of its own. */
class Bench {
  readonly fileSystem = new FaultyFileSystem();
  readonly log = new KeptLog();
  readonly source = new LineSource();
  readonly owner = new KeptOwner();
  readonly directory: string;
  readonly writer: RecordingWriter;

  constructor(t: Test, { times, ...options }: Partial<WriterOptions> = {}) {
    this.directory = makeTempDir(t);
    const { fileSystem, log } = this;
    this.writer = new RecordingWriter(
      {
        ...{ path: this.at('file'), sync: 'none', onFull: 'stop', rotateBytes: 0 },
        ...{ queueBytes: 1_000_000, fileSystem, log },
        ...options,
        times: { flushMs: 1, syncMs: NEVER_MS, retryMs: 5, closeTimeout: 10_000, ...times },
      },
      this.source,
      this.owner,
    );
    t.teardown(() => this.writer.close());
  }

  at(name: string): string {
    return path.join(this.directory, name);
  }

  append(...texts: string[]): void {
    for (const text of texts) {
      this.source.append(Buffer.from(`${text}\n`));
      this.writer.appended();
    }
  }

  /** Waits until the file of that name has these lines, headers left out. */
  async has(lines: readonly string[], name = 'file'): Promise<void> {
    const isThere = (): boolean => this.lines(name).join() === lines.join();
    await eventually(isThere, `the lines ${lines.join()}`, () => this.lines(name).join());
  }

  lines(name = 'file'): string[] {
    const lines = readFileSync(this.at(name), 'utf8').split('\n');
    return lines.slice(0, -1).filter((line) => line !== HEADER);
  }

  /** Waits for a call of the owner. */
  async told(call: string, times = 1): Promise<void> {
    const { calls } = this.owner;
    const isTold = (): boolean => calls.filter((one) => one === call).length >= times;
    await eventually(isTold, call, () => calls.join());
  }
}

/** A file system whose writes wait until they may go on. */
class Gate {
  #open: () => void = () => undefined;
  #closed: Promise<void> = Promise.resolve();

  constructor({ fileSystem }: Bench) {
    const { write } = fileSystem;
    fileSystem.write = async (fd, chunks) => {
      await this.#closed;
      return write(fd, chunks);
    };
  }

  shut(): void {
    this.#closed = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}

t.test('what is appended is written soon', async (t) => {
  for (const sync of ['none', 'interval', 'always'] as const) {
    const bench = new Bench(t, { sync });
    bench.append('zero');
    await bench.writer.start();
    await bench.has(['zero']);
    bench.append('one', 'two');
    await bench.has(['zero', 'one', 'two']);
    bench.append('three');
    await bench.has(['zero', 'one', 'two', 'three']);
    t.equal(bench.writer.start(), bench.writer.start(), 'it starts once');
    await bench.writer.close();
    t.equal(bench.writer.close(), bench.writer.close(), 'and ends once');
    bench.append('four');
    t.strictSame(bench.lines(), ['zero', 'one', 'two', 'three']);
    t.match(bench.writer.stats, { records: 4, lost: 0, files: 1, failures: 0 });
    const syncs = { none: 0, interval: 2, always: bench.writer.stats.batches }[sync];
    t.equal(bench.fileSystem.count('syncData'), syncs, sync);
    t.equal(bench.writer.isStopped, false);
    t.equal(bench.writer.isDropping, false);
  }
});

t.test('much is written at once, before the time is up', async (t) => {
  const bench = new Bench(t, { times: { flushMs: NEVER_MS } });
  await bench.writer.start();
  bench.append('small');
  const text = 'x'.repeat(1000);
  for (let bytes = 0; bytes < FLUSH_BYTES * 2; bytes += 1001) bench.append(text);
  await bench.told('done');
  t.equal(bench.writer.stats.batches, 1, 'one batch for one turn of the event loop');
  await bench.writer.close();
});

t.test('a full queue is written at once, however small it is', async (t) => {
  const bench = new Bench(t, { queueBytes: 100, times: { flushMs: NEVER_MS } });
  const gate = new Gate(bench);
  await bench.writer.start();
  await eventually(() => bench.fileSystem.count('write') === 1, 'the header');
  gate.shut();
  bench.append('x'.repeat(101));
  await bench.told('taken');
  bench.append('y'.repeat(90));
  t.equal(bench.owner.isFull, true);
  gate.open();
  await bench.told('done', 2);
  t.equal(bench.owner.isFull, false);
});

t.test('what comes while a batch is written is the next batch', async (t) => {
  for (const sync of ['none', 'always'] as const) {
    const bench = new Bench(t, { sync });
    const gate = new Gate(bench);
    await bench.writer.start();
    await bench.has([]);
    gate.shut();
    bench.append('one');
    await bench.told('taken');
    bench.append('two');
    bench.append('three');
    gate.open();
    await bench.has(['one', 'two', 'three']);
    await bench.told('done', 2);
    t.strictSame(bench.owner.calls, ['taken', 'done', 'taken', 'done'], sync);
  }
});

t.test('a quiet file is synced when its time comes', async (t) => {
  const bench = new Bench(t, { sync: 'interval', times: { syncMs: 20 } });
  await bench.writer.start();
  bench.append('one');
  await bench.told('done');
  bench.append('two');
  await bench.told('done', 2);
  await eventually(() => bench.fileSystem.count('syncData') >= 2, 'a sync');
});

t.test('its time comes while a batch is written', async (t) => {
  const bench = new Bench(t, { sync: 'interval', times: { syncMs: 50 } });
  await bench.writer.start();
  bench.append('one');
  await bench.told('done');
  const { owner } = bench;
  owner.batchDone = () => {
    const untilMs = performance.now() + 60;
    while (performance.now() < untilMs);
    KeptOwner.prototype.batchDone.call(owner);
  };
  bench.append('two');
  // From Node 24 on a timer in the past would be a warning, which fails the test.
  await eventually(() => bench.fileSystem.count('syncData') >= 2, 'a sync');
});

t.test('a queue that is full, and half of it free', async (t) => {
  const bench = new Bench(t, { queueBytes: 100 });
  const gate = new Gate(bench);
  await bench.writer.start();
  await eventually(() => bench.fileSystem.count('write') === 1, 'the header');
  gate.shut();
  bench.append('x'.repeat(59));
  await bench.told('taken');
  bench.append('y'.repeat(39));
  t.equal(bench.owner.isFull, false, 'exactly as much as may wait');
  bench.append('');
  t.equal(bench.owner.isFull, true);
  bench.append('z'.repeat(20));
  gate.open();
  await bench.told('drained');
  t.equal(bench.owner.calls.filter((call) => call === 'full').length, 1, 'said once');
  // All at once, while nothing is written.
  await bench.has(['x'.repeat(59), 'y'.repeat(39), '', 'z'.repeat(20)]);
  bench.append('x'.repeat(200));
  t.equal(bench.owner.isFull, true);
  await bench.told('drained', 2);
});

t.test('before the start a queue is full, too', async (t) => {
  const bench = new Bench(t, { queueBytes: 100 });
  bench.append('x'.repeat(200));
  t.equal(bench.owner.isFull, true);
  await bench.writer.start();
  await bench.told('drained');
  t.equal(bench.owner.isFull, false);
});

t.test('a file that cannot be opened', async (t) => {
  const bench = new Bench(t, { path: '/dev/null/file' });
  await t.rejects(bench.writer.start(), { code: 'ENOTDIR' });
  bench.append('one');
  await bench.writer.reopen();
  await bench.writer.close();
  const never = new Bench(t);
  await never.writer.reopen();
  await never.writer.close();
  t.strictSame(readdirSync(never.directory), []);
  t.throws(() => new Bench(t, { path: 'file-%y' }), InvalidStateError);
});

t.test(
  'a file that is claimed is not touched before the start, and given back without one',
  async (t) => {
    const bench = new Bench(t);
    await bench.writer.claim();
    t.strictSame(readdirSync(bench.directory), ['.file.lock']);
    await bench.writer.close();
    t.strictSame(readdirSync(bench.directory), []);
  },
);

t.test('what is used where nothing is said', async (t) => {
  const directory = makeTempDir(t);
  const [source, owner, log] = [new LineSource(), new KeptOwner(), new KeptLog()];
  const writer = new RecordingWriter(
    {
      ...{ path: path.join(directory, '%Y'), sync: 'none', onFull: 'stop', rotateBytes: 0 },
      ...{ queueBytes: 1000, log },
    },
    source,
    owner,
  );
  await writer.start();
  await writer.close();
  t.strictSame(readdirSync(directory), [String(new Date().getUTCFullYear())]);
});

t.test('the name is reopened once the batch in flight is written', async (t) => {
  const bench = new Bench(t);
  const gate = new Gate(bench);
  await bench.writer.start();
  await bench.has([]);
  gate.shut();
  bench.append('one');
  await bench.told('taken');
  renameSync(bench.at('file'), bench.at('old'));
  const reopened = bench.writer.reopen();
  bench.append('two');
  gate.open();
  await reopened;
  await bench.has(['two']);
  t.strictSame(bench.lines('old'), ['one']);
  await bench.writer.reopen();
  await bench.writer.close();
  await bench.writer.reopen();
  t.equal(bench.writer.stats.files, 3, 'at the end it is too late');
});

t.test('with stop everything waits', async (t) => {
  const bench = new Bench(t);
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.fail('write', 'ENOSPC');
  bench.append('one');
  await bench.told('failed ENOSPC');
  t.equal(bench.writer.isStopped, true);
  t.equal(bench.writer.failure, 'ENOSPC');
  t.equal(bench.writer.isDropping, false);
  bench.append('two');
  await eventually(() => bench.fileSystem.count('write') > 5, 'some attempts');
  bench.fileSystem.fail('write', null);
  await bench.told('recovered');
  t.equal(bench.writer.isStopped, false);
  t.equal(bench.writer.failure, '');
  await bench.has(['one', 'two']);
  t.equal(bench.writer.stats.failures, 1);
});

t.test('with drop nobody waits', async (t) => {
  const bench = new Bench(t, { onFull: 'drop', queueBytes: 10 });
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.fail('write', 'ENOSPC');
  bench.append('one', 'two', 'three');
  t.equal(bench.owner.isFull, true);
  await bench.told('drained');
  t.equal(bench.writer.isDropping, true);
  t.equal(bench.writer.isStopped, false);
  bench.writer.lose(5);
  bench.fileSystem.fail('write', null);
  await bench.told('recovered');
  bench.append('four');
  const gap = '{"ev":"gap","records":5,"error":"ENOSPC"}';
  await bench.has(['one', 'two', 'three', gap, 'four']);
  t.equal(bench.writer.stats.lost, 5);
});

t.test('a reopening need not wait for the next attempt', async (t) => {
  const bench = new Bench(t, { times: { retryMs: NEVER_MS } });
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.failOnce('write', 'ENOSPC');
  bench.append('one');
  await bench.told('failed ENOSPC');
  await bench.writer.reopen();
  await bench.has(['one']);
});

t.test('at the end there is one more attempt', async (t) => {
  const bench = new Bench(t, { times: { retryMs: NEVER_MS }, sync: 'always' });
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.failOnce('write', 'ENOSPC');
  bench.append('one');
  await bench.told('failed ENOSPC');
  bench.append('two');
  bench.fileSystem.failOnce('syncData', 'EIO');
  await bench.writer.close();
  t.strictSame(bench.lines(), ['one', 'two']);
  t.match(bench.writer.stats, { records: 2, lost: 0 });
});

t.test('and when that fails, what is lost is said', async (t) => {
  const bench = new Bench(t);
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.fail('write', 'ENOSPC');
  bench.append('one', 'two');
  await bench.told('failed ENOSPC');
  const opened = bench.writer.close();
  await within(opened, 'the end');
  t.match(bench.log.lines.at(-1), {
    level: 'error',
    fields: { records: 2, bytes: 8, error: 'ENOSPC' },
  });
  t.equal(bench.writer.stats.lost, 2);
  t.equal(bench.fileSystem.count('close'), 1, 'nothing stays open');
});

t.test('a queue that is half full when a batch is written stays full', async (t) => {
  const bench = new Bench(t, { queueBytes: 100 });
  const gate = new Gate(bench);
  await bench.writer.start();
  await bench.has([]);
  gate.shut();
  bench.append('x'.repeat(29));
  await bench.told('taken');
  bench.append('y'.repeat(79));
  t.equal(bench.owner.isFull, true);
  gate.open();
  await bench.told('drained');
  t.strictSame(bench.owner.calls, ['taken', 'full', 'done', 'taken', 'done', 'drained']);
});

t.test('a disk that answers no more keeps nobody', async (t) => {
  const bench = new Bench(t, { times: { closeTimeout: 50 } });
  const gate = new Gate(bench);
  await bench.writer.start();
  await bench.has([]);
  gate.shut();
  bench.append('one');
  await bench.told('taken');
  const reopened = bench.writer.reopen();
  bench.append('two');
  await within(bench.writer.close(), 'the end');
  t.match(bench.log.lines, [{ level: 'error', fields: { records: 2 } }]);
  gate.open();
  await within(reopened, 'whoever waits');
  await eventually(() => bench.fileSystem.count('close') === 1, 'the file to be closed');
});

t.test('nor a pipe that nobody empties', async (t) => {
  const bench = new Bench(t, { times: { closeTimeout: 50 } });
  execFileSync('mkfifo', [bench.at('file')]);
  const fd = openSync(bench.at('file'), constants.O_RDONLY | constants.O_NONBLOCK);
  await bench.writer.start();
  bench.append('x'.repeat(200_000));
  await bench.told('taken');
  const reopened = bench.writer.reopen();
  await new Promise((resolve) => setImmediate(resolve));
  await within(bench.writer.close(), 'the end');
  await within(reopened, 'whoever waits');
  await eventually(() => bench.fileSystem.count('close') === 1, 'the file to be closed');
  t.match(bench.log.lines[0], { level: 'error', fields: { records: 1 } });
  closeSync(fd);
});

t.test('nor a file that is never closed', async (t) => {
  const bench = new Bench(t, { times: { closeTimeout: 50 } });
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.fail('write', 'ENOSPC').close = () => new Promise<void>(() => undefined);
  bench.append('one');
  await within(bench.writer.close(), 'the end');
  t.equal(bench.writer.stats.lost, 1, 'given up once');
});

t.test('nor a file that is never opened', async (t) => {
  const bench = new Bench(t, { times: { closeTimeout: 20 } });
  let open: (() => void) | undefined;
  const { openToAppend } = bench.fileSystem;
  bench.fileSystem.openToAppend = async (name) => {
    await new Promise<void>((resolve) => {
      open = resolve;
    });
    return openToAppend(name);
  };
  const started = bench.writer.start();
  await within(bench.writer.close(), 'the end');
  open?.();
  await started;
  await eventually(() => bench.fileSystem.count('close') === 1, 'the file to be closed');
});

/** A defect that shows when the file fails: of the log, or of the owner. */
function breakOnFailure(bench: Bench): void {
  const { log } = bench;
  log.error = (fields, message) => {
    if (message === 'the recording cannot be written') throw new Error('a defect');
    KeptLog.prototype.error.call(log, fields, message);
  };
}

const DEFECT = 'the recording has ended by an internal error';

t.test('a defect ends the recording, and everyone who waits for it is told', async (t) => {
  for (const onFull of ['stop', 'drop'] as const) {
    const bench = new Bench(t, { onFull, queueBytes: 10 });
    const gate = new Gate(bench);
    await bench.writer.start();
    await bench.has([]);
    const wasStopped: boolean[] = [];
    bench.owner.failed = (error) => {
      wasStopped.push(bench.writer.isStopped);
      KeptOwner.prototype.failed.call(bench.owner, error);
    };
    breakOnFailure(bench);
    bench.fileSystem.fail('write', 'ENOSPC');
    gate.shut();
    bench.append('one');
    await bench.told('taken');
    bench.append('two', 'three');
    t.equal(bench.owner.isFull, true);
    gate.open();
    await eventually(() => bench.log.find(DEFECT).length === 1, 'the line in the log');
    t.match(bench.log.find(DEFECT), [{ level: 'error', fields: { err: { message: 'a defect' } } }]);
    t.equal(bench.writer.isStopped, onFull === 'stop');
    t.equal(bench.writer.isDropping, true);
    t.strictSame(bench.owner.calls, ['taken', 'full', 'failed undefined', 'drained'], onFull);
    t.strictSame(wasStopped, [onFull === 'stop']);
    t.match(bench.log.lines.at(-1), { level: 'error', fields: { records: 3, bytes: 14 } });
    t.equal(bench.source.bytes, 0);
    t.equal(bench.source.lent, 0, 'nothing is kept');
    bench.writer.lose(2);
    t.match(bench.writer.stats, { records: 0, lost: 5 });
    await bench.writer.reopen();
    await within(bench.writer.close(), 'the end');
    await eventually(() => bench.fileSystem.count('close') === 1, 'the file to be closed');
    t.equal(bench.log.find(DEFECT).length, 1);
    t.equal(bench.owner.calls.length, 4);
  }
});

t.test('a queue that is not full need not be drained for that', async (t) => {
  const bench = new Bench(t);
  await bench.writer.start();
  await bench.has([]);
  breakOnFailure(bench);
  bench.fileSystem.fail('write', 'ENOSPC');
  bench.append('one');
  await bench.told('failed undefined');
  t.strictSame(bench.owner.calls, ['taken', 'failed undefined']);
});

t.test('whoever has a defect may have it again', async (t) => {
  const bench = new Bench(t, { queueBytes: 1, onFull: 'drop' });
  await bench.writer.start();
  await bench.has([]);
  let calls = 0;
  const fail = (): never => {
    calls++;
    throw new Error('a defect');
  };
  bench.owner.failed = fail;
  bench.owner.drained = fail;
  bench.log.error = fail;
  bench.fileSystem.fail('write', 'ENOSPC');
  bench.append('one');
  await eventually(() => bench.writer.stats.lost === 1, 'the loss');
  t.equal(bench.writer.isDropping, true);
  await bench.writer.reopen();
  await within(bench.writer.close(), 'the end');
  t.equal(calls, 5, 'the first of the log, and then all of them once, of the log two lines');
});

t.test('a defect after the end changes nothing', async (t) => {
  const bench = new Bench(t);
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.fail('write', 'ENOSPC').fail('close', 'EIO');
  bench.append('one');
  await bench.told('failed ENOSPC');
  bench.log.warn = () => {
    throw new Error('a defect');
  };
  await within(bench.writer.close(), 'the end');
  t.equal(bench.log.find(DEFECT).length, 1);
  t.equal(bench.writer.stats.lost, 1, 'counted once');
});

t.test('with stop records may be lost too, and the file says so', async (t) => {
  const bench = new Bench(t);
  await bench.writer.start();
  await bench.has([]);
  bench.fileSystem.fail('write', 'ENOSPC');
  bench.append('one');
  await bench.told('failed ENOSPC');
  bench.append('two');
  bench.writer.lose(5);
  bench.fileSystem.fail('write', null);
  await bench.has(['one', 'two', '{"ev":"gap","records":5,"error":"ENOSPC"}']);
  t.equal(bench.writer.stats.lost, 5);
});

t.test('what waits, and for how long', async (t) => {
  const bench = new Bench(t, { sync: 'interval', queueBytes: 100 });
  const gate = new Gate(bench);
  await bench.writer.start();
  await bench.has([]);
  t.match(bench.writer.queue, { waitingBytes: 0, limitBytes: 100, lagMs: 0, isFull: false });
  gate.shut();
  bench.append('one');
  await eventually(() => bench.source.bytes === 0, 'the batch to be taken');
  bench.append('two');
  await eventually(() => bench.writer.queue.lagMs > 30, 'some time');
  t.equal(bench.writer.queue.waitingBytes, 8);
  bench.append('x'.repeat(200));
  t.equal(bench.writer.queue.isFull, true);
  gate.open();
  await bench.has(['one', 'two', 'x'.repeat(200)]);
  await eventually(() => bench.writer.queue.lagMs === 0, 'all to be written');
  await bench.writer.close();
  const { syncs } = bench.writer.queue;
  const count = syncs.counts.reduce((sum, one) => sum + one);
  t.equal(count, bench.fileSystem.count('syncData'));
});
