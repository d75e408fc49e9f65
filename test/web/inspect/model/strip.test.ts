import t from 'tap';
import type { Bucket, StripAnswer } from '../../../../src/inspect/page-protocol.js';
import {
  movedRange,
  rangeOf,
  seriesOf,
  sumOf,
  widthOf,
} from '../../../../web/inspect/model/strip.js';

const bucket = (number: number): Bucket => ({
  inBytes: 10 * number,
  outBytes: 100 * number,
  inMsgs: number,
  outMsgs: 2 * number,
  controls: number % 2,
});

const STRIP: StripAnswer = {
  id: 1,
  since: 100,
  until: 110,
  buckets: [0, 1, 2, 3, 4].map(bucket),
};

t.test('what a chart draws', async (t) => {
  t.equal(widthOf(STRIP), 2);
  t.strictSame(seriesOf(STRIP, 'bytes'), {
    times: [101, 103, 105, 107, 109],
    ins: [null, 10, 20, 30, 40],
    outs: [null, -100, -200, -300, -400],
    max: 400,
  });
  t.match(seriesOf(STRIP, 'messages'), { ins: [null, 1, 2, 3, 4], max: 8 });
  t.strictSame(seriesOf({ ...STRIP, buckets: [] }, 'bytes'), {
    times: [],
    ins: [],
    outs: [],
    max: 1,
  });
});

t.test('a range that is dragged has whole buckets', async (t) => {
  t.strictSame(rangeOf(103, 106.5, STRIP), { since: 102, until: 108 });
  t.strictSame(rangeOf(106.5, 103, STRIP), { since: 102, until: 108 }, 'from right to left');
  t.strictSame(rangeOf(50, 200, STRIP), { since: 100, until: 110 });
  t.equal(rangeOf(103, 103.1, STRIP), null, 'a click is none');
  t.equal(rangeOf(100, 100, { ...STRIP, until: 100 }), null);
});

t.test('a range that is moved by keyboard', async (t) => {
  const range = { since: 102, until: 108 };
  t.strictSame(movedRange(null, 'since', 1, STRIP), { since: 102, until: 110 });
  t.strictSame(movedRange(range, 'since', -1, STRIP), { since: 100, until: 108 });
  t.strictSame(movedRange(range, 'since', 1e9, STRIP), { since: 106, until: 108 }, 'not empty');
  t.strictSame(movedRange(range, 'until', 1, STRIP), { since: 102, until: 110 });
  t.strictSame(movedRange(range, 'until', -1e9, STRIP), { since: 102, until: 104 });
  t.strictSame(movedRange(range, 'until', 1e9, STRIP), { since: 102, until: 110 });
});

t.test('buckets together', async (t) => {
  t.strictSame(sumOf(STRIP.buckets), {
    inBytes: 100,
    outBytes: 1000,
    inMsgs: 10,
    outMsgs: 20,
    controls: 2,
  });
  t.match(sumOf([bucket(1), { ...bucket(1), hasGap: true }]), { inMsgs: 2, hasGap: true });
});
