import { Help, type Command, type Option as CommanderOption } from 'commander';
import { flagOf, flagTermOf, type Option, type OptionTable } from '../../config/options/option.js';
import { OPTIONS } from '../../config/options/options.js';
import { styled } from '../output/style.js';

/** Help is written for a terminal of this width, so that it reads the same everywhere. */
export const HELP_WIDTH = 80;

type Example = readonly [command: string, meaning: string];

const PROGRAM_EXAMPLES: readonly Example[] = [
  ['twist serve --echo', 'an echo server on ws://127.0.0.1:9001'],
  ['twist serve --tcp localhost:5900', 'a TCP service, for browsers'],
  ['twist serve --help', 'all options, with their defaults'],
  ['twist convert traffic.ndjson', 'a recording, to be read'],
  ['twist config print -c twist.json', 'every value, and where it comes from'],
];

const OPTION_EXAMPLES: readonly Example[] = [
  ['twist serve --echo', 'on ws://127.0.0.1:9001'],
  ['twist serve --echo --listen :8080', 'on port 8080, all addresses'],
  ['twist serve --tcp localhost:5900', 'in front of a VNC server'],
  ['twist serve --route /vnc=tcp:localhost:5900', 'the same on one path, else 404'],
  ['twist serve --mode ./chat.mjs', 'a mode of your own'],
  ['TWIST_MAX_MESSAGE=1m twist serve -c twist.json', 'from a file, with a change'],
];

const CONVERT_EXAMPLES: readonly Example[] = [
  ['twist convert a.ndjson', 'all of it, as text'],
  ['twist convert a.ndjson -f --since 1m', 'the last minute, and what comes'],
  ['twist convert a.ndjson --session 42DW', 'one session'],
  ['twist convert a.ndjson b.ndjson -o a.har', 'for the tools of browsers'],
  ['twist convert a.ndjson -o a.pcapng', 'for Wireshark'],
  ['twist convert - --grep hello', 'from a pipe, what is about hello'],
];

const CONVERT_RULES = `Times are UTC. Several filters let pass what all of them let pass. A file is
written under another name first and is there when it is whole; with --follow
that is when it is stopped (Ctrl-C). Lines that cannot be read are skipped and
reported. Files are read in the order in which they began, and merged by time.

As text, a line is the time, the end of the session's name, and what happened:
→ from the client, ← to it, with kind, length and payload; … more pieces of the
message follow on that side; • what happened to the session.`;

const CONVERT_EXIT_STATUS = `  0   all is well, also when some lines were damaged
  1   an input cannot be read or the output not be written, or all was damaged
  2   the command line is wrong`;

const RULES = `SIZE is a number of bytes, or 64k, 16m, 1g (powers of 1024). DURATION is 500ms,
30s, 5m or 2h. LIST has commas and no blanks. CIDR is an address or a range of
them, such as 10.0.0.0/8. [..] is the default.

Every option is also an environment variable, TWIST_ and its name in capitals
(TWIST_MAX_MESSAGE), and a key of the configuration file (maxMessage).
A flag wins over the environment, that over the file, that over the default
(which TWIST_DEFAULT_MAX_MESSAGE replaces, for images).`;

const EXIT_STATUS = `  0   all is well, a graceful stop included
  1   something failed at run time
  2   the command line is wrong
  78  the environment or the configuration file is wrong`;

/** What the help of the program ends in. */
export function programFooter(isStyled: boolean): string {
  return `\n${examples(PROGRAM_EXAMPLES, isStyled)}`;
}

/** What the help of a command with options ends in. */
export function optionsFooter(isStyled: boolean): string {
  return `\n${RULES}\n\n${examples(OPTION_EXAMPLES, isStyled)}\n\n${title('Exit status:', isStyled)}\n${EXIT_STATUS}`;
}

/** What the help of `twist convert` ends in. */
export function convertFooter(isStyled: boolean): string {
  return `\n${CONVERT_RULES}\n\n${examples(CONVERT_EXAMPLES, isStyled)}\n\n${title('Exit status:', isStyled)}\n${CONVERT_EXIT_STATUS}`;
}

/** How commander lays out help: options by group, their defaults, and few marks. */
export function helpLayout(isStyled: boolean): Partial<Help> {
  return {
    helpWidth: HELP_WIDTH,
    formatHelp: (command, helper) =>
      command.commands.length > 0
        ? formatShort(command, helper)
        : Help.prototype.formatHelp.call(helper, command, helper),
    styleTitle: (text) => title(text, isStyled),
    styleOptionTerm: (text) => styled('cyan', text, isStyled),
    styleSubcommandTerm: (text) => styled('cyan', text, isStyled),
    optionTerm,
    optionDescription,
    subcommandTerm: (command) => command.name(),
    commandUsage: (command) => {
      const names = command.registeredArguments.map((argument) => argument.name().toUpperCase());
      const words = [
        ...(command.commands.length > 0 ? ['COMMAND'] : names.map((name) => `${name}...`)),
      ];
      return [fullName(command), ...words, '[OPTIONS]'].join(' ');
    },
    visibleArguments: () => [],
  };
}

/** Help of a command that only has commands: those come first, because they are what one looks for. */
function formatShort(command: Command, helper: Help): string {
  const width = helper.padWidth(command, helper);
  const commands = helper
    .visibleCommands(command)
    .map((each) => item(helper.styleSubcommandTerm(helper.subcommandTerm(each)), each.summary()));
  const options = helper
    .visibleOptions(command)
    .map((each) =>
      item(helper.styleOptionTerm(helper.optionTerm(each)), helper.optionDescription(each)),
    );
  function item(term: string, description: string): string {
    return helper.formatItem(term, width, description, helper);
  }
  return [
    `${helper.styleTitle('Usage:')} ${helper.commandUsage(command)}`,
    '',
    command.description(),
    '',
    ...helper.formatItemList('Commands:', commands, helper),
    ...helper.formatItemList('Options:', options, helper),
  ].join('\n');
}

/** `twist config print` */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** Commander is only told that there is a value; people read what it is. */
function optionTerm(option: CommanderOption): string {
  const row = rowOf(option);
  if (row === undefined)
    return option.flags.replace(/<(.*)>/, (_, name: string) => name.toUpperCase());
  const key = option.attributeName();
  return option.flags
    .replace(flagOf(key), flagTermOf(key, row))
    .replace('<value>', row.type.valueName);
}

function optionDescription(option: CommanderOption): string {
  const row = rowOf(option);
  return row === undefined || row.default === 'false'
    ? option.description
    : `${option.description} [${row.default}]`;
}

/** @returns undefined for options that are not in the table, such as --help */
function rowOf(option: CommanderOption): Option | undefined {
  const row = (OPTIONS as OptionTable)[option.attributeName()];
  // Commands with options of their own have some of the same name, in other groups.
  return option.helpGroupHeading === `${String(row?.group)}:` ? row : undefined;
}

function examples(rows: readonly Example[], isStyled: boolean): string {
  const width = Math.max(...rows.map(([command]) => command.length));
  const lines = rows.map(
    ([command, meaning]) => `  ${command.padEnd(width)}  ${styled('dim', meaning, isStyled)}`,
  );
  return [title('Examples:', isStyled), ...lines].join('\n');
}

function title(text: string, isStyled: boolean): string {
  return styled('bold', text, isStyled);
}
