/** The command line as completion needs it: which words there are, and what can follow each. */
import type { Command, Option as CommanderOption } from 'commander';
import type { Option } from '../../config/options/option.js';
import { RECORD_KINDS } from '../../recording/convert/conditions.js';
import { FORMAT_NAMES } from '../convert/options.js';
import { fullName, rowOf } from '../help/help.js';
import { TOPICS } from '../help/topics.js';
import { SHELLS } from './shells.js';

/** What a value or an operand can be; words for one of them, or several separated by commas. */
export type Completed = 'file' | 'directory' | 'anything' | readonly string[];

export interface CompletedOption {
  /** `-o`, `--out`; for a switch `--echo`, `--no-echo` */
  readonly flags: readonly string[];
  readonly help: string;
  /** Null for a switch. */
  readonly value: Completed | null;
  readonly isRepeatable: boolean;
}

export interface CompletedCommand {
  /** `config print`; empty for twist itself. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** What can follow that is no option, as often as one likes. */
  readonly operand: Completed | null;
}

type Leaf = Omit<CompletedCommand, 'operand'>;

/** A word that can follow `twist`. */
export interface FirstWord {
  readonly word: string;
  readonly summary: string;
  /** It is no command by itself: a second word has to follow. */
  readonly isParent: boolean;
}

export interface CommandLine {
  /** What can be said without a command. */
  readonly twist: CompletedCommand;
  readonly firstWords: readonly FirstWord[];
  readonly commands: readonly CompletedCommand[];
}

/** Values of options that are not in the table. */
const OWN_VALUES: Readonly<Record<string, Completed>> = {
  '--to': FORMAT_NAMES,
  '--out': 'file',
  '--time': ['clock', 'relative', 'delta'],
  '--color': ['auto', 'always', 'never'],
  '--dir': ['in', 'out'],
  '--kind': RECORD_KINDS,
};

/** What the placeholders of the table stand for. */
const PLACEHOLDERS: Readonly<Record<string, Completed>> = {
  FILE: 'file',
  PATH: 'file',
  DIR: 'directory',
};

const HELP: CompletedOption = {
  flags: ['-h', '--help'],
  help: 'show help',
  value: null,
  isRepeatable: false,
};

/** @param program with all its options */
export function commandLine(program: Command): CommandLine {
  const [twist, ...commands] = leavesOf(program);
  const firstWords = program.commands.map((command) => ({
    word: command.name(),
    summary: command.summary(),
    isParent: command.commands.length > 0,
  }));
  const topics = TOPICS.map(({ word }) => word);
  const operands: Readonly<Record<string, Completed>> = {
    help: [...firstWords.map(({ word }) => word), ...topics, 'all'],
    convert: 'file',
    view: 'file',
    completion: SHELLS,
  };
  const complete = (one: Leaf): CompletedCommand => ({
    ...one,
    operand: operands[one.name] ?? null,
  });
  return { twist: complete(twist), firstWords, commands: commands.map(complete) };
}

/** The commands that do something, and twist itself. */
function leavesOf(command: Command): [Leaf, ...Leaf[]] {
  const name = fullName(command).replace(/^twist ?/, '');
  // The help of a command's own commands is hidden: `--help` does the same.
  const commands = command.commands.filter((one) => !(name !== '' && one.name() === 'help'));
  const [first, ...others] = commands.flatMap(leavesOf);
  if (name !== '' && first !== undefined) return [first, ...others];
  const options = [...optionsOf(command), HELP];
  return [
    { name, summary: command.summary(), options },
    ...(first === undefined ? [] : [first, ...others]),
  ];
}

function optionsOf({ options }: Command): CompletedOption[] {
  const negatives = options.filter(({ negate }) => negate);
  // A negative one may stand alone: what it switches off is on by itself.
  const others = options.filter(
    (option) =>
      !option.negate ||
      options.every((one) => one.negate || one.attributeName() !== option.attributeName()),
  );
  return others.map((option): CompletedOption => {
    const { short, long, description, required } = option;
    const row = rowOf(option);
    const negative = negatives.find(
      (one) => one !== option && one.attributeName() === option.attributeName(),
    );
    return {
      flags: [short, long, negative?.long].filter((flag) => flag !== undefined),
      help: description,
      value: required ? valueOf(option, row) : null,
      isRepeatable: row?.type.isRepeatable === true,
    };
  });
}

function valueOf({ long }: CommanderOption, row: Option | undefined): Completed {
  if (row === undefined) return OWN_VALUES[long!] ?? 'anything';
  const { words, valueName } = row.type;
  return words ?? PLACEHOLDERS[valueName] ?? 'anything';
}
