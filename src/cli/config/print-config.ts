import type { Json } from '../../config/values/values.js';
import { fileKeyOf, fileRows, type OptionTable } from '../../config/options/option.js';
import type { Provided } from '../../config/settings.js';
import { styled } from '../output/style.js';

type Values = Readonly<Record<string, Provided>>;

/** @returns the values in force as an aligned table: option, value in the user's units, source */
export function configTable(table: OptionTable, values: Values, isStyled: boolean): string {
  const rows = Object.entries(table).map(([key, option]) => {
    const { type, isSecret } = option;
    const { value, source, from } = values[key] as Provided;
    const text = isSecret === true && source !== 'default' ? '(hidden)' : type.toText(value);
    return { key: fileKeyOf(key, option), text, from, isDefault: source === 'default' };
  });
  const keyWidth = Math.max(...rows.map(({ key }) => key.length));
  const textWidth = Math.max(...rows.map(({ text }) => text.length));
  const line = (key: string, text: string, from: string): string =>
    `${key.padEnd(keyWidth)}  ${text.padEnd(textWidth)}  ${from}`;
  const lines = [
    styled('bold', line('OPTION', 'VALUE', 'SOURCE'), isStyled),
    ...rows.map(({ key, text, from, isDefault }) =>
      styled('dim', line(key, text, from), isStyled && isDefault),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * @returns the values in force as a configuration file. Secrets are left out: with something else in
 *   their place the file would load, and be wrong.
 */
export function configJson(table: OptionTable, values: Values): string {
  const entries = fileRows(table)
    .filter(([, { isSecret }]) => isSecret !== true)
    .map(([fileKey, { type }, key]): [string, Json] => [
      fileKey,
      type.toJson((values[key] as Provided).value),
    ]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

/** @returns how many values each source gives, for `config check`: "2 from twist.json, 23 defaults" */
export function configSummary(table: OptionTable, values: Values): string {
  // The path of the file is not a setting.
  const keys = Object.keys(table).filter((key) => key !== 'config');
  const all = keys.map((key) => values[key] as Provided);
  const from = (wanted: Provided['source']): Provided[] =>
    all.filter(({ source }) => source === wanted);
  const [inFile] = from('file');
  const parts = [
    [from('flag').length, 'from flags'],
    [from('environment').length, 'from the environment'],
    [from('file').length, `from ${inFile?.from ?? ''}`],
    [from('preset').length, 'from TWIST_DEFAULT_ variables'],
    [from('default').length, 'by default'],
  ] as const;
  const named = parts.filter(([size]) => size > 0).map(([size, text]) => `${size} ${text}`);
  return `${all.length} settings: ${named.join(', ')}`;
}
