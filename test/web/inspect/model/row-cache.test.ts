import t from 'tap';
import type { Row } from '../../../../src/inspect/page-protocol.js';
import { RowCache } from '../../../../web/inspect/model/row-cache.js';

const rows = (first: number, count: number): Row[] =>
  Array.from({ length: count }, (_, index) => ({
    n: first + index,
    s: 's',
    t: 0,
    kind: 'text',
    preview: '',
  }));

t.test('what is missing is asked for, once', async (t) => {
  const cache = new RowCache(1, 1000, 0, true);
  t.strictSame(cache.missing(0, 40), { from: 0, count: 40 });
  cache.add(0, rows(0, 40), 0);
  t.equal(cache.missing(0, 40), null);
  t.strictSame(cache.missing(20, 60), { from: 40, count: 20 });
  t.strictSame(cache.missing(-5, 45), { from: 40, count: 5 });
  t.strictSame(cache.missing(990, 1100), { from: 990, count: 10 }, 'no more than there are');
  t.equal(cache.missing(1000, 1100), null);
  t.equal(cache.missing(2000, 2100), null, 'the view was longer when it was drawn');
  t.strictSame(cache.missing(100, 900), { from: 100, count: 500 }, 'no more than one may ask');
  cache.add(60, rows(60, 20), 0);
  t.strictSame(cache.missing(40, 80), { from: 40, count: 20 }, 'what is there at the end is not');
  t.equal(cache.at(39)?.n, 39);
  t.equal(cache.at(40), undefined);
});

t.test('rows that leave at the beginning move all others', async (t) => {
  const cache = new RowCache(1, 100, 0, false);
  cache.add(0, rows(500, 20), 0);
  t.equal(cache.change(95, 5, true), 5);
  t.equal(cache.at(0)?.n, 505);
  t.equal(cache.placeOf(505), 0);
  t.equal(cache.placeOf(504), -1, 'it has left');
  t.equal(cache.placeOf(999), -1);
  t.equal(cache.change(96, 5, true), 0);
  t.match(cache, { total: 96, gone: 5, isComplete: true });
  cache.add(20, rows(530, 3), 10);
  t.equal(cache.at(25)?.n, 530, 'an answer that knows more than the news so far');
});

t.test('it keeps what is near', async (t) => {
  const cache = new RowCache(1, 100_000, 0, true);
  for (let from = 0; from < 10_000; from += 500) cache.add(from, rows(from, 500), 0);
  t.equal(cache.at(0), undefined);
  t.equal(cache.at(9999)?.n, 9999);
});
