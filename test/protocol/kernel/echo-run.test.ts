import t from 'tap';
import { LEAST_FRAME_BYTES, clearRun, emptyRun } from '../../../src/protocol/kernel/echo-run.js';
import { testEchoes } from '../../fixtures/echo-cases.js';
import { inJavaScript } from '../../fixtures/echo-ways.js';
import { binaryFrame, encodeFrames } from '../../fixtures/frames.js';

testEchoes(t, inJavaScript());

t.test('the smallest frame', (t) => {
  t.equal(encodeFrames([binaryFrame('')], true).length, LEAST_FRAME_BYTES);
  t.end();
});

t.test('what is sent back is added to a run', (t) => {
  t.strictSame(Object.values(emptyRun()), [0, 0, 0, 0, 0]);
  const run = { at: 1, textMessages: 2, textBytes: 3, binaryMessages: 4, binaryBytes: 5 };
  t.equal(clearRun(run), run);
  t.strictSame(run, emptyRun(), 'and one can be used again');
  t.end();
});
