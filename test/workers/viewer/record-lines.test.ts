import t from 'tap';
import type { Batch } from '../../../src/recording/write/batch.js';
import { RecordLines } from '../../../src/workers/viewer/record-lines.js';

interface Given {
  readonly text: string;
  readonly bytes: number;
  readonly records: number;
}

function linesOf(pieces: readonly string[]): Given[] {
  const given: Given[] = [];
  const lines = new RecordLines(({ chunks, bytes, records }: Batch) => {
    given.push({ text: Buffer.concat(chunks).toString(), bytes, records });
  });
  for (const piece of pieces) lines.take(Buffer.from(piece));
  return given;
}

t.test('whole lines go on, wherever they were cut', async (t) => {
  t.strictSame(linesOf(['a\nb\n']), [{ text: 'a\nb\n', bytes: 4, records: 2 }]);
  t.strictSame(linesOf(['a', 'b', 'c\nd', '\n']), [
    { text: 'abc\n', bytes: 4, records: 1 },
    { text: 'd\n', bytes: 2, records: 1 },
  ]);
  t.strictSame(linesOf(['no end']), []);
});

t.test('every cut of two lines gives the same', async (t) => {
  const text = 'first\nsecond\n';
  for (let at = 0; at <= text.length; at++) {
    const given = linesOf([text.slice(0, at), text.slice(at)]);
    t.equal(given.map((one) => one.text).join(''), text);
    t.equal(
      given.reduce((sum, { records }) => sum + records, 0),
      2,
    );
  }
});
