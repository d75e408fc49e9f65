/** The command line as completion needs it: which words there are, and what can follow each. */
import type { Command, Option as CommanderOption } from 'commander';
import type { Option } from '../../config/options/option.js';
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

/** All commands; the first one is twist itself. */
export type CommandLine = readonly [twist: CompletedCommand, ...CompletedCommand[]];

/** Values of options that are not in the table. */
const OWN_VALUES: Readonly<Record<string, Completed>> = {
  '--to': FORMAT_NAMES,
  '--out': 'file',
  '--time': ['clock', 'relative', 'delta'],
  '--color': ['auto', 'always', 'never'],
  '--dir': ['in', 'out'],
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
  const names = commands.map(({ name }) => name.split(' ')[0]!);
  const topics = TOPICS.map(({ word }) => word);
  const operands: Readonly<Record<string, Completed>> = {
    help: [...new Set(names), ...topics, 'all'],
    convert: 'file',
    completion: SHELLS,
  };
  const complete = (one: Leaf): CompletedCommand => ({
    ...one,
    operand: operands[one.name] ?? null,
  });
  return [complete(twist), ...commands.map(complete)];
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
  const positive = options.filter(({ negate }) => !negate);
  const negatives = options.filter(({ negate }) => negate);
  return positive.map((option): CompletedOption => {
    const { short, long, description, required } = option;
    const row = rowOf(option);
    const negative = negatives.find((one) => one.attributeName() === option.attributeName());
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
