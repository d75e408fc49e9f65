/** The guide shows what `npm run simulate` computes. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { PAGE } from '../../bench/simulation/page.mjs';
import { TABLES } from '../../bench/simulation/plans.mjs';
import { simulateRow } from '../../bench/simulation/report.mjs';

t.setTimeout(400_000);

t.test('its tables are of today (npm run simulate -- --write)', (t) => {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const cases = TABLES.flatMap((table) => table.cases);
  for (const { name } of cases)
    t.ok(
      rows.some((cells) => cells[1] === name),
      name,
    );
  // Of those with ten million clients one will do: all of them take half a minute of a processor.
  const quick = cases.filter(({ name, plan }) => plan.pods <= 10 || name === '1,000 pods');
  for (const { name, plan } of quick) {
    const cells = rows.find((row) => row[1] === name);
    t.strictSame(cells?.slice(1, -1), simulateRow(name, plan), name);
  }
  t.end();
});
