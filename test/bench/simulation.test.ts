/** The simulation of restarts: its parts against simpler ones, and what theory says of small cases. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { readArguments, USAGE } from '../../bench/simulation/arguments.mjs';
import { makeBalancer } from '../../bench/simulation/balancer.mjs';
import { drawLines } from '../../bench/simulation/line-chart.mjs';
import { PAGE, PICTURE, replaceTables } from '../../bench/simulation/page.mjs';
import { CHART, DRAWN, TABLES } from '../../bench/simulation/plans.mjs';
import { Random } from '../../bench/simulation/random.mjs';
import { simulateOne } from '../../bench/simulation/report.mjs';
import {
  simulateRestart,
  spreadSeconds,
  type Outcome,
  type Plan,
} from '../../bench/simulation/restart.mjs';
import { Timetable } from '../../bench/simulation/timetable.mjs';
import { spreadMs } from '../../src/server/drain.js';

/** Few and small pods; a handshake takes as large a part of their time as it does for large ones. */
const SMALL: Plan = {
  ...CHART,
  ...{ pods: 20, sessions: 500, surge: 5, handshakes: 50, maxHandshakes: 50, maxConnections: 5000 },
};

const simulate = (changes: Partial<Plan> = {}): Outcome =>
  simulateRestart({ ...SMALL, ...changes });

t.test('Closes are spread as the server spreads them', (t) => {
  for (const sessions of [1, 2, 100, 101, 10_000])
    for (const drainTimeout of [0, 2, 10, 30, 120])
      for (const closeTimeout of [0, 5, 60]) {
        const times = { drainTimeout: drainTimeout * 1000, closeTimeout: closeTimeout * 1000 };
        const expected = spreadMs(sessions, times) / 1000;
        t.equal(spreadSeconds(sessions, { drainTimeout, closeTimeout }), expected);
      }
  t.end();
});

t.test('the timetable gives back each number at its tick', (t) => {
  const random = new Random(7);
  const timetable = new Timetable(5000);
  const due = Array.from({ length: 5000 }, () => random.below(4000));
  for (const [item, tick] of due.entries()) timetable.add(item, tick);
  const taken = new Map<number, number>();
  for (let tick = 0; timetable.size > 0; tick++) {
    timetable.take(tick, (item) => {
      if (taken.has(item)) return;
      taken.set(item, tick);
      // A second time, to be taken much later.
      if (item % 2 === 0) timetable.add(item, tick + 3000);
    });
    if (tick > 8000) throw new Error('it never ends');
  }
  t.strictSame(
    [...taken].sort(([a], [b]) => a - b),
    [...due.entries()],
  );
  t.end();
});

t.test('the balancer with the fewest connections is right each time', (t) => {
  const random = new Random(3);
  const sessions = new Uint32Array(50);
  const balancer = makeBalancer('least', sessions, random);
  const known = new Set<number>();
  for (let step = 0; step < 5000; step++) {
    const pod = random.below(50);
    if (known.has(pod) && random.below(4) === 0) {
      balancer.remove(pod);
      known.delete(pod);
    } else if (!known.has(pod)) {
      sessions[pod] = random.below(30);
      balancer.add(pod);
      known.add(pod);
    }
    if (known.size === 0) continue;
    t.equal(balancer.size, known.size);
    const chosen = balancer.choose();
    if (!known.has(chosen) || [...known].some((one) => sessions[one]! < sessions[chosen]!))
      t.fail(`step ${step}: pod ${chosen}`);
    sessions[chosen]! += 1;
    balancer.changed(chosen);
  }
  t.end();
});

