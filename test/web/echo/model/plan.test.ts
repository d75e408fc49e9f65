import t from 'tap';
import {
  MessageMaker,
  type Plan,
  type PlanText,
  dueBy,
  readPlan,
} from '../../../../web/echo/model/plan.js';

const TEXT: PlanText = { kind: 'text', count: '1,000', size: '4k', rate: '', inFlight: '10' };
const MIB = 1024 ** 2;

t.test('a plan as it is written', async (t) => {
  t.strictSame(readPlan(TEXT, MIB), {
    plan: { kind: 'text', count: 1000, size: 4096, rate: null, inFlight: 10 },
    faults: {},
  });
  t.equal(readPlan({ ...TEXT, rate: ' 500 ' }, MIB).plan?.rate, 500);
  t.equal(readPlan({ ...TEXT, size: '0' }, MIB).plan?.size, 0);
});

t.test('what is wrong with it', async (t) => {
  const cases: readonly (readonly [changes: Partial<PlanText>, field: string, fault: RegExp])[] = [
    [{ count: '0' }, 'count', /^From 1 to 100,000\.$/],
    [{ count: '100001' }, 'count', /^From 1/],
    [{ count: 'many' }, 'count', /^From 1/],
    [{ count: '' }, 'count', /^From 1/],
    [{ size: 'big' }, 'size', /^Bytes, such as/],
    [{ size: '1.1m' }, 'size', /^At most 1\sMiB: the server takes no more\.$/],
    [{ count: '2000', size: '1m' }, 'size', /^2,000 of them are more than 1\sGiB\.$/],
    [{ rate: '0' }, 'rate', /^From 1 to 10,000 a second/],
    [{ rate: '10001' }, 'rate', /^From 1/],
    [{ inFlight: '0' }, 'inFlight', /^From 1 to 1,000\.$/],
    [{ inFlight: '1001' }, 'inFlight', /^From 1/],
  ];
  for (const [changes, field, fault] of cases) {
    const { plan, faults } = readPlan({ ...TEXT, ...changes }, MIB);
    t.equal(plan, null, JSON.stringify(changes));
    t.strictSame(Object.keys(faults), [field]);
    t.match(Object.values(faults)[0], fault);
  }
});

t.test('messages have their size and their number', async (t) => {
  const make = (kind: Plan['kind'], size: number, number: number): string | Uint8Array =>
    new MessageMaker({ kind, count: 9, size, rate: null, inFlight: 1 }).make(number);
  t.equal(make('text', 8, 12), '12 abcde');
  t.equal(make('text', 0, 12), '');
  t.equal(make('text', 1, 12), '1');
  t.equal(make('text', 1000, 7).length, 1000);
  t.strictSame(make('binary', 6, 0x1234), Uint8Array.of(0x34, 0x12, 0, 0, 124, 155));
  t.strictSame(make('binary', 2, 0x1234), Uint8Array.of(0x34, 0x12));
  t.strictSame(make('binary', 0, 1), new Uint8Array(0));
});

t.test('how many are due', async (t) => {
  const plan: Plan = { kind: 'text', count: 10, size: 1, rate: null, inFlight: 1 };
  t.equal(dueBy(plan, 0), 10, 'all at once');
  const paced = { ...plan, rate: 2 };
  t.equal(dueBy(paced, 0), 1);
  t.equal(dueBy(paced, 499), 1);
  t.equal(dueBy(paced, 500), 2);
  t.equal(dueBy(paced, 60_000), 10);
});
