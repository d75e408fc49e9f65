import type { ValueType } from '../../config/values/values.js';
import { flagOf, type OptionTable } from '../../config/options/option.js';
import { commandHint, flagHint } from './usage-hints.js';

/** Commander knows `--echo` and therefore not `--echo=yes`. */
const VALUE_OF_SWITCH = /^unknown option '(--[\w-]+)=.*'$/;
const MISSING_VALUE = /^option '(?:-\w, )?(--[\w-]+) .*' argument missing$/;
const UNKNOWN = /^(unknown (option|command) '(.*)')(; did you mean .*\?)?$/s;

/**
 * Puts what commander says about a wrong command line into one sentence that ends in what to do next.
 * @param message as commander words it: `error: unknown option '--ecko'`, and on the next line
 *   `(Did you mean --echo?)`
 * @param command whose help says more: `twist serve`
 * @param argv the whole command line
 */
export function usageSentence(
  table: OptionTable,
  message: string,
  command: string,
  argv: readonly string[],
): string {
  const sentence = message
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*\?)\)$/, '; did you mean $1')
    .replace(VALUE_OF_SWITCH, (unknown, flag: string) =>
      typeOf(table, flag)?.valueName === '' ? `${flag} takes no value` : unknown,
    )
    .replace(MISSING_VALUE, (_, flag: string) =>
      [`${flag} needs a value`, typeOf(table, flag)?.clause].filter(Boolean).join(': '),
    )
    .replace(UNKNOWN, (whole, unknown: string, what: string, word: string, nearest = '') => {
      const hint =
        what === 'option'
          ? flagHint(table, word, argv[argv.indexOf(word) + 1], command)
          : commandHint(table, word, argv);
      return `${unknown}${hint === '' ? nearest : hint}`;
    });
  return sentence.endsWith('?') ? sentence : `${sentence}; see ${command} --help`;
}

function typeOf(table: OptionTable, flag: string): ValueType<unknown> | undefined {
  return Object.entries(table).find(([key]) => flagOf(key) === flag)?.[1].type;
}