t.test('chance takes all pods alike, and the emptier of two evens out', (t) => {
  for (const kind of ['chance', 'two'] as const) {
    const sessions = new Uint32Array(10);
    const balancer = makeBalancer(kind, sessions, new Random(5));
    for (let pod = 0; pod < 10; pod++) balancer.add(pod);
    balancer.remove(9);
    balancer.remove(0);
    balancer.remove(4);
    sessions[1] = 700;
    for (let count = 0; count < 7000; count++) {
      const chosen = balancer.choose();
      sessions[chosen]! += 1;
      balancer.changed(chosen);
    }
    for (const gone of [0, 4, 9]) t.equal(sessions[gone], 0, `${kind}: pod ${gone} is gone`);
    const others = [2, 3, 5, 6, 7, 8].map((pod) => sessions[pod]!);
    const limits = kind === 'chance' ? [900, 1100] : [1080, 1120];
    for (const count of others) t.ok(count > limits[0]! && count < limits[1]!, `${kind}: ${count}`);
    const first = sessions[1] - 700;
    t.ok(kind === 'chance' ? first > 900 : first < 420, `${kind}: ${first} to the fullest pod`);
  }
  t.end();
});

t.test('the same seed gives the same, another one nearly the same', (t) => {
  const first = simulate();
  t.strictSame(simulate(), first);
  const other = simulate({ seed: 2 });
  t.not(other.handshakes, first.handshakes);
  t.ok(Math.abs(other.moves - first.moves) < 0.05, `${first.moves} and ${other.moves} moves`);
  t.end();
});

t.test('nobody is lost', (t) => {
  for (const changes of [
    {},
    { balancing: 'two' },
    { balancing: 'least' },
    { lost: 5 },
    { lost: 20 },
    { drainTimeout: 0, hasJitter: false },
    { maxConnections: 550 },
    { preStop: 0, notice: 3 },
  ] as const) {
    const outcome = simulate(changes);
    const what = JSON.stringify(changes);
    const clients = SMALL.pods * SMALL.sessions;
    t.equal(
      outcome.handshakes - outcome.failures,
      Math.round(outcome.moves * clients),
      `${what}: all are back`,
    );
    const attempts = outcome.rate.reduce((sum, count) => sum + count, 0);
    t.equal(attempts, outcome.handshakes, what);
    const { maxConnections = SMALL.maxConnections } = changes as Partial<Plan>;
    t.ok(outcome.fullest <= maxConnections, `${what}: ${outcome.fullest} in the fullest pod`);
    t.ok(outcome.offlineMedian <= outcome.offlineP99 && outcome.offlineP99 <= outcome.offlineMax);
  }
  t.end();
});

t.test('balanced by chance, pods grow with each wave as compound interest does', (t) => {
  // Each of four waves gives a quarter of the pods' sessions to all that there are.
  const { fullest, moves } = simulate({ pods: 40, surge: 10, sessions: 1000, start: 0 });
  // The sessions of the last wave: three times a fifth more, or a quarter where pods of the old kind take part.
  t.ok(fullest > 1000 * 1.2 ** 3 && fullest < 1000 * 1.25 ** 4, `${fullest} sessions`);
  t.ok(moves > 1.25 && moves < 1.45, `${moves} moves`);
  const { moves: one } = simulate({ balancing: 'least' });
  t.equal(one, 1, 'to the emptiest pod, which is always a new one');
  t.end();
});

t.test(
  'without jitter all clients of a lost pod come in one second, with it over the back-off',
  (t) => {
    const lost = { lost: 1, notice: 0, pods: 10, handshakes: 1000 };
    t.equal(simulate({ ...lost, hasJitter: false }).peak, 500);
    const spread = simulate({ ...lost, backoff: 10 });
    t.ok(spread.peak < 80, `${spread.peak} of 500 in the busiest second`);
    t.equal(spread.failures, 0);
    t.end();
  },
);

t.test('more than a pod can do is refused, and comes again', (t) => {
  const usual = simulate({ lost: 10 });
  const slow = simulate({ lost: 10, handshakes: 5, maxHandshakes: 20 });
  t.ok(slow.failures > 2 * usual.failures, `${usual.failures} and ${slow.failures} failures`);
  t.ok(slow.busiest > 1 && slow.offlineMax > usual.offlineMax);
  const patient = simulate({ lost: 10, handshakes: 5, maxHandshakes: 1000, handshakeTimeout: 1 });
  t.ok(patient.failures > 0, 'and so is what would wait for too long');
  t.end();
});

