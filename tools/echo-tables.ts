/** The tables of docs/echo.md that are made of what the server does: its controls, and the rules that it breaks. */
import { allowed } from '../src/modes/echo-controls/allowed.js';
import { CONTROL_NAMES, controlOf } from '../src/modes/echo-controls/controls.js';
import { BREAK_NAMES, brokenRule } from '../src/protocol/break/broken-rules.js';

/** Where a table stands in a page. */
const begin = (name: string): string => `<!-- ${name}: written by npm run docs -->`;
const END = '<!-- end -->';

const TABLES: Readonly<Record<string, () => string>> = { controls, rules };

/**
 * @param page with the marks of the tables
 * @returns the same, with the tables as they are now
 * @throws Error when a mark is not there
 */
export function withEchoTables(page: string): string {
  let text = page;
  for (const [name, table] of Object.entries(TABLES)) {
    const start = text.indexOf(begin(name));
    const end = text.indexOf(END, start);
    if (start === -1 || end === -1) throw new Error(`there is no place for the table of ${name}`);
    text = `${text.slice(0, start)}${begin(name)}\n\n${table()}\n${text.slice(end)}`;
  }
  return text;
}

function controls(): string {
  const rows = CONTROL_NAMES.map((name) => {
    const { valueName, does, example, value } = controlOf(name);
    const term = valueName === '' ? name : `${name}=${valueName}`;
    const limit = value.kind === 'none' || value.kind === 'rule' ? '' : allowed(name);
    return `| \`${term}\` | ${does} | ${limit.replace(/, such as .*$/, '')} | \`?${example}\` |\n`;
  });
  return `| control | what it does | its value | example |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

function rules(): string {
  const rows = BREAK_NAMES.map((name) => {
    const { sends, client, code, section } = brokenRule(name);
    const must = code === null ? client : `${client}, ${code}`;
    return `| \`${name}\` | ${sends} | ${section} | ${must} |\n`;
  });
  return `| rule | what is sent | section | what a client must do |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}
