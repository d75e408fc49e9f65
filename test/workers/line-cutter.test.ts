import t from 'tap';
import { LineCutter } from '../../src/workers/line-cutter.js';

t.test('whole lines are given on, wherever the text is cut', async (t) => {
  const text = 'one\ntwo\n\nthree\n';
  for (let size = 1; size <= text.length; size++) {
    const given: string[] = [];
    const cutter = new LineCutter((lines) => given.push(lines));
    for (let at = 0; at < text.length; at += size) cutter.take(text.slice(at, at + size));
    cutter.end();
    t.equal(given.join(''), text);
    t.ok(given.every((lines) => lines.endsWith('\n')));
  }
});

t.test('a line without an end gets one; one that does not end comes in parts', async (t) => {
  const given: string[] = [];
  const cutter = new LineCutter((lines) => given.push(lines));
  cutter.take('half');
  cutter.end();
  t.strictSame(given, ['half\n']);
  for (let count = 0; count < 17; count++) cutter.take('x'.repeat(64 * 1024));
  t.equal(given.length, 2);
});
