import t from 'tap';
import { compare, compareCaseIds, format, only, verdictsOf, type Verdicts } from './compare.mjs';

const EXPECTED: Verdicts = {
  '1.1.1': ['OK', 'OK'],
  '2.9': ['OK', 'OK'],
  '2.10': ['OK', 'OK'],
  '7.1.6': ['INFORMATIONAL', 'INFORMATIONAL'],
};

t.test('equal verdicts pass', (t) => {
  t.strictSame(compare(EXPECTED, { ...EXPECTED }), { passed: 4, failed: 0, differences: [] });
  t.end();
});

t.test('another behaviour fails, better or worse', (t) => {
  const actual: Verdicts = {
    ...EXPECTED,
    '2.10': ['NON-STRICT', 'OK'],
    '7.1.6': ['OK', 'INFORMATIONAL'],
  };
  t.strictSame(compare(EXPECTED, actual), {
    passed: 2,
    failed: 2,
    differences: [
      { id: '2.10', kind: 'behavior', text: '2.10 behaviour is NON-STRICT, expected OK' },
      { id: '7.1.6', kind: 'behavior', text: '7.1.6 behaviour is OK, expected INFORMATIONAL' },
    ],
  });
  t.end();
});

t.test('another closing fails', (t) => {
  const { passed, failed, differences } = compare(EXPECTED, {
    ...EXPECTED,
    '2.9': ['OK', 'UNCLEAN'],
  });
  t.equal(passed, 3);
  t.equal(failed, 1);
  t.strictSame(differences, [
    { id: '2.9', kind: 'close', text: '2.9 closing is UNCLEAN, expected OK' },
  ]);
  t.end();
});

t.test('a case that differs in both ways is told twice and counted once', (t) => {
  const { failed, differences } = compare(EXPECTED, { ...EXPECTED, '2.9': ['FAILED', 'UNCLEAN'] });
  t.equal(failed, 1);
  t.strictSame(
    differences.map(({ kind }) => kind),
    ['behavior', 'close'],
  );
  t.end();
});

t.test('a case that was not run fails', (t) => {
  const actual = only(EXPECTED, ['1.1.1', '2.10', '7.1.6']);
  const { passed, failed, differences } = compare(EXPECTED, actual);
  t.equal(passed, 3);
  t.equal(failed, 1);
  t.strictSame(differences, [{ id: '2.9', kind: 'missing', text: '2.9 was not run' }]);
  t.end();
});

t.test('a case without a committed verdict fails', (t) => {
  const { passed, failed, differences } = compare(EXPECTED, {
    ...EXPECTED,
    '12.1.1': ['OK', 'OK'],
  });
  t.equal(passed, 4);
  t.equal(failed, 1);
  t.match(differences, [
    { id: '12.1.1', kind: 'extra', text: /^12\.1\.1 ran, .*\(it got OK, OK\)$/ },
  ]);
  t.end();
});

t.test('nothing run passes nothing', (t) => {
  t.match(compare(EXPECTED, {}), { passed: 0, failed: 4 });
  t.match(compare({}, {}), { passed: 0, failed: 0 });
  t.end();
});

t.test('case numbers are in the order of the suite', (t) => {
  const ids = ['10.1.1', '2.10', '7.13.1', '2.9', '7.1.6', '1.1.10', '1.1', '1.1.2'];
  t.strictSame(ids.sort(compareCaseIds), [
    '1.1',
    '1.1.2',
    '1.1.10',
    '2.9',
    '2.10',
    '7.1.6',
    '7.13.1',
    '10.1.1',
  ]);
  t.equal(compareCaseIds('2.1', '2.1'), 0);
  t.end();
});

t.test('a part of the committed verdicts', (t) => {
  t.strictSame(only(EXPECTED, ['2.9', '99.1']), { '2.9': ['OK', 'OK'] });
  t.end();
});

t.test('the committed text is one case a line, in order', (t) => {
  t.equal(
    format({ '2.10': ['OK', 'OK'], '2.9': ['OK', 'UNCLEAN'] }),
    '{\n  "2.9": ["OK", "UNCLEAN"],\n  "2.10": ["OK", "OK"]\n}\n',
  );
  t.strictSame(JSON.parse(format(EXPECTED)), EXPECTED);
  t.end();
});

t.test('verdicts are read from the index of the suite', (t) => {
  const page = { duration: 3, remoteCloseCode: 1000, reportfile: 'twist_case_1_1_1.json' };
  const index = { twist: { '1.1.1': { behavior: 'OK', behaviorClose: 'UNCLEAN', ...page } } };
  t.strictSame(verdictsOf(index, 'twist'), { '1.1.1': ['OK', 'UNCLEAN'] });
  t.strictSame(verdictsOf(index, 'server'), {}, 'an agent on which no case was run');
  t.end();
});
