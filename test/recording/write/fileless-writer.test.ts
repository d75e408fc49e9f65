import t from 'tap';
import { FilelessWriter } from '../../../src/recording/write/fileless-writer.js';
import { RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import { WatchedSource } from '../../../src/recording/write/watched-source.js';
import { eventually } from '../../fixtures/within.js';

interface Bench {
  readonly writer: FilelessWriter;
  readonly append: (text: string) => void;
  readonly taken: string[];
  readonly told: string[];
}

function bench(): Bench {
  const buffer = new RecordBuffer();
  const taken: string[] = [];
  const told: string[] = [];
  const source = new WatchedSource(buffer, {
    take: ({ chunks }) => taken.push(Buffer.concat(chunks).toString()),
  });
  const writer = new FilelessWriter(source, {
    batchTaken: () => told.push('taken'),
    batchDone: () => told.push('done'),
  });
  const append = (text: string): void => {
    buffer.appendLine(Buffer.from(text));
    writer.appended();
  };
  return { writer, append, taken, told };
}

t.test('lines leave soon, together', async (t) => {
  const { writer, append, taken, told } = bench();
  await writer.claim();
  await writer.start();
  append('one\n');
  append('two\n');
  t.equal(writer.queue.waitingBytes, 8);
  t.strictSame(taken, []);
  await eventually(() => taken.length > 0, 'the lines');
  t.strictSame(taken, ['one\ntwo\n']);
  t.strictSame(told, ['taken', 'done']);
  t.match(writer.stats, { records: 2, bytes: 8, batches: 1, lost: 0 });
  append('three\n');
  await eventually(() => taken.length > 1, 'the next line');
  await writer.close();
});

t.test('many leave at once, and nothing is left for the timer', async (t) => {
  const { writer, append, taken } = bench();
  const line = `${'x'.repeat(8191)}\n`;
  for (let count = 0; count < 17; count++) append(line);
  t.equal(taken.length, 1);
  t.equal(taken[0]!.length, 16 * line.length);
  await writer.close();
  t.equal(taken.length, 2);
  await writer.close();
  t.equal(taken.length, 2, 'nothing is not taken');
});

t.test('it never stops, is never full and has nothing to open again', async (t) => {
  const { writer } = bench();
  writer.lose();
  await writer.reopen();
  t.strictSame(
    [writer.isDropping, writer.isStopped, writer.failure, writer.queue.isFull],
    [false, false, '', false],
  );
});
