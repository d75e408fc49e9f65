import { Command, Option } from 'commander';
import t from 'tap';
import {
  HELP_WIDTH,
  convertFooter,
  fullName,
  helpLayout,
  optionsFooter,
  programFooter,
} from '../../../src/cli/help/help.js';
import { OPTIONS } from '../../../src/config/options/options.js';

const ESCAPES = /\u001b\[\d+m/g; // eslint-disable-line no-control-regex

/** A small command line with the layout; commander asks for colours apart. */
function program(isStyled: boolean): Command {
  const layout = (command: Command): Command =>
    command
      .configureHelp(helpLayout(isStyled))
      .configureOutput({ getOutHasColors: () => isStyled })
      .helpCommand(false)
      .addHelpOption(new Option('-h, --help', 'show this help').helpGroup('General:'));
  const top = layout(new Command('twist'))
    .description('A server.')
    .version('1', '-V, --version', 'print the version');
  layout(top.command('serve'))
    .summary('run it')
    .description('Runs it.')
    .addOption(new Option('--max-message <value>', 'largest message').helpGroup('Limits:'))
    .addOption(new Option('--echo', 'echo').helpGroup('Mode:'))
    .addOption(new Option('--deflate', 'compress').helpGroup('Extensions:'))
    .addOption(new Option('-c, --config <value>', 'file').helpGroup('General:'));
  layout(top.command('read'))
    .summary('read it')
    .description('Reads it.')
    .argument('[file...]')
    .addOption(new Option('-o, --out <file>', 'where to').helpGroup('Output:'))
    .addOption(new Option('--session <id>', 'which one').helpGroup('Output:'));
  return top;
}

t.test('a command with commands shows them first', async (t) => {
  t.equal(
    program(false).helpInformation(),
    [
      'Usage: twist COMMAND [OPTIONS]',
      '',
      'A server.',
      '',
      'Commands:',
      '  serve          run it',
      '  read           read it',
      '',
      'Options:',
      '  -V, --version  print the version',
      '  -h, --help     show this help',
      '',
    ].join('\n'),
  );
});

t.test(
  'a command with options shows them by group, with what the table says of them',
  async (t) => {
    t.equal(
      program(false).commands[0]?.helpInformation(),
      [
        'Usage: twist serve [OPTIONS]',
        '',
        'Runs it.',
        '',
        'Limits:',
        `  --max-message SIZE  largest message [${OPTIONS.maxMessage.default}]`,
        '',
        'Mode:',
        '  --echo              echo',
        '',
        'Extensions:',
        '  --[no-]deflate      compress [auto]',
        '',
        'General:',
        '  -c, --config FILE   file [off]',
        '  -h, --help          show this help',
        '',
      ].join('\n'),
    );
  },
);

t.test('a command with arguments, and with options that are its own', async (t) => {
  t.equal(
    program(false).commands[1]?.helpInformation(),
    [
      'Usage: twist read FILE... [OPTIONS]',
      '',
      'Reads it.',
      '',
      'Output:',
      '  -o, --out FILE  where to',
      '  --session ID    which one',
      '',
      'General:',
      '  -h, --help      show this help',
      '',
    ].join('\n'),
  );
});

t.test('colour changes nothing but the colour', async (t) => {
  for (const [styled, plain] of [
    [program(true).helpInformation(), program(false).helpInformation()],
    [
      program(true).commands[0]?.helpInformation() ?? '',
      program(false).commands[0]?.helpInformation(),
    ],
    [programFooter(true), programFooter(false)],
    [optionsFooter(true), optionsFooter(false)],
    [convertFooter(true), convertFooter(false)],
  ] as const) {
    t.match(styled, ESCAPES);
    t.equal(styled.replace(ESCAPES, ''), plain);
  }
});

t.test('footers: examples in columns, exit codes, nothing wider than a terminal', async (t) => {
  for (const footer of [programFooter(false), optionsFooter(false), convertFooter(false)]) {
    for (const line of footer.split('\n')) t.ok(line.length <= HELP_WIDTH, line);
    const examples = /Examples:\n((?: {2}.*\n?)+)/.exec(footer)?.[1]?.trimEnd().split('\n') ?? [];
    t.ok(examples.length >= 3 && examples.length <= 6);
    for (const example of examples) t.match(example, /^ {2}(TWIST_\w+=\S+ )?twist (\S+ )+ +\w/);
  }
  for (const code of [0, 1, 2, 78]) t.match(optionsFooter(false), new RegExp(`^  ${code} `, 'm'));
  for (const code of [0, 1, 2]) t.match(convertFooter(false), new RegExp(`^  ${code} `, 'm'));
  t.match(optionsFooter(false), /TWIST_/);
});

t.test('the name of a command within commands', async (t) => {
  const config = new Command('twist').command('config');
  t.equal(fullName(config.command('print')), 'twist config print');
});
