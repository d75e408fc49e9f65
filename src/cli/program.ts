import { Command, Option as CommanderOption } from 'commander';
import { parseListenAddress } from '../config/listen-text.js';
import { didYouMean } from '../config/nearest-name.js';
import { GROUPS, flagOf, flagRows, negativeFlagOf, type Option } from '../config/option.js';
import { OPTIONS } from '../config/options.js';
import type { Flags } from '../config/flags.js';
import { convertOptions, type ConvertFlags } from './convert-options.js';
import { convertFooter, fullName, helpLayout, optionsFooter, programFooter } from './help.js';
import type { Io } from './io.js';
import { hasColor } from './style.js';
import { usageSentence } from './usage-sentence.js';

/** What the commands do. Each gets the flags that were given and says what the exit status is. */
export interface Actions {
  /** @param fail reports wrong usage */
  serve(flags: Flags, fail: (problem: string) => never): Promise<void>;
  printConfig(flags: Flags, isJson: boolean): void;
  checkConfig(flags: Flags): Promise<void>;
  convert(inputs: readonly string[], flags: ConvertFlags): Promise<void>;
}

/**
 * The command line, made from the option table. Parsing it throws commander's `CommanderError` when
 * the process has nothing more to do: after help or the version (exit code 0), and after wrong usage,
 * for which the sentence is written.
 */
export function createProgram(io: Io, version: string, actions: Actions): Command {
  const isStyled = hasColor(io.stdout, io.env);
  const program = command(new Command('twist'), io)
    .description('A WebSocket server in one command.')
    .version(`twist ${version}`, '-V, --version', 'print the version')
    .addHelpText('after', programFooter(isStyled));

  const serve = command(program.command('serve'), io)
    .summary('run the server')
    .description(
      'Listens, answers opening handshakes, and gives every message to the mode you choose.',
    );
  withOptions(serve, isStyled).action(() =>
    actions.serve(flagsOf(serve), (problem) => serve.error(problem)),
  );

  const config = command(program.command('config'), io)
    .summary('print or check the configuration')
    .description('Shows what serve would run with, without running it.');

  const print = command(config.command('print'), io)
    .summary('show every value and its source')
    .description('Shows every value in force and where it comes from. Secrets are hidden.')
    .addOption(
      new CommanderOption('--json', 'print a configuration file instead').helpGroup('Output:'),
    );
  withOptions(print, isStyled).action(() => {
    const { json, ...flags } = flagsOf(print);
    actions.printConfig(flags, json === true);
  });

  const check = command(config.command('check'), io)
    .summary('say whether the configuration is valid')
    .description('Says whether the configuration is valid, with exit status 0 or 78.');
  withOptions(check, isStyled).action(() => actions.checkConfig(flagsOf(check)));

  const convert = command(program.command('convert'), io)
    .summary('show a recording, or make another format of it')
    .description(
      'Reads recordings, one after the other, and writes them as text or in another format. - is standard input.',
    )
    .argument('[file...]')
    .addHelpText('after', convertFooter(isStyled));
  for (const option of convertOptions()) convert.addOption(option);
  convert.action((inputs: readonly string[]) =>
    actions.convert(inputs, convert.opts<ConvertFlags>()),
  );
  return program;
}

/** What all commands have in common. */
function command(made: Command, io: Io): Command {
  const isStyled = hasColor(io.stdout, io.env);
  return made
    .configureHelp(helpLayout(isStyled))
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Commander takes a command without its subcommand for an error; we take it for a question.
      writeErr: (text) => io.stdout.write(text),
      outputError: (text) => {
        io.stderr.write(`twist: ${usageSentence(OPTIONS, text, fullName(made))}\n`);
      },
      getOutHasColors: () => isStyled,
      getErrHasColors: () => isStyled,
    })
    .addHelpOption(new CommanderOption('-h, --help', 'show this help').helpGroup('General:'))
    .helpCommand(false)
    .exitOverride();
}

/** Gives a command all options of the table. */
function withOptions(to: Command, isStyled: boolean): Command {
  const rows = flagRows(OPTIONS);
  for (const group of GROUPS) {
    for (const [key, option] of rows.filter(([, row]) => row.group === group))
      addOption(to, key, option);
  }
  return to
    .allowExcessArguments()
    .hook('preAction', () => {
      refuseArguments(to);
    })
    .addHelpText('after', optionsFooter(isStyled));
}

function addOption(to: Command, key: string, { group, kind, help, short }: Option): void {
  const flags = [...(short === undefined ? [] : [`-${short}`]), flagOf(key)].join(', ');
  const heading = `${group}:`;
  if (kind.valueName === '') {
    const negative = new CommanderOption(negativeFlagOf(key)).hideHelp();
    to.addOption(new CommanderOption(flags, help).helpGroup(heading)).addOption(negative);
    return;
  }
  const made = new CommanderOption(`${flags} <value>`, help).helpGroup(heading);
  if (kind.isRepeatable) {
    made.argParser((text, earlier: readonly string[] | undefined) => [...(earlier ?? []), text]);
  }
  to.addOption(made);
}

/** No command takes arguments without a flag; who writes one most likely means an option. */
function refuseArguments(to: Command): void {
  const [argument] = to.args;
  if (argument === undefined) return;
  const hint =
    parseListenAddress(argument) === null
      ? didYouMean(
          argument,
          flagRows(OPTIONS).map(([key]) => flagOf(key)),
        )
      : `; did you mean --listen ${argument}?`;
  to.error(`unexpected argument ${JSON.stringify(argument)}${hint}`);
}

function flagsOf(parsed: Command): Flags {
  return parsed.opts<Flags>();
}
