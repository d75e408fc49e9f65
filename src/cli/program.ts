import { Command, CommanderError, Option as CommanderOption } from 'commander';
import { flagOf, flagRows, keyOf, negativeFlagOf, type Option } from '../config/options/option.js';
import { OPTIONS } from '../config/options/options.js';
import type { Flags } from '../config/text-sources.js';
import { ExitCode } from './exit-code.js';
import { type Shell, SHELLS } from './completion/shells.js';
import { convertOptions, type ConvertFlags } from './convert/options.js';
import { helpText } from './help/help.js';
import { helpWidth } from './help/help-page.js';
import type { Io } from './io.js';
import { complain } from './output/log.js';
import { hasColor } from './output/style.js';
import { viewOptions, type ViewFlags } from './view/options.js';
import { usageSentence } from './help/usage-sentence.js';

/** What the commands do. Each gets the flags that were given. */
export interface Actions {
  /** @param fail reports wrong usage */
  serve(flags: Flags, fail: (problem: string) => never): Promise<void>;
  printConfig(flags: Flags, isJson: boolean): Promise<void>;
  checkConfig(flags: Flags): Promise<void>;
  /** @param pid the process whose options are meant, if one was given */
  healthcheck(flags: Flags, pid: string | undefined): Promise<void>;
  convert(inputs: readonly string[], flags: ConvertFlags): Promise<void>;
  view(inputs: readonly string[], flags: ViewFlags): Promise<void>;
  completion(shell: Shell): Promise<void>;
}

/**
 * The command line, made from the option table. Parsing it throws commander's `CommanderError` when
 * the process has nothing more to do: after help or the version, which {@link isAnswer} tells, and after
 * wrong usage, for which the sentence is written.
 */
export function createProgram(io: Io, version: string, actions: Actions): Command {
  const program = command(new Command('twist'), io)
    .description('A WebSocket server in one command.')
    .version(`twist ${version}`, '-V, --version')
    .addOption(new CommanderOption('--licenses', 'print the licenses of all that is in twist'));

  const withOptions = optionsFor(io.argv);
  const serve = command(program.command('serve'), io)
    .summary('run the server')
    .description('Runs a WebSocket server: what it does with messages is its mode.');
  withOptions(serve).action(() => actions.serve(flagsOf(serve), (problem) => serve.error(problem)));

  const config = command(program.command('config'), io)
    .summary('print or check the configuration')
    .description('Shows what twist serve would run with, without running it.');

  const print = command(config.command('print'), io)
    .summary('show every value and its source')
    .description('Shows every value in force and where it comes from. Secrets are hidden.')
    .addOption(new CommanderOption('--json', 'print a configuration file instead'));
  withOptions(print).action(() => {
    const { json, ...flags } = flagsOf(print);
    return actions.printConfig(flags, json === true);
  });

  const check = command(config.command('check'), io)
    .summary('check the configuration')
    .description('Says whether the configuration is valid: exit status 0, or 78 if it is not.');
  withOptions(check).action(() => actions.checkConfig(flagsOf(check)));

  const health = command(program.command('healthcheck'), io)
    .summary('ask a running server whether it is ready')
    .description(
      'Asks the server that runs with these options: exit status 0 if it is ready for clients, else 1. For HEALTHCHECK in images.',
    )
    .addOption(
      new CommanderOption('--pid <number>', 'the options that this process was started with'),
    );
  withOptions(health).action(() => {
    const { pid, ...flags } = flagsOf(health);
    if (pid !== undefined && Object.keys(flags).length > 0)
      health.error('--pid stands for all options of the server, so give no other');
    return actions.healthcheck(flags, pid as string | undefined);
  });

  const convert = command(program.command('convert'), io)
    .summary('show a recording or convert it to another format')
    .description('Reads recordings and writes them in another format. - is standard input.')
    .argument('[file...]');
  for (const option of convertOptions()) convert.addOption(option);
  refuseRepeats(convert);
  convert.action((inputs: readonly string[]) =>
    actions.convert(inputs, convert.opts<ConvertFlags>()),
  );

  const view = command(program.command('view'), io)
    .summary('look at a recording in a browser')
    .description(
      'Shows a recording on the page that twist serve --inspect has, and serves nothing else. - is standard input.',
    )
    .argument('[file...]');
  for (const option of viewOptions()) view.addOption(option);
  refuseRepeats(view);
  view.action((inputs: readonly string[]) => actions.view(inputs, view.opts<ViewFlags>()));

  const completion = command(program.command('completion'), io)
    .summary('print a script that completes commands and options')
    .description('Prints what has a shell complete the command line: see docs/install.md.')
    .argument('[shell]');
  completion.action((shell: string | undefined) => {
    const known = SHELLS.find((one) => one === shell);
    return actions.completion(known ?? completion.error(`name a shell: ${SHELLS.join(', ')}`));
  });
  addHelpCommand(program, io).summary('explain a command, a topic or an option');
  addHelpCommand(config, io, { hidden: true });
  return program;
}

