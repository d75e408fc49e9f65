import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { BatchFeed, type FeedSink } from '../../../src/recording/write/batch-feed.js';
import type { Batch } from '../../../src/recording/write/batch.js';

/** Keeps what it gets, which leaves when the test says so. */
class Sink implements FeedSink {
  readonly texts: string[] = [];
  readonly #leaving: (() => void)[] = [];

  write(bytes: Uint8Array, done: () => void): void {
    this.texts.push(Buffer.from(bytes).toString());
    this.#leaving.push(done);
  }

  /** So many of the oldest have left. */
  leave(count = this.#leaving.length): void {
    for (const done of this.#leaving.splice(0, count)) done();
  }

  take(): string[] {
    return this.texts.splice(0);
  }
}

function batchOf(...chunks: readonly string[]): Batch {
  const made = chunks.map((text) => Buffer.from(text));
  const bytes = made.reduce((sum, { length }) => sum + length, 0);
  return { chunks: made, bytes, records: chunks.length };
}

const gap = (records: number, error: string, since = 5): string =>
  `{"ev":"gap","t":5,"since":${since},"records":${records},"error":"${error}"}\n`;

t.test('lines begin with who writes them, and are copied', async (t) => {
  const memory = new MemoryAccount();
  const feed = new BatchFeed({ tool: 'twist/1', memory, nowMs: () => 5000 });
  const sink = new Sink();
  feed.connect(sink);
  t.strictSame(sink.take(), ['{"v":1,"ev":"file","tool":"twist/1","t":5,"redacted":true}\n']);
  const batch = batchOf('one\n', 'two\n');
  feed.take(batch);
  batch.chunks[0]!.fill(0);
  t.strictSame(sink.texts, ['one\ntwo\n']);
  t.equal(memory.bytes, feed.waitingBytes);
  t.ok(feed.waitingBytes > 8);
  sink.leave();
  t.strictSame([feed.waitingBytes, memory.bytes], [0, 0]);
  feed.take(batchOf());
  t.equal(sink.take().length, 1, 'nothing is no batch');
});

t.test('who is behind misses records, and is told where', async (t) => {
  const feed = new BatchFeed({ tool: null, maxBytes: 8, nowMs: () => 5000 });
  const sink = new Sink();
  feed.connect(sink);
  feed.take(batchOf('more than 8 bytes, and nothing else is on its way\n'));
  sink.leave();
  sink.take();
  feed.take(batchOf('1234\n'));
  feed.take(batchOf('567\n'));
  feed.take(batchOf('8\n', '9\n'));
  t.strictSame(sink.take(), ['1234\n']);
  t.equal(feed.lost, 3);
  // 5 of 8 bytes are on their way, which is more than half.
  feed.take(batchOf('a\n'));
  t.equal(feed.lost, 4);
  sink.leave();
  t.strictSame(sink.take(), [gap(4, 'inspector-behind')], 'told though nothing more comes');
  sink.leave();
  feed.take(batchOf('b\n'));
  t.strictSame(sink.take(), ['b\n']);
});

t.test('the gap stands before what comes next', async (t) => {
  const feed = new BatchFeed({
    tool: null,
    maxBytes: 8,
    memory: new MemoryAccount(),
    nowMs: () => 5000,
  });
  const sink = new Sink();
  feed.take(batchOf('lost\n'));
  feed.connect(sink);
  t.strictSame(sink.take(), [], 'the first one has missed nothing that it would know of');
  feed.take(batchOf('b\n'));
  t.strictSame(sink.take(), [gap(1, 'inspector-restarted'), 'b\n']);
});

t.test('the next one is told that there was one before', async (t) => {
  let nowMs = 1000;
  const feed = new BatchFeed({ tool: null, nowMs: () => nowMs });
  const first = new Sink();
  feed.connect(first);
  feed.take(batchOf('one\n'));
  feed.disconnect();
  nowMs = 3000;
  feed.take(batchOf('two\n'));
  t.equal(feed.lost, 1);
  nowMs = 5000;
  const second = new Sink();
  feed.connect(second);
  t.strictSame(second.take(), [gap(1, 'inspector-restarted', 3)]);
  first.leave();
  t.equal(feed.waitingBytes, second.texts.length === 0 ? gap(1, '', 3).length + 19 : -1);
  feed.disconnect();
  feed.connect(new Sink());
  const third = new Sink();
  feed.disconnect();
  feed.connect(third);
  t.strictSame(third.take(), [gap(0, 'inspector-restarted', 5)], 'also where nothing was lost');
});

t.test('what was on its way to one that is gone is given back, once', async (t) => {
  const memory = new MemoryAccount();
  const feed = new BatchFeed({ tool: null, memory, maxBytes: 4 });
  const dones: (() => void)[] = [];
  feed.connect({ write: (_bytes, done) => dones.push(done) });
  feed.take(batchOf('12345\n'));
  feed.take(batchOf('lost\n'));
  feed.disconnect();
  for (const done of [...dones, ...dones]) done();
  t.strictSame([memory.bytes, feed.waitingBytes, dones.length], [0, 0, 1]);
});

t.test('when the process is short of memory nothing is taken', async (t) => {
  const memory = new MemoryAccount(100);
  const feed = new BatchFeed({ tool: null, memory, nowMs: () => 5000 });
  const sink = new Sink();
  feed.connect(sink);
  memory.charge(80);
  feed.take(batchOf('one\n'));
  t.equal(feed.lost, 1);
  memory.release(80);
  feed.take(batchOf('two\n'));
  t.strictSame(sink.take(), [gap(1, 'inspector-behind'), 'two\n']);
});

t.test('by default the clock is that of the wall', async (t) => {
  const feed = new BatchFeed({ tool: 'twist/1' });
  const sink = new Sink();
  const before = Date.now() / 1000;
  feed.connect(sink);
  const { t: time } = JSON.parse(sink.texts[0]!) as { t: number };
  t.ok(time >= before && time <= Date.now() / 1000);
});
