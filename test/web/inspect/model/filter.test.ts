import t from 'tap';
import {
  type Choice,
  GROUPS,
  NO_CHOICE,
  countConditions,
  filterOf,
  patternFault,
} from '../../../../web/inspect/model/filter.js';

const KINDS = ['text', 'binary', 'open', 'close', 'end', 'target', 'gap', 'count'];

t.test('what is chosen becomes a filter', async (t) => {
  const cases: readonly [Partial<Choice>, object][] = [
    [{}, { kinds: KINDS }],
    [{ groups: GROUPS }, {}],
    [{ groups: [] }, { kinds: [] }],
    [{ groups: GROUPS, direction: 'in' }, { direction: 'in' }],
    [
      { groups: GROUPS, minSize: '1k', maxSize: '2 KiB' },
      { minLength: 1024, maxLength: 2048 },
    ],
    [
      { groups: GROUPS, text: 'a.b' },
      { text: 'a.b', isCaseSensitive: false },
    ],
    [
      { groups: GROUPS, text: 'a.b', isPattern: true, isCaseSensitive: true },
      { pattern: 'a.b', isCaseSensitive: true },
    ],
    [
      { groups: GROUPS, since: 1.5, until: 2 },
      { since: 1.5, until: 2 },
    ],
  ];
  for (const [choice, filter] of cases) {
    const found = filterOf({ ...NO_CHOICE, ...choice }, null);
    t.strictSame(found, { filter, faults: {} }, JSON.stringify(choice));
  }
  t.match(filterOf(NO_CHOICE, '01J').filter, { session: '01J' });
});

t.test('what is wrong sets no condition, and is said', async (t) => {
  const all = { ...NO_CHOICE, groups: GROUPS };
  t.strictSame(filterOf({ ...all, minSize: 'big', maxSize: '-' }, null), {
    filter: {},
    faults: {
      minSize: '“big” is no size; write 512, 10k or 1.5m.',
      maxSize: '“-” is no size; write 512, 10k or 1.5m.',
    },
  });
  t.strictSame(filterOf({ ...all, minSize: '2k', maxSize: '1k' }, null), {
    filter: { minLength: 2048 },
    faults: { maxSize: 'The largest size is less than the smallest one.' },
  });
  const { filter, faults } = filterOf({ ...all, text: '(', isPattern: true }, null);
  t.strictSame(filter, {});
  t.match(faults.text, /^This is no regular expression: .+\.$/);
  t.equal(patternFault('a+'), null);
});

t.test('how many conditions there are', async (t) => {
  t.equal(countConditions(NO_CHOICE), 0);
  t.equal(countConditions({ ...NO_CHOICE, groups: ['events', 'binary', 'text'] }), 0);
  t.equal(countConditions({ ...NO_CHOICE, groups: ['events', 'binary', 'pings'] }), 1);
  t.equal(
    countConditions({
      ...NO_CHOICE,
      direction: 'out',
      groups: [],
      maxSize: '1',
      text: 'x',
      until: 5,
    }),
    5,
  );
  t.equal(countConditions({ ...NO_CHOICE, minSize: '1', since: 5 }), 2);
});
