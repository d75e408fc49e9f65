import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import t from 'tap';
import { CONTROL_NAMES, controlOf } from '../../src/modes/echo-controls/controls.js';
import { BREAK_NAMES } from '../../src/protocol/break/broken-rules.js';
import { withEchoTables } from '../../tools/echo-tables.js';

const PAGE = 'docs/echo.md';

t.test('the page has the tables as they are now', async (t) => {
  const page = readFileSync(PAGE, 'utf8');
  const options = { ...(await resolveConfig(PAGE)), filepath: PAGE };
  t.equal(page, await format(withEchoTables(page), options), 'npm run docs writes it');
});

t.test('every control and every rule has a row', async (t) => {
  const marks = ['controls', 'rules'].map(
    (name) => `<!-- ${name}: written by npm run docs -->old<!-- end -->`,
  );
  const page = withEchoTables(`before\n${marks.join('\nbetween\n')}\nafter`);
  t.notMatch(page, 'old');
  for (const name of CONTROL_NAMES) {
    t.match(page, `| \`${name}`);
    t.match(page, `\`?${controlOf(name).example}\``);
  }
  for (const name of BREAK_NAMES) t.match(page, `| \`${name}\` |`);
  for (const word of ['before', 'between', 'after']) t.match(page, word);
  t.throws(() => withEchoTables('nothing'), /no place for the table of controls/);
});
