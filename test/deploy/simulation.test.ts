/** The guide shows what `npm run simulate` computes. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { PAGE, PICTURE, replaceTables } from '../../bench/simulation/page.mjs';
import { simulateAll } from '../../bench/simulation/report.mjs';

// Half a minute of one processor, which may have other things to do.
t.setTimeout(600_000);

t.test('tables and picture are of today (npm run simulate -- --write)', (t) => {
  const { text, chart } = simulateAll();
  const page = readFileSync(PAGE, 'utf8');
  t.equal(page, replaceTables(page, text));
  t.equal(readFileSync(PICTURE, 'utf8'), chart);
  t.end();
});
