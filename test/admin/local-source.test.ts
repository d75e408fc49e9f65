import t from 'tap';
import { LocalSource } from '../../src/admin/local-source.js';
import { counter } from '../../src/admin/metrics/metric.js';

t.test('it tells what its parts tell', async (t) => {
  const problems: string[] = [];
  const parts = [{ findProblems: () => problems }, { findProblems: () => ['late'] }];
  let value = 0;
  const metrics = { collect: () => [counter('twist_tests_total', 'Tests', ++value)] };
  const source = new LocalSource(parts, [metrics], '1.2.3');
  await source.start();
  t.equal(await source.isAlive(), true);
  t.strictSame(await source.problems(), ['late']);
  problems.push('early');
  t.strictSame(await source.problems(), ['early', 'late']);
  const [ready, first] = await source.snapshot();
  t.equal(ready?.samples[0]?.value, 0);
  t.equal(first?.samples[0]?.value, 1);
  problems.length = parts.length = 0;
  const text = await source.metrics('prometheus');
  t.match(
    text,
    /\n# HELP twist_tests_total Tests\n# TYPE twist_tests_total counter\ntwist_tests_total 2\n/,
  );
  source.stop();
  t.match(text, `twist_build_info{version="1.2.3",node="${process.version}"} 1\n`);
});

t.test('what is added later is told behind its own', (t) => {
  const own = { collect: () => [counter('twist_own_total', 'Own', 1)] };
  const given = [own];
  const source = new LocalSource([], given, '1.2.3');
  source.add({ collect: () => [counter('twist_added_total', 'Added', 2)] });
  t.strictSame(
    source.counted().map(({ name }) => name),
    ['twist_own_total', 'twist_added_total'],
  );
  t.strictSame(given, [own], 'the list that was given is left alone');
  t.end();
});
