/**
 * Help in layers: one screen for each command, a page for each topic, and a page with everything. What
 * `twist help` explains is a command, a topic or an option.
 */
import type { Command, Option as CommanderOption } from 'commander';
import { capitalized, flagOf, type Option, type OptionTable } from '../../config/options/option.js';
import { OPTIONS } from '../../config/options/options.js';
import { nearestName } from '../../config/suggestions.js';
import { optionGroups } from '../convert/options.js';
import { addControls } from './control-lists.js';
import { HelpPage, type HelpExample, type HelpItem, widestTerm } from './help-page.js';
import {
  TOPICS,
  briefItem,
  detailedItem,
  itemsOf,
  topicOf,
  valuesIn,
  type BriefRow,
  type Topic,
} from './topics.js';

/** How pages are set. */
interface HelpSetting {
  readonly width: number;
  readonly isStyled: boolean;
}

/** Commands whose options are those of the table. */
export const SERVING_COMMANDS: readonly string[] = [
  'twist serve',
  'twist config print',
  'twist config check',
  'twist healthcheck',
];

/** What stands for all topics. */
const ALL = 'all';

export const PROGRAM_EXAMPLES: readonly HelpExample[] = [
  ['twist serve --echo', 'echo server on ws://127.0.0.1:9001'],
  ['twist serve --tcp localhost:5900', 'TCP service for browsers'],
];

const SERVE_EXAMPLES: readonly HelpExample[] = [
  ['twist serve --echo --listen :8080', 'echo on port 8080, all addresses'],
  ['twist serve --tcp localhost:5900', 'a VNC server for browsers'],
  ['twist serve --route /vnc=tcp:localhost:5900', 'on one path, else 404'],
  ['twist serve --echo --record traffic.ndjson', 'and write all traffic to a file'],
];

const CONVERT_EXAMPLES: readonly HelpExample[] = [
  ['twist convert a.ndjson', 'all of it, as text'],
  ['twist convert a.ndjson -f --since 1m', 'the last minute, then what comes'],
  ['twist convert a.ndjson b.ndjson -o a.har', "for browsers' developer tools"],
  ['twist convert a.ndjson -o a.pcapng', 'for Wireshark'],
  ['twist convert - --grep hello', 'matching messages, from a pipe'],
];

const VIEW_EXAMPLES: readonly HelpExample[] = [
  ['twist view traffic.ndjson', 'open it in a browser'],
  ['twist view traffic.ndjson -f --no-open', 'print the URL, and follow the file'],
  ['zstd -dc traffic.ndjson.zst | twist view -', 'from a pipe'],
];

const VIEW_RULES = `It prints the URL of the page, with a token that opens it once, and the next one when that is used. Addresses that others can reach need a token of your own in TWIST_INSPECT_TOKEN. Ctrl-C ends it.`;

/** What most people need of `serve`, with a placeholder where that of the table is long, in few words. */
const FIRST_SCREEN: readonly (readonly [heading: string, rows: readonly BriefRow[]])[] = [
  [
    'Modes, at least one',
    [
      ['echo', 'send every message back to its sender'],
      ['tcp', 'proxy to HOST:PORT, tls://HOST:PORT or unix:PATH'],
      ['record', 'write all traffic to a file, beside a mode or alone'],
      ['replay', 'send what the server sent in a recording'],
      ['mode', 'a mode of your own, a JavaScript module'],
      ['route', 'a mode for one path, repeatable'],
    ],
  ],
  [
    'Common options',
    [
      ['listen', 'PORT for this machine only, :PORT, HOST:PORT or unix:PATH', 'ADDRESS'],
      ['tlsCert', 'certificate for wss://; it needs --tls-key'],
      ['static', 'serve files to browsers, noVNC for instance'],
      ['origin', 'pages that may connect: any, same or a list', 'LIST'],
      ['authFile', 'users and password hashes, or set TWIST_AUTH'],
      ['deflate', 'compress messages'],
      ['maxMessage', 'largest message'],
      ['maxConnections', 'most connections'],
      ['pingInterval', 'silence before a ping'],
      ['admin', 'health checks and metrics'],
      ['logLevel', 'debug, info, warn, error or silent'],
      ['config', 'configuration file in JSON'],
    ],
  ],
];

const HELP_ITEM: HelpItem = { term: '-h, --help [TOPIC]', text: 'this help, or that on a topic' };

const SOURCES = `Every option is also an environment variable, TWIST_ and its name in capitals (TWIST_MAX_MESSAGE), and a key of the configuration file (maxMessage). A flag wins over the environment, the environment over the file, and the file over the default, which TWIST_DEFAULT_MAX_MESSAGE replaces, for images.`;

export const EXIT_STATUS: readonly HelpItem[] = [
  { term: '0', text: 'success, including a graceful stop' },
  { term: '1', text: 'a failure at run time' },
  { term: '2', text: 'wrong usage' },
  { term: '78', text: 'a bad environment or configuration file' },
];

