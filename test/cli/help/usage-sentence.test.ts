import { Command, CommanderError, Option } from 'commander';
import t from 'tap';
import { usageSentence } from '../../../src/cli/help/usage-sentence.js';
import { OPTIONS } from '../../../src/config/options/options.js';

/** Some of the command line; what it gives up with comes from commander itself. */
function program(): { readonly top: Command; readonly serve: Command; readonly read: Command } {
  const top = new Command('twist').option('-V, --version');
  const serve = top
    .command('serve')
    .addOption(new Option('--max-headers <value>').helpGroup('Limits'))
    .addOption(new Option('--max-head <value>').helpGroup('Limits'))
    .addOption(new Option('-c, --config <value>').helpGroup('General'))
    .addOption(new Option('--echo').helpGroup('Mode'))
    .addOption(new Option('--no-echo').helpGroup('Mode').hideHelp())
    .action(() => undefined);
  const read = top
    .command('read')
    .addOption(new Option('--to <format>').helpGroup('Output'))
    .addOption(new Option('--session <id>').helpGroup('Filters'))
    .action(() => undefined);
  for (const command of [top, serve, read])
    command
      .showSuggestionAfterError(false)
      .exitOverride()
      .configureOutput({
        outputError: () => undefined,
      });
  return { top, serve, read };
}

function sentenceOn(line: string, problem?: string): string {
  const commands = program();
  const argv = line.split(' ');
  const command = { serve: commands.serve, read: commands.read }[argv[0]!] ?? commands.top;
  try {
    commands.top.parse(argv, { from: 'user' });
    return command.error(problem!);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return usageSentence(OPTIONS, command, error, argv);
  }
}

t.test('one sentence that ends in what to do next', async (t) => {
  for (const [line, sentence] of [
    ['serve --foo', "unknown option '--foo'; see twist serve --help"],
    ['serve --ecko', "unknown option '--ecko'; did you mean --echo?"],
    ['serve --max-hea', "unknown option '--max-hea'; did you mean --max-head?"],
    ['serve --versio', "unknown option '--versio'; did you mean --version?"],
    ['serve --hlep', "unknown option '--hlep'; did you mean --help?"],
    ['serv', "unknown command 'serv'; did you mean serve?"],
    ['foo', "unknown command 'foo'; see twist --help"],
    ["it's", `unknown command 'it's'; see twist --help`],
    [
      'serve --max-headers',
      '--max-headers needs a value: give a whole number from 5 to 10000; see twist serve --help',
    ],
    ['serve -c', '--config needs a value: give the path of a file, or off; see twist serve --help'],
    ['read --to', '--to needs a value; see twist read --help'],
    ['read --session', '--session needs a value; see twist read --help'],
    ['serve --echo=yes', '--echo takes no value; see twist serve --help'],
    ['serve --no-echo=yes', '--no-echo takes no value; see twist serve --help'],
    ['serve --port 9001', "unknown option '--port'; did you mean --listen 9001?"],
    ['serve --port --cors', "unknown option '--port'; did you mean --listen PORT?"],
    ['serve --cors *', "unknown option '--cors'; did you mean --origin LIST?"],
    [
      'serve --ssl',
      "unknown option '--ssl': for TLS give --tls-cert FILE and --tls-key FILE, both in PEM; see twist serve --help",
    ],
    ['echo', "unknown command 'echo'; did you mean twist serve --echo?"],
    ['serve --tcp=a:1', "unknown option '--tcp=a:1'; did you mean --tcp a:1?"],
    ['serve --foo=yes', "unknown option '--foo=yes'; see twist serve --help"],
    ['serve --echo a:1', 'unexpected argument "a:1"; did you mean --listen a:1?'],
    ['serve foo', 'unexpected argument "foo"; see twist serve --help'],
  ] as const)
    t.equal(sentenceOn(line), sentence, line);
});

t.test('what was found wrong here is said as it is', async (t) => {
  const sentence = sentenceOn('serve', 'choose a mode: --echo');
  t.equal(sentence, 'choose a mode: --echo; see twist serve --help');
});
