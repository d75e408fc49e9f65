import { type OptionTable, capitalized, libraryOptions } from '../src/config/options/option.js';

/** Comments are wrapped here; the formatter leaves them alone. */
const WIDTH = 100;

const HEADER = `/**
 * The options that \`serve\` of the library shares with the configuration file: same names, units,
 * meanings and defaults.
 *
 * Written by tools/generate.mjs from src/config/options/options.ts. Change that file, then run \`npm run docs\`.
 */

/** Whole bytes, as a number or as text: \`64k\`, \`16m\` and \`1g\` are powers of 1024. */
export type Size = number | \`\${number}\${'' | 'k' | 'm' | 'g'}\`;

/** Milliseconds, or text with a unit: \`500ms\`, \`30s\`, \`5m\` or \`2h\`. */
export type Duration = number | \`\${number}\${'ms' | 's' | 'm' | 'h'}\`;
`;

/** @returns the options of the library as TypeScript, made from the table */
export function optionsType(table: OptionTable): string {
  const members = Object.entries(libraryOptions(table)).map(
    ([key, { type, help, docs, fileKey = key, ...row }]) =>
      [
        '/**',
        ...wrap(`${capitalized(help)}. ${docs}`),
        ' *',
        ...wrap(`@default ${row.default}`),
        ' */',
        `readonly ${fileKey}?: ${type.typeText} | undefined;`,
      ]
        .map((line) => `  ${line}\n`)
        .join(''),
  );
  return `${HEADER}\nexport interface SettingOptions {\n${members.join('')}}\n`;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 6 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? ` * ${word}` : ` ${word}`;
  }
  return [...lines, line];
}
