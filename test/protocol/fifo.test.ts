import fc from 'fast-check';
import t from 'tap';
import { Fifo } from '../../src/protocol/fifo.js';

t.test('nothing waits at first', async (t) => {
  const fifo = new Fifo<number>();
  t.equal(fifo.length, 0);
  t.equal(fifo.head, undefined);
  t.equal(fifo.shift(), undefined);
  t.equal(fifo.length, 0);
});

t.test('what is pushed comes out in its order, whatever is done in between', async (t) => {
  const step = fc.oneof(fc.nat(50), fc.constant('shift' as const), fc.constant('clear' as const));
  const property = fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const fifo = new Fifo<number>();
    let expected: number[] = [];
    let number = 0;
    for (const one of steps) {
      if (one === 'clear') {
        fifo.clear();
        expected = [];
      } else if (one === 'shift') {
        if (fifo.shift() !== expected.shift()) throw new Error('another one');
      } else {
        for (let count = 0; count < one; count++, number++) {
          fifo.push(number);
          expected.push(number);
        }
      }
      if (fifo.length !== expected.length || fifo.head !== expected[0]) {
        throw new Error(`${fifo.length} wait, and not ${expected.length}`);
      }
    }
  });
  t.doesNotThrow(() => {
    fc.assert(property, { numRuns: 500, seed: 11 });
  });
});

t.test('one by one, and by the hundred', async (t) => {
  const fifo = new Fifo<number>();
  for (let number = 0; number < 1000; number++) {
    fifo.push(number);
    t.equal(fifo.shift(), number);
  }
  for (const count of [2, 31, 32, 33, 64, 65, 1000]) {
    for (let number = 0; number < count; number++) fifo.push(number);
    const taken = Array.from({ length: count }, () => fifo.shift());
    t.strictSame(taken, [...Array(count).keys()], `${count}`);
    t.equal(fifo.length, 0);
  }
});
