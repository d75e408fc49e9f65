import t from 'tap';
import { LEAST_FRAME_BYTES, emptyRun } from '../../../src/protocol/kernel/echo-run.js';
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
  t.end();
});
