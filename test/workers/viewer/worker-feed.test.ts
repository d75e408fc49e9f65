import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { WorkerFeed } from '../../../src/workers/viewer/worker-feed.js';

class Pipe {
  readonly texts: string[] = [];
  readonly calls: string[] = [];
  isStuck = false;

  write(bytes: Uint8Array, done: () => void): void {
    this.texts.push(Buffer.from(bytes).toString());
    done();
  }

  end(done: () => void): void {
    this.calls.push('end');
    if (!this.isStuck) done();
  }

  destroy(): void {
    this.calls.push('destroy');
  }
}

t.test('records go to the primary, which writes what all begins with', async (t) => {
  const pipe = new Pipe();
  const feed = new WorkerFeed(pipe, new MemoryAccount());
  await feed.start();
  feed.feed.take({ chunks: [Buffer.from('one\n')], bytes: 4, records: 1 });
  t.strictSame(pipe.texts, ['one\n']);
  feed.reload();
  t.equal(feed.onEnd('ONE', 1000, ''), null);
  await feed.close();
  t.strictSame(pipe.calls, ['end', 'destroy']);
});

t.test('a primary that reads nothing is not waited for', async (t) => {
  const pipe = new Pipe();
  pipe.isStuck = true;
  await new WorkerFeed(pipe, new MemoryAccount(), 1).close();
  t.strictSame(pipe.calls, ['end', 'destroy']);
});
