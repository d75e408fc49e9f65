import t from 'tap';
import { Rate, TokenBucket, TokenBuckets } from '../../src/budget/token-bucket.js';

t.test('a bucket gives what a second brings at once, and then one after the other', (t) => {
  const bucket = new TokenBucket(new Rate(4));
  const taken = (nowMs: number): number => {
    let count = 0;
    while (bucket.take(nowMs)) count++;
    return count;
  };
  t.equal(taken(1000), 4, 'full at first');
  t.equal(bucket.waitMs(1000), 250, 'the next one is there in a quarter of a second');
  t.equal(taken(1249), 0);
  t.equal(taken(1250), 1);
  t.equal(taken(1750), 2);
  t.equal(taken(1_000_000), 4, 'never more than full');
  t.end();
});

t.test('the burst is apart from the rate', (t) => {
  const bucket = new TokenBucket(new Rate(0.1, 3));
  t.ok(bucket.take(5));
  t.ok(bucket.take(5));
  t.ok(bucket.take(5));
  t.notOk(bucket.take(5));
  t.equal(bucket.waitMs(5), 10_000);
  t.ok(bucket.take(10_005));
  t.notOk(bucket.take(10_005));
  t.end();
});

t.test('less than one a second: one is there at first', (t) => {
  const bucket = new TokenBucket(new Rate(0.5));
  t.ok(bucket.take(0));
  t.notOk(bucket.take(1999));
  t.ok(bucket.take(2000));
  t.end();
});

t.test('what has happened leaves a debt', (t) => {
  const bucket = new TokenBucket(new Rate(1000, 2000));
  bucket.spend(0, 5000);
  t.equal(bucket.waitMs(0, 0), 3000, 'until nothing is owed');
  t.equal(bucket.waitMs(1000, 0), 2000);
  t.notOk(bucket.take(2999));
  t.equal(bucket.waitMs(3000, 0), 0);
  t.notOk(bucket.take(3000));
  t.ok(bucket.take(3001));
  t.end();
});

t.test('a rate holds over a long time, whatever the steps', (t) => {
  const bucket = new TokenBucket(new Rate(3, 1));
  let taken = 0;
  for (let nowMs = 0; nowMs < 100_000; nowMs += 7) if (bucket.take(nowMs)) taken++;
  t.ok(taken <= 301, `${taken} at most 3 a second`);
  t.ok(taken >= 290, `${taken} hardly fewer`);
  t.end();
});

t.test('each key has its bucket', (t) => {
  const buckets = new TokenBuckets(new Rate(1), 10);
  t.ok(buckets.take('a', 100));
  t.notOk(buckets.take('a', 100));
  t.equal(buckets.waitMs('a', 100), 1000);
  t.ok(buckets.take('b', 100));
  t.ok(buckets.take('a', 1100));
  t.end();
});

t.test('a key that was refused is charged nothing', (t) => {
  const buckets = new TokenBuckets(new Rate(1), 10);
  t.ok(buckets.take('a', 0));
  for (let index = 0; index < 100; index++) t.notOk(buckets.take('a', 500));
  t.ok(buckets.take('a', 1000));
  t.end();
});

t.test('full buckets are forgotten', (t) => {
  const buckets = new TokenBuckets(new Rate(1), 1000);
  for (let index = 0; index < 100; index++) buckets.spend(`early ${index}`, 0);
  t.equal(buckets.size, 100);
  for (let index = 0; index < 100; index++) buckets.spend(`late ${index}`, 2000);
  t.equal(buckets.size, 100);
  t.end();
});

t.test('never more than so many are remembered', (t) => {
  const buckets = new TokenBuckets(new Rate(1), 50);
  for (let index = 0; index < 10_000; index++) {
    buckets.spend(`address ${index}`, 0, 100);
    if (buckets.size > 50) t.fail(`${buckets.size} are remembered`);
  }
  t.equal(buckets.size, 50);
  t.ok(buckets.waitMs('address 9999', 0) > 0, 'the last ones are');
  t.equal(buckets.waitMs('address 0', 0), 0, 'the first one is not');
  t.end();
});

t.test('one that is used again stays', (t) => {
  const buckets = new TokenBuckets(new Rate(1), 3);
  for (const key of ['a', 'b', 'c', 'a', 'd']) buckets.spend(key, 0);
  t.ok(buckets.waitMs('a', 0) > 0);
  t.equal(buckets.waitMs('b', 0), 0);
  t.end();
});

t.test('nothing that was taken leaves nothing to remember', (t) => {
  const buckets = new TokenBuckets(new Rate(1), 3);
  buckets.spend('a', 10, 0);
  t.equal(buckets.size, 0);
  t.end();
});
