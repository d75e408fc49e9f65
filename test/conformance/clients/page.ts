/** docs/clients.md: what clients do when a server misbehaves. It is made of what was seen, and of the tables. */
import { CONTROLS } from '../../../src/modes/echo-controls/controls.js';
import { type BreakName, brokenRule } from '../../../src/protocol/break/broken-rules.js';
import { CASES, CLIENT_NAMES, type Case, type ClientName, PROBE, type Seen } from './cases.js';
import { SURPRISES } from './surprises.js';

/** What one client did, with the code of the Close that the server got of it; null without one. */
export interface Outcome extends Seen {
  readonly told: number | null;
}

export type Verdict = 'notices' | 'does not notice';

export type Results = Readonly<
  Record<ClientName, { readonly version: string; readonly outcomes: ReadonlyMap<string, Outcome> }>
>;

/** How clients say that they fail a connection (RFC 6455 §7.1.7, §7.4.1). */
const FAILING: readonly (number | null)[] = [1002, 1007, 1009];

/** Whether a client has done what the rule asks for. */
export function verdictOf(name: BreakName, outcome: Outcome): Verdict {
  return hasNoticed(name, outcome) ? 'notices' : 'does not notice';
}

function hasNoticed(name: BreakName, { opened, messages, code, told, isEarly }: Outcome): boolean {
  const { when } = brokenRule(name);
  if (when === 'handshake') return !opened;
  if (when === 'close') return code === 1006;
  const isHeard = messages.some((text) => text.startsWith('Hello') || text.endsWith(' bytes'));
  if (name === 'data-after-close') return !isHeard;
  if (name === 'frame-truncated') return !isHeard && code === 1006;
  // One that fails may also just hang up (RFC 6455 §7.1.7); with a broken Close the code tells.
  const isFailed = FAILING.includes(told) || (isEarly && told === null && code === 1006);
  return isFailed && (!isHeard || name === 'message-interleaved');
}

/** What it did, in words. */
export function wordsOf({ kind }: Case, outcome: Outcome): string {
  const { opened, error, code, told, isEarly, answers } = outcome;
  // One that takes its time may have been told to close before.
  const hasClosed = isEarly || FAILING.includes(told);
  const why = error === null || !hasClosed ? '' : `: ${quoted(error)}`;
  if (!opened) return `no connection${why}`;
  if (!hasClosed) {
    const goesOn = answers === true ? 'goes on' : 'waits';
    return code === null ? `${goesOn}, and hangs when it closes` : `${goesOn}, closed with ${code}`;
  }
  const said = told === null ? 'no Close' : `sends ${told}`;
  const counts = kind === 'control' ? heard(outcome) : '';
  return `${counts}${said}, reports ${String(code)}${why}`;
}

function heard({ messages }: Outcome): string {
  const { length } = messages;
  return length === 0 ? 'no message, ' : `${length} message${length === 1 ? '' : 's'}, `;
}

function quoted(text: string): string {
  // A key is another one each time.
  const line = text
    .replaceAll(/[\w+/]{27}=/g, '...')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll('`', "'");
  return `\`${line.length > 120 ? `${line.slice(0, 120)}...` : line}\``;
}

export function clientsPage(results: Results): string {
  const versions = CLIENT_NAMES.map((name) => `${name} ${results[name].version}`).join(', ');
  return `# What clients do when a server misbehaves

<!-- Written by npm run clients, which runs all of it; the sentences are in test/conformance/clients/. -->

\`twist serve --echo --echo-controls\` misbehaves on request: [the guide](echo.md). This page has what three clients did about it, as they come, without an option: **${versions}**. The server was asked once for each line, by the
query that stands there. The client sent its messages at once, waited until nothing had happened for a second and a half, sent one more (\`${PROBE}\`), and closed.

## Broken rules

A client **notices** when it does what the rule asks for: it fails the connection, or does not open one. \`sends 1002\` is the Close that the server got, \`reports 1006\` the code that the client tells its user.

${table(
  results,
  'rule',
  ['rule', 'what is sent', 'what a client must do'],
  ({ name }) => {
    const { sends, client, code, section } = brokenRule(name as BreakName);
    return [`\`${name}\``, `${sends} (${section})`, code === null ? client : `${client}, ${code}`];
  },
  (one, outcome) => `**${verdictOf(one.name as BreakName, outcome)}**: ${wordsOf(one, outcome)}`,
)}
### What may surprise

${SURPRISES.map(({ rule, client, text }) => `- **${client}, \`${rule}\`**: ${text}`).join('\n')}

## Controls

The client sent three messages.

${table(
  results,
  'control',
  ['query', 'what the server does'],
  ({ name, query }) => [`\`?${query}\``, CONTROLS[name as keyof typeof CONTROLS].does],
  wordsOf,
)}`;
}

function table(
  results: Results,
  kind: Case['kind'],
  titles: readonly string[],
  first: (one: Case) => readonly string[],
  cell: (one: Case, outcome: Outcome) => string,
): string {
  const heads = [...titles, ...CLIENT_NAMES];
  const rows = CASES.filter((one) => one.kind === kind).map((one) => [
    ...first(one),
    ...CLIENT_NAMES.map((name) => cell(one, results[name].outcomes.get(one.name)!)),
  ]);
  return [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

// ---- Reading it again

/** The versions that a page names, by client. */
export function versionsOf(page: string): ReadonlyMap<string, string> {
  const [, list = ''] = /without an option: \*\*(.*?)\*\*/.exec(page.replaceAll('\n', ' ')) ?? [];
  return new Map(
    list.split(', ').map((one): [string, string] => {
      const [name = '', version = ''] = one.split(' ');
      return [name, version];
    }),
  );
}

/** The lines of a page that are about rules, as cells: rule, what is sent, what a client must do, and what each client does. */
export function ruleRows(page: string): readonly (readonly string[])[] {
  const [, section = ''] = page.split('\n## ');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));
}
