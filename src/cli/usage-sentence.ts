import { flagOf, type OptionTable } from '../config/option.js';

/** Commander knows `--echo` and therefore not `--echo=yes`. */
const VALUE_OF_SWITCH = /^unknown option '(--[\w-]+)=.*'$/;
const MISSING_VALUE = /^option '(?:-\w, )?(--[\w-]+) .*' argument missing$/;

/**
 * Puts what commander says about a wrong command line into one sentence that ends in what to do next.
 * @param message as commander words it: `error: unknown option '--ecko'`, and on the next line
 *   `(Did you mean --echo?)`
 * @param command whose help says more: `twist serve`
 */
export function usageSentence(table: OptionTable, message: string, command: string): string {
  const sentence = message
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*\?)\)$/, '; did you mean $1')
    .replace(VALUE_OF_SWITCH, (sentence, flag: string) =>
      clauseOf(table, flag) === undefined ? sentence : `${flag} takes no value`,
    )
    .replace(MISSING_VALUE, (_, flag: string) =>
      [`${flag} needs a value`, clauseOf(table, flag)].filter(Boolean).join(': '),
    );
  return sentence.endsWith('?') ? sentence : `${sentence}; see ${command} --help`;
}

function clauseOf(table: OptionTable, flag: string): string | undefined {
  return Object.entries(table).find(([key]) => flagOf(key) === flag)?.[1].kind.clause;
}
