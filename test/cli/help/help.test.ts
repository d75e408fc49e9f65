import { Command, CommanderError } from 'commander';
import t from 'tap';
import { fullName, helpText } from '../../../src/cli/help/help.js';
import { TOPICS, itemsOf } from '../../../src/cli/help/topics.js';
import { createProgram } from '../../../src/cli/program.js';
import {
  GROUPS,
  environmentNameOf,
  flagTermOf,
  type Option,
} from '../../../src/config/options/option.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import { CONTROL_NAMES, controlOf } from '../../../src/modes/echo-controls/controls.js';
import { BREAK_NAMES, brokenRule } from '../../../src/protocol/break/broken-rules.js';
import { fakeIo } from '../fake-io.js';

/** What fits on a terminal of 80 columns without scrolling. */
const SCREEN_LINES = 40;

const nothing = (): Promise<void> => Promise.resolve();
const actions = {
  serve: nothing,
  printConfig: nothing,
  checkConfig: nothing,
  healthcheck: nothing,
  convert: nothing,
  view: nothing,
  completion: nothing,
};
const program = createProgram(fakeIo([]), '1', actions);

const help = (words: string, width = 80): string =>
  helpText(program, words === '' ? [] : words.split(' '), { width, isStyled: false });

const SCREENS = ['', 'serve', 'config', 'config print', 'config check', 'convert', 'view'];
const TOPIC_WORDS = TOPICS.map(({ word }) => word);
const PAGES = [...SCREENS, ...TOPIC_WORDS, 'all', 'convert all', 'max-message', 'echo-controls'];

t.test('every command has one screen', async (t) => {
  for (const words of SCREENS) {
    const text = help(words);
    const command = ['twist', ...words.split(' ')].join(' ').trim();
    t.ok(text.startsWith(`Usage: ${command} `), words);
    t.ok(text.split('\n').length <= SCREEN_LINES, `twist help ${words} is one screen`);
  }
});

t.test('no line is wider than the terminal', async (t) => {
  for (const width of [40, 80, 120])
    for (const words of PAGES)
      for (const line of help(words, width).split('\n'))
        t.ok(line.length <= width, `twist help ${words} at ${width}: ${line}`);
});

t.test('the first screen: commands, topics and examples', async (t) => {
  const text = help('');
  for (const word of [
    'serve',
    'config print',
    'config check',
    'convert',
    'help',
    ...TOPIC_WORDS,
    'all',
  ])
    t.match(text, new RegExp(`^  ${word}  `, 'm'));
});

t.test('the screen of serve: modes, common options, examples, and where the rest is', async (t) => {
  const text = help('serve');
  for (const heading of ['Modes, at least one:', 'Common options:', 'Examples:'])
    t.match(text, `\n${heading}\n`);
  for (const line of [
    '  --echo  ',
    '  --listen ADDRESS  ',
    '  --[no-]deflate  ',
    '  -c, --config FILE  ',
    '  -h, --help [TOPIC]  ',
  ])
    t.match(text, `\n${line}`);
  t.match(text, `largest message [${OPTIONS.maxMessage.default}]\n`);
  t.notMatch(text, /\[(off|false|none)\]/, 'a default of nothing');
  for (const word of TOPIC_WORDS) t.match(text, new RegExp(`\\b${word}[,.]`));
});

/** A page with its lists unwrapped. */
const unwrapped = (words: string): string => help(words).replace(/\s+/g, ' ');

t.test('every option stands in exactly one topic and in `all`', async (t) => {
  t.same(
    TOPICS.map(({ group }) => group),
    GROUPS,
  );
  t.equal(new Set(TOPIC_WORDS).size, TOPICS.length, 'the words differ');
  for (const [key, option] of Object.entries<Option>(OPTIONS)) {
    const { valueName } = option.type;
    const term =
      option.isFlag === false
        ? `${environmentNameOf(key)}=${valueName} `
        : ` ${`${flagTermOf(key, option)} ${valueName}`.trim()} ${option.help}`;
    const found = TOPICS.filter(({ word }) => unwrapped(word).includes(term));
    t.same(
      found.map(({ group }) => group),
      [option.group],
      term,
    );
    t.equal(unwrapped('all').split(term).length, 2, `${term} stands in all`);
    const facts = [
      option.isFlag === false ? 'only in the environment' : environmentNameOf(key),
      ...(option.default === 'false' ? [] : [`default ${option.default}`]),
    ];
    t.ok(
      unwrapped(found[0]!.word).includes(`${option.help} ${facts.join(', ')}`),
      `${term}: facts`,
    );
  }
});

