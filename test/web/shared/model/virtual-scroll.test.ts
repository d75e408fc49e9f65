import t from 'tap';
import {
  MAX_HEIGHT,
  endTop,
  heightOf,
  rowsSeen,
  scrolledBy,
  scrolledTo,
  topShowing,
} from '../../../../web/shared/model/virtual-scroll.js';

const short = { count: 1000, rowHeight: 24, viewHeight: 480 };
const long = { count: 10_000_000, rowHeight: 24, viewHeight: 480 };
const START = { scrollTop: 0, top: 0 };

t.test('a list that a browser can hold scrolls as it is', async (t) => {
  t.equal(heightOf(short), 24_000);
  t.equal(endTop(short), 23_520);
  t.strictSame(scrolledTo(1200, short), { top: 1200, scrollTop: 1200 });
  t.strictSame(scrolledTo(99_999, short), { top: 23_520, scrollTop: 23_520 });
  t.strictSame(scrolledTo(-1, short), START);
  t.strictSame(scrolledBy(START, 5000, short), { top: 5000, scrollTop: 5000 });
  t.strictSame(scrolledBy(START, 23_519.4, short), { top: 23_520, scrollTop: 23_519.4 }, 'rounded');
});

t.test('a longer one has all its rows too', async (t) => {
  t.equal(heightOf(long), MAX_HEIGHT);
  const end = endTop(long);
  t.strictSame(scrolledTo(end, long), { top: end, scrollTop: MAX_HEIGHT - 480 });
  t.strictSame(scrolledBy(START, 48, long), { top: 48, scrollTop: 48 }, 'by wheel: two rows');
  const middle = scrolledBy(START, (MAX_HEIGHT - 480) / 2, long);
  t.equal(middle.top, end / 2, 'by the bar: in proportion');
  const further = scrolledBy(middle, middle.scrollTop + 24, long);
  t.equal(further.top, middle.top + 24, 'and then by wheel');
  t.strictSame(scrolledBy(middle, 0, long), START, 'both ends are reached');
  t.equal(scrolledBy(middle, MAX_HEIGHT - 480, long).top, end);
  t.equal(scrolledBy({ scrollTop: 100, top: 10 }, 50, long).top, 0, 'never before the beginning');
  const { top } = scrolledBy({ scrollTop: 7_000_000, top: end - 3 }, 7_000_100, long);
  t.equal(top, end, 'nor after the end');
});

t.test('a list that has room for all its rows does not scroll', async (t) => {
  const few = { ...short, count: 3 };
  t.equal(endTop(few), 0);
  t.strictSame(scrolledTo(50, few), START);
  t.strictSame(rowsSeen(0, few), { first: 0, end: 3 });
  t.strictSame(rowsSeen(0, { ...short, count: 0 }), { first: 0, end: 0 });
});

t.test('which rows are seen', async (t) => {
  t.strictSame(rowsSeen(0, short), { first: 0, end: 24 });
  t.strictSame(rowsSeen(1212, short), { first: 46, end: 75 });
  t.strictSame(rowsSeen(1200, short, 0), { first: 50, end: 70 });
  t.strictSame(rowsSeen(23_520, short), { first: 976, end: 1000 });
  t.strictSame(rowsSeen(99_999, short), { first: 1000, end: 1000 }, 'rows have left');
});

t.test('a row comes into view by the least movement', async (t) => {
  t.equal(topShowing(60, 1200, short), 1200, 'it is seen');
  t.equal(topShowing(10, 1200, short), 240, 'it was above');
  t.equal(topShowing(70, 1200, short), 1224, 'it was below');
});