const CONVERT_RULES = `Times are UTC. A record must pass all filters, and brings the beginning and the end of its session along; --kind takes several, with commas between them. The output file appears when it is complete: at the end or, with --follow, when you stop twist (Ctrl-C). Lines that cannot be read are skipped and reported. Several recordings are merged by time.`;

const CONVERT_LEGEND: readonly HelpItem[] = [
  { term: '→', text: 'from the client' },
  { term: '←', text: 'to the client' },
  { term: '•', text: 'what happened to the session' },
  { term: '…', text: 'the message continues in a later line of the same direction' },
];

const CONVERT_TEXT = `In text, a line has the time, the end of the session's id and what happened; of messages the type, the length and the payload.`;

const CONVERT_EXIT_STATUS: readonly HelpItem[] = [
  { term: '0', text: 'success, even if some lines were damaged' },
  {
    term: '1',
    text: 'an input cannot be read, the output cannot be written, or every line was damaged',
  },
  { term: '2', text: 'wrong usage' },
];

/**
 * Explains a command, or what `words` name in it.
 *
 * @param words after `help` or `--help`: a command, a topic, `all`, an option, or nothing
 * @throws CommanderError when there is no such thing
 */
export function helpText(command: Command, words: readonly string[], setting: HelpSetting): string {
  const [word, ...rest] = words;
  if (word === undefined) return screenOf(command, setting);
  const subcommand = command.commands.find((one) => one.name() === word);
  if (subcommand !== undefined) return helpText(subcommand, rest, setting);
  const page = rest.length === 0 ? pageOf(command, word, setting) : null;
  return page ?? command.error(noHelp(command, words.join(' ')));
}

/** `twist config print` */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** @returns undefined for options that are not in the table, such as --help */
export function rowOf(option: CommanderOption): Option | undefined {
  const row = (OPTIONS as OptionTable)[option.attributeName()];
  // Commands with options of their own have some of the same name, in other groups.
  return option.helpGroupHeading === row?.group ? row : undefined;
}

// ---- One screen for each command

function screenOf(command: Command, setting: HelpSetting): string {
  const name = fullName(command);
  if (name === 'twist') return programScreen(command, setting);
  if (name === 'twist serve') return serveScreen(command, setting);
  if (SERVING_COMMANDS.includes(name)) return configScreen(command, setting);
  if (command.commands.length > 0) return commandsScreen(command, setting);
  if (name === 'twist view') return viewScreen(command, setting);
  return convertScreen(command, setting)
    .paragraph('What the output means, and the exit status: twist help convert all')
    .toString();
}

function programScreen(command: Command, setting: HelpSetting): string {
  const commands = commandItems(command);
  const topics = [
    ...TOPICS.map(({ word, summary }) => ({ term: word, text: summary })),
    { term: ALL, text: 'every option' },
  ];
  const options = [
    { term: '-V, --version', text: 'print the version' },
    { term: '--licenses', text: 'print the licenses of all that is in twist' },
    { term: '-h, --help', text: 'show this help' },
  ];
  const width = widestTerm([...commands, ...topics, ...options]);
  return begun(command, setting, 'COMMAND [OPTIONS]')
    .list('Commands', commands, '', width)
    .list('Topics', topics, 'twist help TOPIC', width)
    .list('Options', options, '', width)
    .examples(PROGRAM_EXAMPLES)
    .toString();
}

function serveScreen(command: Command, setting: HelpSetting): string {
  const lists = FIRST_SCREEN.map(([heading, rows]) => [heading, rows.map(briefItem)] as const);
  lists.at(-1)![1].push(HELP_ITEM);
  const width = widestTerm(lists.flatMap(([, items]) => items));
  const page = begun(command, setting, 'MODE [OPTIONS]');
  for (const [heading, items] of lists) page.list(heading, items, '', width);
  return page.examples(SERVE_EXAMPLES).paragraph(moreTopics()).toString();
}

function configScreen(command: Command, setting: HelpSetting): string {
  return begun(command, setting, '[OPTIONS]')
    .list('Options', [...ownItems(command), HELP_ITEM])
    .paragraph('All options of twist serve, such as --config FILE, can be given too.')
    .paragraph(moreTopics())
    .toString();
}

function commandsScreen(command: Command, setting: HelpSetting): string {
  const commands = commandItems(command);
  const options = [{ term: '-h, --help', text: 'show this help' }];
  const width = widestTerm([...commands, ...options]);
  return begun(command, setting, 'COMMAND [OPTIONS]')
    .list('Commands', commands, '', width)
    .list('Options', options, '', width)
    .toString();
}

