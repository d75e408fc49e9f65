import t from 'tap';
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { TOPICS } from '../../src/cli/help/topics.js';
import {
  GROUPS,
  type Option,
  type OptionTable,
  capitalized,
  environmentNameOf,
  flagOf,
} from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { reference } from '../../tools/reference.js';

const page = reference(OPTIONS);

t.test('every option has its section, with all of its names and its default', async (t) => {
  for (const [key, option] of Object.entries<Option>(OPTIONS)) {
    const { default: text, docs, fileKey = key, isFlag, isFileKey } = option;
    const start = page.indexOf(`### ${flagOf(key).slice(2)}\n`);
    t.not(start, -1, key);
    const section = page.slice(start).split('\n## ')[0]?.split('\n### ')[0] ?? '';
    for (const part of [environmentNameOf(key), docs, `default \`${text}\``])
      t.ok(section.includes(part), part);
    t.equal(section.includes(`\`${flagOf(key)}`), isFlag !== false && key !== 'config', 'the flag');
    t.equal(section.includes(`\`"${fileKey}"\``), isFileKey !== false, 'the key of the file');
  }
});

t.test('marks of Markdown in texts are escaped', async (t) => {
  t.match(page, /\\\[IPV6\\\]:PORT/);
  t.match(page, /`-c, --config FILE`/);
});

t.test('a switch shows both of its flags', async (t) => {
  t.match(page, '`--echo`, `--no-echo` · `TWIST_ECHO`');
  t.match(page, '`--deflate`, `--no-deflate` · `TWIST_DEFLATE`');
  t.match(page, '| [`--[no-]deflate`](#deflate) |', 'at a glance, when it is on by default');
  t.match(page, '| [`--echo`](#echo) |');
  t.match(page, '`--extension FILE`, may be repeated');
});

t.test('names that are not made from the key, or not there', async (t) => {
  t.match(
    page,
    '`--route PATH=MODE`, may be repeated · `TWIST_ROUTE` · `"routes"` · default `none`',
  );
  t.match(page, 'not on the command line · `TWIST_AUTH` · not in the configuration file · default');
  t.match(page, '| [`TWIST_AUTH`](#auth) |');
});

t.test('groups stand in their order; one without options is left out', async (t) => {
  t.same(
    [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading),
    GROUPS,
  );
  for (const { word, summary } of TOPICS)
    t.match(page, `${capitalized(summary)}. On the command line: \`twist help ${word}\`.\n`);
  const table: OptionTable = { echo: OPTIONS.echo };
  t.same([...reference(table).matchAll(/^## .*$/gm)].flat(), ['## Mode']);
});

t.test(
  'docs/reference.md is current: run `npm run docs` after a change to the table',
  async (t) => {
    const made = await format(page, { parser: 'markdown', printWidth: 100, singleQuote: true });
    t.equal(readFileSync('docs/reference.md', 'utf8'), made);
  },
);