t.test('without a pod everybody waits for one', (t) => {
  const { offlineMedian, offlineMax, emptiest } = simulate({ pods: 1, lost: 1, surge: 1 });
  t.ok(offlineMedian > SMALL.start * 0.75, `${offlineMedian} s`);
  t.ok(offlineMax < 90, `${offlineMax} s`);
  t.equal(emptiest, 500);
  t.end();
});

t.test('the command line', (t) => {
  t.equal(readArguments(['--help']), 'help');
  t.strictSame(readArguments([]), { isWriting: false, plan: null });
  t.strictSame(readArguments(['--write']), { isWriting: true, plan: null });
  t.match(
    readArguments(['--pods', '10', '--balancing', 'two', '--no-jitter', '--drain-timeout', '7.5']),
    {
      plan: { ...CHART, pods: 10, surge: 3, balancing: 'two', hasJitter: false, drainTimeout: 7.5 },
    },
  );
  t.match(readArguments(['--surge', '7']), { plan: { pods: CHART.pods, surge: 7 } });
  const refused: readonly (readonly [args: string[], sentence: string])[] = [
    [['--pods', '0'], '--pods cannot be "0": give a whole number from 1 on'],
    [['--pods', '1.5'], '--pods cannot be "1.5": give a whole number from 1 on'],
    [['--start', 'x'], '--start cannot be "x": give a number from 0 on'],
    [['--start='], '--start cannot be "": give a number from 0 on'],
    [['--balancing', 'best'], '--balancing cannot be "best": give chance, two, least'],
    [['--sessions', '60000'], '60000000 clients are too many: at most 50000000'],
    [['--pods', '2', '--lost', '3'], '--lost cannot be more than --pods (2)'],
    [['--max-connections', '9'], '--max-connections cannot be less than --sessions (10000)'],
    [['--write', '--pods', '3'], '--write goes with no other option'],
  ];
  for (const [args, sentence] of refused)
    t.throws(() => readArguments(args), { message: sentence }, args.join(' '));
  t.throws(() => readArguments(['--podz', '3']), /podz/);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['bench/simulation/run.mjs', ...args]);
  t.equal(run('--help').stdout.toString(), `${USAGE}\n`);
  t.match(run('--pods', '2', '--sessions', '10').stdout.toString(), /\| 2 pods \| /);
  const wrong = run('--pods', '0');
  t.equal(wrong.status, 2);
  t.equal(wrong.stderr.toString(), '--pods cannot be "0": give a whole number from 1 on\n');
  t.end();
});

t.test('tables and the picture', (t) => {
  const [head, rule, row] = simulateOne(SMALL).split('\n');
  t.equal(head!.split('|').length, row!.split('|').length);
  t.match(rule, /^\| -+ \| -+: \|/);
  t.match(row, /^\| 20 pods \| +\d+ min( \d+ s)? \|/);
  const picture = drawLines({
    title: 'A & B',
    axis: 'c',
    lines: [{ name: 'd', color: '#000', values: [0, 10, 1000, 5] }],
    mark: { value: 500, name: 'e' },
    least: 10,
    seconds: 60,
  });
  t.match(picture, /<polyline points="62,326 /);
  t.match(picture, 'A &amp; B');
  const names = TABLES.flatMap(({ cases }) => cases.map(({ name }) => name));
  t.equal(new Set(names).size, names.length, 'each case has a name of its own');
  for (const { name } of DRAWN) t.ok(names.includes(name), name);
  t.end();
});

t.test('the tables have their place in the guide', (t: Test) => {
  const page = readFileSync(PAGE, 'utf8');
  t.ok(existsSync(PICTURE));
  const replaced = replaceTables(page, 'TABLES');
  t.ok(replaced.length < page.length && replaced.includes('\n\nTABLES\n\n'));
  t.equal(replaceTables(replaced, 'TABLES'), replaced);
  t.throws(() => replaceTables('nothing', 'TABLES'), /has no/);
  t.end();
});
