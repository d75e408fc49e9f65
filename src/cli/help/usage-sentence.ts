import type { Command, CommanderError } from 'commander';
import { MODES } from '../../config/chosen-modes.js';
import { didYouMean } from '../../config/suggestions.js';
import { type OptionTable, flagOf, flagRows } from '../../config/options/option.js';
import { SERVING_COMMANDS, fullName, rowOf } from './help.js';
import { argumentHint, commandHint, flagHint } from './usage-hints.js';

/**
 * @param command that is wrong, and whose help says more
 * @param error that commander gives up with
 * @param argv the whole command line
 * @returns one sentence that ends in what to do next
 */
export function usageSentence(
  table: OptionTable,
  command: Command,
  error: CommanderError,
  argv: readonly string[],
): string {
  const sentence = faultOf(table, command, error, argv);
  return sentence.endsWith('?') ? sentence : `${sentence}; see ${fullName(command)} --help`;
}

function faultOf(
  table: OptionTable,
  command: Command,
  { code, message }: CommanderError,
  argv: readonly string[],
): string {
  switch (code) {
    case 'commander.unknownOption':
      return unknownOption(table, command, quoted(message), argv);
    case 'commander.unknownCommand': {
      const word = quoted(message);
      const names = command.commands.map((one) => one.name());
      return `unknown command '${word}'${commandHint(table, word, argv) || didYouMean(word, names)}`;
    }
    case 'commander.optionMissingArgument': {
      const flags = quoted(message);
      const option = command.options.find((one) => one.flags === flags)!;
      const needed = `--${option.name()} needs a value`;
      const row = rowOf(option);
      return row === undefined ? needed : `${needed}: ${row.type.clause}`;
    }
    case 'commander.excessArguments': {
      const given = command.opts();
      const hasMode = MODES.some((key) => given[key] !== undefined);
      const hint = argumentHint(table, command.args, argv, hasMode);
      return `unexpected argument ${JSON.stringify(command.args[0])}${hint}`;
    }
    default:
      // It was written here.
      return message;
  }
}

function unknownOption(
  table: OptionTable,
  command: Command,
  word: string,
  argv: readonly string[],
): string {
  const [flag = ''] = word.split('=');
  // Commander knows `--echo` and therefore not `--echo=yes`.
  if (command.options.some(({ long }) => long === flag)) return `${flag} takes no value`;
  const hint = flagHint(table, word, argv[argv.indexOf(word) + 1], fullName(command));
  return `unknown option '${word}'${hint || didYouMean(flag, flagsOf(table, command))}`;
}

/** The flags that are known where a command is, those of the commands that it belongs to included. */
function flagsOf(table: OptionTable, command: Command): string[] {
  // A command was given only those of the table that the words can mean.
  const ofTable = SERVING_COMMANDS.includes(fullName(command))
    ? flagRows(table).map(([key]) => flagOf(key))
    : [];
  const others = command.options
    .filter((option) => !option.hidden)
    .map((option) => `--${option.name()}`);
  const own = [...new Set([...ofTable, ...others])];
  return command.parent === null ? ['--help', ...own] : [...own, ...flagsOf(table, command.parent)];
}

/** The word that a message of commander's is about: no other part of it is quoted. */
function quoted(message: string): string {
  return message.slice(message.indexOf("'") + 1, message.lastIndexOf("'"));
}
