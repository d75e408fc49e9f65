/** docs/clients.md is the page that the command makes: our side of it, its verdicts, and what is said of them. */
import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import t from 'tap';
import { CONTROL_NAMES } from '../../../src/modes/echo-controls/controls.js';
import {
  BREAK_NAMES,
  type BreakName,
  brokenRule,
} from '../../../src/protocol/break/broken-rules.js';
import { CASES, CLIENT_NAMES } from './cases.js';
import {
  type Outcome,
  type Results,
  clientsPage,
  ruleRows,
  verdictOf,
  versionsOf,
  wordsOf,
} from './page.js';
import { SURPRISES } from './surprises.js';
import { wsClient } from './ws-client.js';

const PAGE = 'docs/clients.md';
const page = readFileSync(PAGE, 'utf8');

const FAILED: Outcome = {
  opened: true,
  messages: ['one'],
  error: 'bad | frame',
  code: 1006,
  isEarly: true,
  answers: null,
  told: 1002,
};
const CONTENT: Outcome = {
  ...FAILED,
  ...{ error: null, code: 1000, isEarly: false, answers: true, told: 1000 },
};

/** A page as if all clients had done the same. */
function pageOf(outcome: Outcome): Promise<string> {
  const outcomes = new Map(CASES.map(({ name }) => [name, outcome]));
  const results = Object.fromEntries(
    CLIENT_NAMES.map((name) => [name, { version: '1', outcomes }]),
  ) as unknown as Results;
  return resolveConfig(PAGE).then((options) =>
    format(clientsPage(results), { ...options, filepath: PAGE }),
  );
}

/** What does not come from a client. */
const ourSide = (text: string): string =>
  text
    .replaceAll(/\*\*ws .*?\*\*/g, '')
    .split('\n')
    .map((line) =>
      line.startsWith('|')
        ? line
            .split(/(?<!\\)\|/)
            .map((cell) => cell.trim())
            .slice(0, -4)
            .filter((cell) => !/^-+$/.test(cell))
            .join('|')
        : line,
    )
    .join('\n');

t.test('our side of the page is what the command makes', async (t) => {
  t.equal(ourSide(page), ourSide(await pageOf(FAILED)), 'npm run clients writes it');
});

t.test(
  'every rule and every control was tried, on every client, and each has a verdict',
  async (t) => {
    const rows = ruleRows(page);
    t.strictSame(
      rows.map(([rule]) => rule),
      BREAK_NAMES.map((name) => `\`${name}\``),
    );
    for (const cells of rows) {
      t.equal(cells.length, 3 + CLIENT_NAMES.length);
      for (const cell of cells.slice(3))
        t.match(cell, /^\*\*(?:notices|does not notice)\*\*: \w/, cells[0]!);
    }
    const tried = CASES.filter(({ kind }) => kind === 'control').map(({ name }) => name);
    t.strictSame(
      CONTROL_NAMES.filter((name) => !tried.includes(name)),
      ['break', 'after'],
      'these two are in the others',
    );
  },
);

t.test('the versions are named, and ws is that of the tests', async (t) => {
  const versions = versionsOf(page);
  t.strictSame([...versions.keys()], [...CLIENT_NAMES]);
  for (const version of versions.values()) t.match(version, /^\d+(\.\d+)+$/);
  t.equal(versions.get('ws'), wsClient().version, 'npm run clients after an update of ws');
});

t.test('what is said to surprise is so', async (t) => {
  const rows = ruleRows(page);
  for (const { rule, client, verdict } of SURPRISES) {
    const cells = rows.find(([name]) => name === `\`${rule}\``)!;
    const cell = cells[3 + CLIENT_NAMES.indexOf(client)]!;
    t.ok(cell.startsWith(`**${verdict}**`), `${client}, ${rule}: ${cell}`);
  }
  // Whoever notices nothing is explained.
  for (const [index, client] of CLIENT_NAMES.entries())
    for (const [rule, ...cells] of rows) {
      if (!cells[2 + index]!.startsWith('**does not notice**')) continue;
      t.match(page.split('What may surprise')[1], rule!.split('-').slice(0, 2).join('-').slice(1));
      t.match(page.split('What may surprise')[1], client);
    }
});

t.test('verdicts', async (t) => {
  const cases: readonly [rule: BreakName, outcome: Partial<Outcome>, notices: boolean][] = [
    ['frame-masked', {}, true],
    ['frame-masked', { told: null }, true],
    ['frame-masked', { messages: ['one', 'Hello'] }, false],
    ['message-interleaved', { messages: ['one', 'Hello'] }, true],
    ['frame-masked', CONTENT, false],
    ['close-code-999', { told: 999, code: 999 }, false],
    ['wrong-accept', { opened: false }, true],
    ['wrong-accept', CONTENT, false],
    ['no-close', { ...CONTENT, code: 1006 }, true],
    ['no-close', CONTENT, false],
    ['data-after-close', { told: 1000, code: 1000 }, true],
    ['data-after-close', { messages: ['one', 'Hello'] }, false],
    ['frame-truncated', { told: null }, true],
    ['frame-truncated', { told: null, messages: ['10 bytes'] }, false],
    ['bomb', { isEarly: false, told: 1009 }, true],
    ['bomb', { ...CONTENT, messages: ['134222657 bytes'] }, false],
  ];
  for (const [rule, outcome, notices] of cases)
    t.equal(
      verdictOf(rule, { ...FAILED, ...outcome }),
      notices ? 'notices' : 'does not notice',
      rule,
    );
  t.ok(BREAK_NAMES.every((name) => brokenRule(name).client.length > 0));
});

t.test('words', async (t) => {
  const [control, rule] = [CASES[0]!, CASES.at(-1)!];
  t.equal(wordsOf(rule, FAILED), 'sends 1002, reports 1006: `bad \\| frame`');
  t.equal(wordsOf(rule, { ...FAILED, told: null, error: null }), 'no Close, reports 1006');
  t.equal(wordsOf(rule, CONTENT), 'goes on, closed with 1000');
  t.equal(wordsOf(rule, { ...CONTENT, answers: false }), 'waits, closed with 1000');
  t.equal(wordsOf(rule, { ...CONTENT, code: null }), 'goes on, and hangs when it closes');
  t.equal(wordsOf(rule, { ...FAILED, opened: false }), 'no connection: `bad \\| frame`');
  t.equal(wordsOf(control, FAILED), '1 message, sends 1002, reports 1006: `bad \\| frame`');
  t.equal(
    wordsOf(control, { ...FAILED, messages: [], error: 'x'.repeat(130) }),
    `no message, sends 1002, reports 1006: \`${'x'.repeat(120)}...\``,
  );
});
