import { type OptionTable, flagOf, keyOf, negativeFlagOf } from '../config/options/option.js';
import type { Flags } from '../config/text-sources.js';

/**
 * The flags of a `twist serve` that is written plainly, as nearly every start is: whole flags, each given once, and no
 * value that looks like a flag. Commander takes six milliseconds to find the same
 * (docs/adr/0040-start.md); a test compares the two.
 * @returns null for everything else, which commander judges: help and faults are among it
 */
export function plainFlags(argv: readonly string[], table: OptionTable): Flags | null {
  const [command, ...words] = argv;
  if (command !== 'serve') return null;
  const flags: Record<string, string | string[] | boolean> = {};
  for (let at = 0; at < words.length; at++) {
    const [flag = '', attached] = words[at]!.split(/(?<=^--.*?)=(.*)/s, 2);
    const key = keyOfFlag(flag, table);
    if (key === null) return null;
    const { valueName, isRepeatable } = table[key]!.type;
    const earlier = flags[key];
    if (earlier !== undefined && !isRepeatable) return null;
    if (valueName === '') {
      if (attached !== undefined) return null;
      flags[key] = flag === flagOf(key);
      continue;
    }
    const text = attached ?? words[++at];
    if (!isPlain(text)) return null;
    flags[key] = isRepeatable ? [...((earlier as string[] | undefined) ?? []), text] : text;
  }
  return flags;
}

function isPlain(text: string | undefined): text is string {
  return text !== undefined && text !== '' && !text.startsWith('-');
}

/** @returns null for what is no flag of the table, or not all of one */
function keyOfFlag(flag: string, table: OptionTable): string | null {
  if (!flag.startsWith('--'))
    return Object.keys(table).find((key) => `-${table[key]!.short}` === flag) ?? null;
  for (const key of [keyOf(flag), keyOf(flag.replace('--no-', '--'))]) {
    if (!Object.hasOwn(table, key) || table[key]!.isFlag === false) continue;
    const isSwitch = table[key]!.type.valueName === '';
    if (flag === flagOf(key) || (isSwitch && flag === negativeFlagOf(key))) return key;
  }
  return null;
}
