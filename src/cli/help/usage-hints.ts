/** What an unknown command line most likely meant. */
import {
  type OptionTable,
  environmentNameOf,
  flagOf,
  flagRows,
  negativeFlagOf,
} from '../../config/options/option.js';
import { didYouMean, habitOf } from '../../config/suggestions.js';
import { parseListenAddress, parseTarget } from '../../net/socket-address.js';
import { SERVING_COMMANDS } from './help.js';
import { TOPICS } from './topics.js';

/** `-p80`: a short flag and its value in one word. */
const GLUED = /^-([a-z])([^a-z].*)$/is;

/** Words in the place of a command, and the command that does it. */
const COMMANDS: ReadonlyMap<string, string> = new Map([
  ['version', 'twist --version'],
  ['start', 'twist serve'],
  ['run', 'twist serve'],
  ['server', 'twist serve'],
  ['listen', 'twist serve'],
  ['check', 'twist config check'],
  ['validate', 'twist config check'],
  ['test', 'twist config check'],
  ['print', 'twist config print'],
  ['show', 'twist config print'],
]);

/** Values that mean nothing is set. */
const NOTHING = ['off', 'none'];

const ON_WORDS = ['true', 'on', 'yes', '1'];
const OFF_WORDS = ['false', 'off', 'no', '0'];

/** A flag in its parts: `--no-port=80`. */
interface Written {
  /** Without hyphens, and without `no-`. */
  readonly name: string;
  readonly isNegative: boolean;
  readonly value: string | undefined;
  /** Goes before the option if the command has no such options. */
  readonly command: 'twist serve ' | '';
}

/**
 * @param flag as it was written, with its value if that is in the same word
 * @param next the word after it
 * @param command that does not know it
 * @returns the end of a sentence; empty when nothing better is known
 */
export function flagHint(
  table: OptionTable,
  flag: string,
  next: string | undefined,
  command: string,
): string {
  const isServing = SERVING_COMMANDS.includes(command);
  if (!isServing && command !== 'twist' && command !== 'twist config') return '';
  const written = partsOf(flag, next, isServing ? '' : 'twist serve ');
  const { name } = written;
  if (name === 'version' || (name === 'v' && !isServing)) return '; did you mean twist --version?';
  if (name === 'v') return '; did you mean --log-level debug, or twist --version?';
  const found = Object.entries(table).find(
    ([key, { short }]) => flagOf(key) === `--${name}` || short === name,
  );
  if (found !== undefined) return optionHint(table, found[0], written, found[1].type.valueName);
  const habit = habitOf(name);
  if (habit === null) return '';
  return 'clause' in habit
    ? `: ${habit.clause}`
    : optionHint(table, habit.key, written, habit.value);
}

function partsOf(flag: string, next: string | undefined, command: Written['command']): Written {
  const [, letter, rest] = GLUED.exec(flag) ?? [];
  if (letter !== undefined) return { name: letter, isNegative: false, value: rest, command };
  const [first = '', ...values] = flag.split('=');
  const whole = first.replace(/^--?/, '');
  const name = whole.replace(/^no-/, '');
  const value = values.length === 0 ? next : values.join('=');
  return { name, isNegative: name !== whole, value, command };
}

/** @param placeholder stands for a value that is none for this option */
function optionHint(
  table: OptionTable,
  key: string,
  { isNegative, value = '', command }: Written,
  placeholder: string,
): string {
  const { type, isFlag } = table[key]!;
  if (isFlag === false)
    return `: other users of the machine can read a command line, so set ${environmentNameOf(key)}`;
  if (type.valueName === '')
    return `; did you mean ${command}${isNegative ? negativeFlagOf(key) : flagOf(key)}?`;
  const good = (isNegative ? NOTHING : [value]).find(
    (text) => type.schema.safeParse(type.fromText(text)).success,
  );
  if (isNegative && good === undefined) return '';
  return `; did you mean ${command}${flagOf(key)} ${good ?? placeholder}?`;
}

/**
 * @param word in the place of a command
 * @param argv the whole command line
 */
export function commandHint(table: OptionTable, word: string, argv: readonly string[]): string {
  const command = COMMANDS.get(word);
  if (command !== undefined) return `; did you mean ${command}?`;
  const words = argv.slice(argv.indexOf(word));
  const addresses = addressHint(words, false);
  if (addresses !== null) return `; did you mean twist serve ${addresses}?`;
  const hint = flagHint(table, `--${word}`, words[1], 'twist');
  const isTopic = TOPICS.some((topic) => topic.word === word);
  return hint === '' && isTopic ? `; did you mean twist help ${word}?` : hint;
}

/**
 * @param words that stand where only options do
 * @param argv the whole command line
 * @param hasMode whether what is served is chosen
 */
export function argumentHint(
  table: OptionTable,
  words: readonly string[],
  argv: readonly string[],
  hasMode: boolean,
): string {
  const [word = ''] = words;
  const before = argv[argv.indexOf(word) - 1];
  const isSwitch = ([key, { type }]: (typeof rows)[number]): boolean =>
    type.valueName === '' && flagOf(key) === before;
  const rows = flagRows(table);
  const [key] = rows.find(isSwitch) ?? [];
  if (key !== undefined && ON_WORDS.includes(word)) return `: ${flagOf(key)} takes no value`;
  if (key !== undefined && OFF_WORDS.includes(word))
    return `; did you mean ${negativeFlagOf(key)}?`;
  const addresses = addressHint(words, hasMode);
  if (addresses !== null) return `; did you mean ${addresses}?`;
  return didYouMean(
    word,
    rows.map(([one]) => flagOf(one)),
  );
}

/** `8080 localhost:5900`, as websockify has it, or one address. */
function addressHint(words: readonly string[], hasMode: boolean): string | null {
  const [one = '', other = ''] = words;
  if (parseListenAddress(one) === null) return null;
  if (parseTarget(other) !== null) return `--listen ${one} --tcp ${other}`;
  // No client connects to every address.
  const isTarget = parseTarget(one) !== null && !/^(?:0\.0\.0\.0|\[::\]):/.test(one);
  return hasMode || !isTarget ? `--listen ${one}` : `--tcp ${one}, or --listen ${one}`;
}
