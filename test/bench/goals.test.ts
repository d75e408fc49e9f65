/** Goals of the benchmark: which peers are compared, and what is said of the ratio. */
import t from 'tap';
import { atMost, besideOnNode, decide, describeGoals, formatVerdicts } from '../../bench/goals.mjs';

t.test('a peer is compared with the one on the same Node', async (t) => {
  const names = ['raw', 'twist', 'uws', 'raw@24', 'twist@24'];
  t.equal(besideOnNode('twist', 'raw', names), 'raw');
  t.equal(besideOnNode('twist@24', 'raw', names), 'raw@24');
  t.equal(besideOnNode('twist@24', 'uws', names), 'uws');
  t.equal(besideOnNode('twist', 'ws', names), null);
});

t.test('a verdict says when the interval holds the goal', async (t) => {
  const estimate = { median: 1, low: 0.9, high: 1.2, confidence: 0.94 };
  t.equal(decide(estimate, 1.2), 'reached');
  t.equal(decide(estimate, 1.1), 'reached, within the noise');
  t.equal(decide(estimate, 0.95), 'missed, within the noise');
  t.equal(decide(estimate, 0.8), 'missed');
  t.equal(decide({ ...estimate, median: NaN }, 1), 'no figure');
});

t.test('goals in words, and a row for each goal and Node', async (t) => {
  const goals = [atMost(0.5, 'ws'), atMost(1, 'raw', 'p50'), atMost(2, 'uws')];
  t.equal(
    describeGoals(goals, 'and more'),
    'at most 0.5 of ws; p50 at most raw; at most 2 of uws; and more',
  );
  const figures = new Map([
    ['ws', [4, 4, 4, 4, 4]],
    ['raw', [1, 1, 1, 1, 1]],
    ['twist', [1, 1, 1, 1, 2]],
    ['ws@24', [2, 2, 2, 2, 2]],
    ['raw@24', [2, 2, 2, 2, 2]],
    ['twist@24', [4, 4, 4, 4, 4]],
  ]);
  const table = formatVerdicts([
    { load: 'a load', goals, names: [...figures.keys()], read: (name) => figures.get(name) ?? [] },
  ]);
  t.strictSame(
    table.split('\n').map((line) =>
      line
        .split('|')
        .slice(2, 6)
        .map((cell) => cell.trim()),
    ),
    [
      ['compared', 'ratio', 'goal', 'verdict'],
      table.split('\n')[1]?.split('|').slice(2, 6),
      ['twist/ws', '0.250 (0.250 to 0.500)', 'at most 0.5', 'reached'],
      ['p50, twist/raw', '1.00 (1.00 to 2.00)', 'at most 1', 'reached, within the noise'],
      ['twist@24/ws@24', '2.00 (2.00 to 2.00)', 'at most 0.5', 'missed'],
      ['p50, twist@24/raw@24', '2.00 (2.00 to 2.00)', 'at most 1', 'missed'],
    ],
  );
  t.equal(formatVerdicts([{ load: 'a load', goals: [], names: ['twist'], read: () => [] }]), '');
});
