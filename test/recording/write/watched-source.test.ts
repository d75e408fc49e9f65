import t from 'tap';
import type { Batch } from '../../../src/recording/write/batch.js';
import { RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import { WatchedSource } from '../../../src/recording/write/watched-source.js';

t.test('whoever watches sees each batch, which is given back once', async (t) => {
  const buffer = new RecordBuffer();
  const seen: Batch[] = [];
  const source = new WatchedSource(buffer, { take: (batch) => seen.push(batch) });
  buffer.appendLine(Buffer.from('one\n'));
  t.equal(source.bytes, 4);
  const batch = source.take();
  t.strictSame(seen, [batch]);
  t.equal(source.bytes, 0);
  source.recycle(batch);
});
