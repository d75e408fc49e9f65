/** docs/limits.md, the table of all limits, beside the options, rules, metrics and tests that there are. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import type { Option } from '../../../src/config/options/option.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import { HANDSHAKE_RULES, PEER_RULES } from '../../../src/errors.js';

interface Row {
  readonly option: string;
  readonly preset: string;
  readonly metric: string;
  /** Of the metric's label `rule`. */
  readonly rule: string | null;
  readonly test: string;
}

const GROUPS: readonly string[] = ['Limits', 'Timeouts'];

const read = (file: string): string => readFileSync(file, 'utf8');

/** The rows of the page's only table. */
function readRows(): Row[] {
  const lines = read('docs/limits.md').split('\n');
  const cells = lines
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(1, -1).split('|'));
  return cells.slice(2).map(([, option, preset, , counted, test]) => {
    const [, metric, rule] = /^`(\w+)(?:\{rule="([\w-]+)"\})?`$/.exec(counted!.trim()) ?? [];
    return {
      option: option!.trim().replaceAll('`', ''),
      preset: preset!.trim(),
      metric: metric ?? '',
      rule: rule ?? null,
      test: test!.trim(),
    };
  });
}

const rows = readRows();
const options: Readonly<Record<string, Option>> = OPTIONS;

t.test('each limit is an option, and each option that is a limit is there', (t) => {
  const named = rows.map(({ option }) => option);
  t.equal(new Set(named).size, named.length, 'no option twice');
  for (const option of named) t.ok(option in options, option);
  const limits = Object.entries(options).filter(([, { group }]) => GROUPS.includes(group));
  t.ok(limits.length > 20);
  for (const [option] of limits) t.ok(named.includes(option), option);
  t.end();
});

t.test('defaults are those of the options', (t) => {
  for (const { option, preset } of rows) {
    const text = String(options[option]?.default);
    // What it depends on is told in words.
    if (text === 'auto') continue;
    const units: Readonly<Record<string, string>> = { k: ' KiB', m: ' MiB', s: ' s' };
    const written = text.replace(
      /^(\d+)([kms])$/,
      (_, digits: string, unit: string) => digits + units[unit]!,
    );
    t.equal(/^\d+$/.test(text) ? Number(text).toLocaleString('en-US') : written, preset, option);
  }
  t.end();
});

t.test('each limit is counted by a metric that there is, under a rule that there is', (t) => {
  const explained = read('docs/operations.md');
  const rulesOf: Readonly<Record<string, readonly string[]>> = {
    twist_handshakes_total: Object.keys(HANDSHAKE_RULES),
    twist_broken_rules_total: PEER_RULES,
  };
  for (const { option, metric, rule } of rows) {
    t.ok(explained.includes(`| \`${metric}\``), `${option}: ${metric}`);
    const rules = rulesOf[metric];
    if (rule === null) t.equal(rules, undefined, `${option} has a rule`);
    else t.ok(rules?.includes(rule), `${option}: ${rule}`);
  }
  t.end();
});

t.test('each limit has a test', (t) => {
  for (const { option, rule, test } of rows) {
    if (!t.ok(existsSync(test), test)) continue;
    const text = read(test);
    const names = [option, ...(rule === null ? [] : [`'${rule}'`])];
    t.ok(
      names.some((name) => text.includes(name)),
      `${test}: ${option}`,
    );
  }
  t.end();
});
