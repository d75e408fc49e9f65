import { Buffer } from 'node:buffer';
import t from 'tap';
import { OutgoingLines } from '../../../src/recording/file/outgoing-lines.js';

const TEXT = 'one\ntwo\nthree\n';

/** Lines that are cut into chunks of so many bytes. */
function linesOf(text: string, chunkBytes: number): OutgoingLines {
  const bytes = Buffer.from(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(bytes.subarray(at, at + chunkBytes));
  return new OutgoingLines(chunks);
}

const nextOf = (lines: OutgoingLines, bytes: number): string =>
  Buffer.concat(lines.next(bytes)).toString();

t.test('wherever the chunks are cut and however far it came', async (t) => {
  for (let chunkBytes = 1; chunkBytes <= TEXT.length; chunkBytes++) {
    for (let written = 0; written <= TEXT.length; written++) {
      const lines = linesOf(TEXT, chunkBytes);
      lines.advance(written);
      const rest = TEXT.slice(written);
      const name = `chunks of ${chunkBytes}, ${written} written`;
      t.equal(lines.bytes, TEXT.length);
      t.equal(lines.restBytes, rest.length, name);
      t.equal(lines.isDone, rest === '', name);
      t.equal(nextOf(lines, Infinity), rest, name);
      t.equal(lines.lineBytes(), rest.indexOf('\n') + 1, name);
      t.equal(lines.countRest(), rest.split('\n').length - 1, name);
      for (let limit = 0; limit <= rest.length + 1; limit++) {
        t.equal(nextOf(lines, limit), rest.slice(0, limit), name);
        const whole = rest.slice(0, limit).lastIndexOf('\n') + 1;
        t.equal(lines.wholeLinesWithin(limit), whole, `${name}, ${limit} wanted`);
      }
      t.equal(lines.wholeLinesWithin(-1), 0);
      const torn = written - (TEXT.slice(0, written).lastIndexOf('\n') + 1);
      t.equal(lines.tornBytes(), torn, name);
      lines.backToLine();
      t.equal(nextOf(lines, Infinity), TEXT.slice(written - torn), name);
    }
  }
});

t.test('what went into a file is taken back', async (t) => {
  const lines = linesOf(TEXT, 5);
  lines.advance(4);
  lines.beginFile();
  lines.advance(5);
  lines.backToFileStart();
  t.equal(nextOf(lines, 100), 'two\nthree\n');
});

t.test('a line without an end, as it never comes', async (t) => {
  t.equal(linesOf('one', 2).lineBytes(), 3);
  const none = new OutgoingLines([]);
  t.equal(none.isDone, true);
  t.strictSame(none.next(10), []);
});

t.test('no more chunks at once than the system takes', async (t) => {
  const lines = linesOf('x\n'.repeat(1000), 1);
  t.equal(lines.next(Infinity).length, 1024);
  t.equal(nextOf(lines, 1999).length, 1024);
});