function convertScreen(command: Command, setting: HelpSetting): HelpPage {
  const lists = optionGroups().map((heading) => {
    const options = command.options.filter((option) => option.helpGroupHeading === heading);
    return [heading, options.map(ownItem)] as const;
  });
  const width = widestTerm(lists.flatMap(([, items]) => items));
  const page = begun(command, setting, 'FILE... [OPTIONS]');
  for (const [heading, items] of lists) page.list(heading, items, '', width);
  return page.examples(CONVERT_EXAMPLES);
}

function viewScreen(command: Command, setting: HelpSetting): string {
  return begun(command, setting, 'FILE [OPTIONS]')
    .list('Options', [...ownItems(command), { term: '-h, --help', text: 'show this help' }])
    .examples(VIEW_EXAMPLES)
    .paragraph(VIEW_RULES)
    .toString();
}

// ---- Topics, options and everything

function pageOf(command: Command, word: string, setting: HelpSetting): string | null {
  const name = fullName(command);
  if (name === 'twist convert') return word === ALL ? convertPage(command, setting) : null;
  const topic = TOPICS.find((one) => one.word === word);
  if (topic !== undefined) return topicPage(topic, setting);
  if (word === ALL) return allPage(setting);
  return optionPage(word, setting);
}

function topicPage(topic: Topic, { width, isStyled }: HelpSetting): string {
  const items = itemsOf(topic);
  const page = new HelpPage(width, isStyled).list(titleOf(topic), items, topic.summary);
  addValues(page, items);
  if (topic.group === 'General') addGeneral(page);
  return page.toString();
}

function allPage({ width, isStyled }: HelpSetting): string {
  const lists = TOPICS.map((topic) => [topic, itemsOf(topic)] as const);
  const items = lists.flatMap(([, list]) => list);
  const page = new HelpPage(width, isStyled);
  for (const [topic, list] of lists)
    page.list(titleOf(topic), list, topic.summary, widestTerm(items));
  addValues(page, items);
  addGeneral(page);
  return page.toString();
}

/** An option with all that the reference says of it. */
function optionPage(word: string, { width, isStyled }: HelpSetting): string | null {
  const found = Object.entries<Option>(OPTIONS).find(
    ([key]) => key === word || flagOf(key) === `--${word.replace(/^--/, '')}`,
  );
  if (found === undefined) return null;
  const [key, option] = found;
  const topic = topicOf(option.group);
  const page = new HelpPage(width, isStyled)
    .list(titleOf(topic), [detailedItem(key, option)], topic.summary)
    .paragraph(option.docs)
    .paragraph(`${capitalized(option.type.clause)}.`);
  if (key === 'echoControls') addControls(page);
  return page.toString();
}

function convertPage(command: Command, setting: HelpSetting): string {
  return convertScreen(command, setting)
    .paragraph(CONVERT_RULES)
    .paragraph(CONVERT_TEXT)
    .list('Marks', CONVERT_LEGEND)
    .list('Exit status', CONVERT_EXIT_STATUS)
    .toString();
}

function addValues(page: HelpPage, items: readonly HelpItem[]): void {
  const values = valuesIn(items);
  if (values.length > 0) page.list('Values', values);
}

function addGeneral(page: HelpPage): void {
  page.paragraph(SOURCES).list('Exit status', EXIT_STATUS);
}

function noHelp(command: Command, word: string): string {
  const nearest = nearestName(word, [
    ...command.commands.map((one) => one.name()),
    ...TOPICS.map((topic) => topic.word),
    ALL,
    ...Object.keys(OPTIONS).map((key) => flagOf(key).slice(2)),
  ]);
  const hint = nearest === null ? '' : `; did you mean twist help ${nearest}?`;
  return `there is no help on ${JSON.stringify(word)}${hint}`;
}

// ---- Parts of pages

function begun(command: Command, { width, isStyled }: HelpSetting, words: string): HelpPage {
  return new HelpPage(width, isStyled)
    .usage(`${fullName(command)} ${words}`)
    .paragraph(command.description());
}

/** A word that is an abbreviation stays one. */
function titleOf({ word, group }: Topic): string {
  return group.toLowerCase() === word ? group : capitalized(word);
}

function moreTopics(): string {
  const words = TOPICS.map(({ word }) => word).join(', ');
  return `The rest: twist help TOPIC, twist help OPTION, or twist help all.\nTopics: ${words}.`;
}

/** Commands, and those of their own in place of those that only have commands. */
function commandItems(command: Command): HelpItem[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((each) => {
      const name = fullName(each).replace(/^twist /, '');
      return each.commands.length > 0 ? commandItems(each) : [{ term: name, text: each.summary() }];
    });
}

/** Options that a command has beside those of the table. */
function ownItems(command: Command): HelpItem[] {
  return command.options
    .filter((option) => !option.hidden && rowOf(option) === undefined)
    .map(ownItem);
}

function ownItem({ flags, description }: CommanderOption): HelpItem {
  return {
    term: flags.replace(/<(.*)>/, (_, name: string) => name.toUpperCase()),
    text: description,
  };
}