/**
 * Runs the command line.
 * @returns the exit status where commander has said all there is to say; null after an action
 */
export async function runProgram(
  io: Io,
  version: string,
  actions: Actions,
): Promise<ExitCode | null> {
  try {
    await createProgram(io, version, actions).parseAsync(io.argv, { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return isAnswer(error) ? ExitCode.Ok : ExitCode.Usage;
  }
}

/** Whether commander ends with what was asked for: help, also in place of a command, or the version. */
function isAnswer({ exitCode, code }: CommanderError): boolean {
  return exitCode === 0 || code === 'commander.help';
}

/** What all commands have in common. */
function command(made: Command, io: Io): Command {
  return made
    .configureHelp({ formatHelp: (asked) => helpOn(asked, wordsAfterHelp(io.argv), io) })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // To commander a missing subcommand is an error; to us it is a question.
      writeErr: (text) => io.stdout.write(text),
      outputError: () => undefined,
      // Whether there are colors is decided where the page is set.
      getOutHasColors: () => true,
      getErrHasColors: () => true,
    })
    .helpOption('-h, --help')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride((error) => {
      if (error.code === 'commander.excessArguments' && made.args[0] === 'help') made.help();
      if (!isAnswer(error)) complain(io, usageSentence(OPTIONS, made, error, io.argv));
      throw error;
    });
}

function helpOn(asked: Command, words: readonly string[], { stdout, env }: Io): string {
  const isStyled = hasColor(stdout, env);
  return helpText(asked, words, { width: helpWidth(stdout, env), isStyled });
}

/** `recording` of `twist serve --help recording` */
function wordsAfterHelp(argv: readonly string[]): readonly string[] {
  const start = argv.findIndex((word) => HELP_WORDS.includes(word)) + 1;
  if (start === 0) return [];
  const end = argv.findIndex((word, index) => index >= start && word.startsWith('-'));
  return argv.slice(start, end === -1 ? undefined : end);
}

/**
 * What gives a command the options of the table. Commander compares each with all others, so that they take
 * milliseconds, and only those are made that the words can mean: all, where they ask for help
 * (docs/adr/0040-start.md).
 */
function optionsFor(argv: readonly string[]): (to: Command) => Command {
  const flags = argv.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]!);
  const letters = argv.filter((word) => /^-[^-]/.test(word)).join('');
  const isForHelp =
    argv.length === 0 || HELP_WORDS.some((word) => argv.includes(word)) || letters.includes('h');
  // Flags are made into keys, not the other way round: there are fewer of them.
  const keys = new Set(flags.flatMap((flag) => [keyOf(flag), keyOf(flag.replace('--no-', '--'))]));
  const isMeant = (key: string, { short }: Option): boolean =>
    keys.has(key) || (short !== undefined && letters.includes(short));
  const rows = flagRows(OPTIONS).filter(([key, row]) => isForHelp || isMeant(key, row));
  return (to) => {
    for (const [key, option] of rows) addOption(to, key, option);
    refuseRepeats(to);
    return to;
  };
}

const HELP_WORDS = ['-h', '--help', 'help'];

function addOption(to: Command, key: string, { group, type, help, short }: Option): void {
  const flags = [...(short === undefined ? [] : [`-${short}`]), flagOf(key)].join(', ');
  if (type.valueName === '') {
    const negative = new CommanderOption(negativeFlagOf(key)).hideHelp();
    to.addOption(new CommanderOption(flags, help).helpGroup(group)).addOption(negative);
    return;
  }
  const made = new CommanderOption(`${flags} <value>`, help).helpGroup(group);
  if (type.isRepeatable) {
    made.argParser((text, earlier: readonly string[] | undefined) => [...(earlier ?? []), text]);
  }
  to.addOption(made);
}

/**
 * Two values for one option are a mistake, most likely of a script that adds to what another one wrote.
 * We do not guess which of them was meant.
 */
function refuseRepeats(to: Command): void {
  const earlier = new Map<string, string>();
  for (const option of to.options) {
    // A repeatable flag collects all its values.
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

/** `twist help serve`, `twist help recording` and `twist config help print`. */
function addHelpCommand(to: Command, io: Io, options = {}): Command {
  return command(to.command('help [word...]', options), io)
    .allowUnknownOption()
    .action((words: readonly string[]) => {
      io.stdout.write(helpOn(to, words, io));
    });
}

function flagsOf(parsed: Command): Flags {
  return parsed.opts<Flags>();
}
