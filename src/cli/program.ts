import { Command, Option as CommanderOption } from 'commander';
import { MODES } from '../config/chosen-modes.js';
import { GROUPS, flagOf, flagRows, negativeFlagOf, type Option } from '../config/options/option.js';
import { OPTIONS } from '../config/options/options.js';
import type { Flags } from '../config/text-sources.js';
import { complain } from './complain.js';
import { convertOptions, type ConvertFlags } from './convert/options.js';
import { convertFooter, fullName, helpLayout, optionsFooter, programFooter } from './help/help.js';
import type { Io } from './io.js';
import { hasColor } from './output/style.js';
import { argumentHint } from './help/usage-hints.js';
import { usageSentence } from './help/usage-sentence.js';

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
  withOptions(serve, io).action(() =>
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
  withOptions(print, io).action(() => {
    const { json, ...flags } = flagsOf(print);
    actions.printConfig(flags, json === true);
  });

  const check = command(config.command('check'), io)
    .summary('say whether the configuration is valid')
    .description('Says whether the configuration is valid, with exit status 0 or 78.');
  withOptions(check, io).action(() => actions.checkConfig(flagsOf(check)));

  const convert = command(program.command('convert'), io)
    .summary('show a recording, or make another format of it')
    .description(
      'Reads recordings, one after the other, and writes them as text or in another format. - is standard input.',
    )
    .argument('[file...]')
    .addHelpText('after', convertFooter(isStyled));
  for (const option of convertOptions()) convert.addOption(option);
  refuseRepeats(convert);
  convert.action((inputs: readonly string[]) =>
    actions.convert(inputs, convert.opts<ConvertFlags>()),
  );
  addHelpCommand(program, io);
  addHelpCommand(config, io);
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
        complain(io, usageSentence(OPTIONS, text, fullName(made), io.argv));
      },
      getOutHasColors: () => isStyled,
      getErrHasColors: () => isStyled,
    })
    .addHelpOption(new CommanderOption('-h, --help', 'show this help').helpGroup('General:'))
    .helpCommand(false)
    .exitOverride();
}

/** Gives a command all options of the table. */
function withOptions(to: Command, io: Io): Command {
  const rows = flagRows(OPTIONS);
  for (const group of GROUPS) {
    for (const [key, option] of rows.filter(([, row]) => row.group === group))
      addOption(to, key, option);
  }
  to.allowExcessArguments()
    .hook('preAction', () => {
      refuseArguments(to, io.argv);
    })
    .addHelpText('after', optionsFooter(hasColor(io.stdout, io.env)));
  refuseRepeats(to);
  return to;
}

function addOption(to: Command, key: string, { group, type, help, short }: Option): void {
  const flags = [...(short === undefined ? [] : [`-${short}`]), flagOf(key)].join(', ');
  const heading = `${group}:`;
  if (type.valueName === '') {
    const negative = new CommanderOption(negativeFlagOf(key)).hideHelp();
    to.addOption(new CommanderOption(flags, help).helpGroup(heading)).addOption(negative);
    return;
  }
  const made = new CommanderOption(`${flags} <value>`, help).helpGroup(heading);
  if (type.isRepeatable) {
    made.argParser((text, earlier: readonly string[] | undefined) => [...(earlier ?? []), text]);
  }
  to.addOption(made);
}

/** No command takes arguments without a flag; who writes one most likely means an option. */
function refuseArguments(to: Command, argv: readonly string[]): void {
  const [argument] = to.args;
  if (argument === undefined) return;
  if (argument === 'help') to.help();
  const given = flagsOf(to);
  const hasMode = MODES.some((key) => given[key] !== undefined);
  const hint = argumentHint(OPTIONS, to.args, argv, hasMode);
  to.error(`unexpected argument ${JSON.stringify(argument)}${hint}`);
}

/**
 * Two values for one option are a mistake, most likely of a script that adds to what another one has
 * written. Which of them was meant is not for us to guess.
 */
function refuseRepeats(to: Command): void {
  const earlier = new Map<string, string>();
  for (const option of to.options) {
    // A flag that may be repeated has all its values put together.
    if (option.parseArg !== undefined) continue;
    const { required: hasValue } = option;
    const flag = `--${option.name()}`;
    to.on(`option:${option.name()}`, (value: unknown) => {
      const first = earlier.get(option.attributeName());
      const written = hasValue ? JSON.stringify(value) : flag;
      earlier.set(option.attributeName(), written);
      if (first === undefined) return;
      if (hasValue) to.error(`${flag} is given twice, as ${first} and as ${written}`);
      if (first !== written) to.error(`${first} and ${written} contradict each other`);
    });
  }
}

/** `twist help serve` and `twist config help`, as other commands have it; no help needs to mention it. */
function addHelpCommand(to: Command, io: Io): void {
  command(to.command('help [command...]', { hidden: true }), io).action(
    (names: readonly string[]) => {
      const asked = names.reduce((at, name) => {
        const found = at.commands.find((one) => one.name() === name);
        return found ?? at.error(`error: unknown command '${name}'`);
      }, to);
      asked.help();
    },
  );
}

function flagsOf(parsed: Command): Flags {
  return parsed.opts<Flags>();
}
