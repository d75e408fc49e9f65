import t from 'tap';
import { Expendables } from '../../../src/server/admission/expendables.js';

const GRACE_MS = 1000;
const NO_LIMITS = { maxHandshakes: Number.MAX_SAFE_INTEGER, maxHandshakesPerAddress: 0 };

t.test(
  'a newcomer takes the place of the oldest of its own network, else of the oldest of all',
  async (t) => {
    const expendables = new Expendables<string>(NO_LIMITS);
    t.equal(expendables.findVictim('a'), null);
    expendables.add('a1', 'a', 1);
    expendables.add('unknown', null, 2);
    expendables.add('b1', 'b', 3);
    expendables.add('b2', 'b', 4);
    t.equal(expendables.findVictim('b'), 'b1');
    t.equal(expendables.findVictim('c'), 'a1');
    t.equal(expendables.findVictim(null), 'a1');
    for (const gone of ['a1', 'b1', 'never there']) expendables.delete(gone);
    t.equal(expendables.findVictim('a'), 'unknown');
    t.equal(expendables.findVictim('b'), 'b2');
    expendables.delete('unknown');
    expendables.delete('b2');
    t.equal(expendables.findVictim('b'), null);
  },
);

t.test('beyond the limit in all the oldest are overdue, once they had their time', async (t) => {
  const expendables = new Expendables<number>({ maxHandshakes: 2, maxHandshakesPerAddress: 0 });
  for (let index = 0; index < 4; index++) expendables.add(index, 'a', index);
  t.strictSame(expendables.overdue(GRACE_MS - 1), []);
  t.strictSame(expendables.overdue(GRACE_MS), [0]);
  t.strictSame(expendables.overdue(GRACE_MS + 9), [0, 1], 'no more than that');
  expendables.delete(3);
  expendables.delete(2);
  t.strictSame(expendables.overdue(GRACE_MS + 9), [], 'at the limit');
  const none = new Expendables<number>({ maxHandshakes: 0, maxHandshakesPerAddress: 0 });
  for (let index = 0; index < 2; index++) none.add(index, null, 0);
  t.strictSame(none.overdue(GRACE_MS), [0, 1], 'all of them');
});

t.test('beyond the limit of a network its own oldest are', async (t) => {
  const expendables = new Expendables<string>({ maxHandshakes: 4, maxHandshakesPerAddress: 2 });
  for (const name of ['a1', 'a2', 'a3', 'a4']) expendables.add(name, 'a', 1);
  expendables.add('b1', 'b', 1);
  expendables.add('unknown', null, 1);
  t.strictSame(expendables.overdue(GRACE_MS + 1), ['a1', 'a2']);
  expendables.add('unknown too', null, 1);
  t.strictSame(
    expendables.overdue(GRACE_MS + 1),
    ['a1', 'a2', 'a3'],
    'and one for the limit in all',
  );
});

t.test('one whose network is told later is counted by it from then on', async (t) => {
  const expendables = new Expendables<string>({ maxHandshakes: 100, maxHandshakesPerAddress: 1 });
  for (const name of ['a', 'b', 'c']) expendables.add(name, null, 0);
  t.strictSame(expendables.overdue(5000), []);
  expendables.identify('b', 'N');
  expendables.identify('c', 'N');
  expendables.identify('stranger', 'N');
  t.strictSame(expendables.overdue(5000), ['b']);
  t.equal(expendables.findVictim('N'), 'b');
  t.equal(expendables.findVictim('other'), 'a', 'its place among all stays');
  expendables.identify('b', 'M');
  t.strictSame(expendables.overdue(5000), [], 'and by no other');
  expendables.identify('c', null);
  t.equal(expendables.findVictim('N'), 'a');
  expendables.delete('b');
  t.equal(expendables.findVictim('M'), 'a');
});