t.test('a topic says what its placeholders stand for', async (t) => {
  t.match(help('limits'), /\nValues:\n {2}SIZE {2}bytes/);
  t.match(help('access'), /\nValues:\n {2}LIST .*\n {2}CIDR /);
  t.notMatch(help('logging'), 'Values:');
  t.match(help('all'), /\nValues:\n {2}SIZE .*\n {2}DURATION .*\n {2}LIST .*\n {2}CIDR /);
});

t.test('the controls of the echo, and the rules that it breaks', async (t) => {
  const text = help('echo-controls').replace(/\s+/g, ' ');
  for (const name of CONTROL_NAMES) {
    const { valueName, does } = controlOf(name);
    t.ok(text.includes(`${valueName === '' ? name : `${name}=${valueName}`} ${does}`), name);
  }
  t.match(text, 'such as delay=200ms');
  for (const name of BREAK_NAMES) {
    const { sends, client, section } = brokenRule(name);
    for (const part of [`${name} ${sends}`, client, section]) t.ok(text.includes(part), part);
  }
  t.notMatch(help('echo'), 'Controls:');
});

t.test('where values come from, and the exit status', async (t) => {
  for (const words of ['general', 'all']) {
    t.match(help(words), /TWIST_DEFAULT_MAX_MESSAGE/);
    for (const code of [0, 1, 2, 78]) t.match(help(words), new RegExp(`^  ${code} `, 'm'));
  }
  for (const code of [0, 1, 2]) t.match(help('convert all'), new RegExp(`^  ${code} `, 'm'));
});

t.test('an option, by its name, its flag or its key', async (t) => {
  for (const words of ['max-message', '--max-message', 'maxMessage', 'serve max-message']) {
    const text = help(words);
    t.match(text, /^Limits: .*\n {2}--max-message SIZE {2}/);
    t.match(text.replace(/\s+/g, ' '), OPTIONS.maxMessage.docs);
    t.match(text, /\nGive a size from 125 bytes/);
  }
});

t.test('topics after a command', async (t) => {
  for (const command of ['serve', 'config print', 'config check', 'config'])
    t.equal(help(`${command} limits`), help('limits'), command);
  t.match(help('config print'), / --json +print a configuration file/);
  t.notMatch(help('config check'), '--json');
});

t.test('the help of view', async (t) => {
  const text = help('view');
  t.match(text, 'Usage: twist view FILE');
  t.match(text, '--listen [HOST:]PORT');
  t.match(text, 'TWIST_INSPECT_TOKEN');
});

t.test('the help of convert', async (t) => {
  const text = help('convert');
  for (const heading of ['Output', 'Input', 'Filters', 'Examples'])
    t.match(text, `\n${heading}:\n`);
  t.notMatch(text, /<\w+>|Arguments/);
  t.match(help('convert all'), /\nMarks:\n {2}→ /);
});

t.test('what there is no help on is one sentence with the nearest word', async (t) => {
  for (const [words, sentence] of [
    ['limit', 'there is no help on "limit"; did you mean twist help limits?'],
    ['sevre', 'there is no help on "sevre"; did you mean twist help serve?'],
    ['max-mesage', 'there is no help on "max-mesage"; did you mean twist help max-message?'],
    ['nonsense', 'there is no help on "nonsense"'],
    ['limits more', 'there is no help on "limits more"'],
    ['convert limits', 'there is no help on "limits"; did you mean twist help limits?'],
  ] as const)
    t.throws(() => help(words), new CommanderError(1, 'commander.error', sentence), words);
});

t.test('the name of a command within commands', async (t) => {
  const config = new Command('twist').command('config');
  t.equal(fullName(config.command('print')), 'twist config print');
  t.ok(itemsOf(TOPICS[0]!).length > 0);
});
