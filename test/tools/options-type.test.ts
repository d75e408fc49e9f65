import t from 'tap';
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import type { OptionTable } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { count, file, size } from '../../src/config/values/values.js';
import { optionsType } from '../../tools/options-type.js';

const TABLE: OptionTable = {
  maxMessage: {
    group: 'Limits',
    type: size({ min: 1 }),
    default: '16m',
    help: 'largest message',
    docs: `Long ${'word '.repeat(20)}end.`,
  },
  config: {
    group: 'General',
    type: file(),
    default: 'off',
    help: 'a file',
    docs: 'Not here.',
    isLibraryKey: false,
  },
  maxHeaders: {
    group: 'Limits',
    type: count({ min: 1, max: 9, canBeOff: true }),
    default: 'off',
    fileKey: 'maxHeaderLines',
    isFileKey: false,
    help: 'most headers',
    docs: 'Many.',
  },
};

t.test('an interface with what the table says of each option', async (t) => {
  const text = optionsType(TABLE);
  t.equal(
    text.slice(text.indexOf('export interface')),
    [
      'export interface SettingOptions {',
      '  /**',
      `   * Largest message. Long ${'word '.repeat(14).trim()}`,
      `   * ${'word '.repeat(6)}end.`,
      '   *',
      '   * @default 16m',
      '   */',
      '  readonly maxMessage?: Size | undefined;',
      '  /**',
      '   * Most headers. Many.',
      '   *',
      '   * @default off',
      '   */',
      "  readonly maxHeaderLines?: number | 'off' | undefined;",
      '}',
      '',
    ].join('\n'),
  );
});

t.test('the file is current: run `npm run docs` after a change to the table', async (t) => {
  const made = await format(optionsType(OPTIONS), {
    parser: 'typescript',
    printWidth: 100,
    singleQuote: true,
  });
  t.equal(readFileSync('src/app/setting-options.ts', 'utf8'), made);
});
