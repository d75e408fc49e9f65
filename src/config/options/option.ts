import type { ValueType } from '../values/values.js';

/** The headings that options stand under, in help and in the reference, in this order. */
export const GROUPS = [
  'Listening',
  'TLS',
  'Mode',
  'Recording',
  'Inspector',
  'Proxy',
  'Access',
  'Handshake',
  'Extensions',
  'Limits',
  'Timeouts',
  'Operation',
  'Logging',
  'General',
] as const;

export type Group = (typeof GROUPS)[number];

/** What an option can need to have an effect; needs.ts says when each is there. */
export type Need =
  | 'echo'
  | 'record'
  | 'inspect'
  | 'replay'
  | 'deflate'
  | 'target'
  | 'tls'
  | 'passwords'
  | 'page'
  | 'pings'
  | 'unix'
  | 'tokens'
  | 'certificate'
  | 'client-ca'
  | 'secure-listener';

/** One row of the option table. All its names are made from its key. */
export interface Option<Value = unknown> {
  readonly group: Group;
  readonly type: ValueType<Value>;
  /** The default as text that the type reads. */
  readonly default: string;
  /** One line for `--help`: no capital at its start, no full stop. */
  readonly help: string;
  /** Whole sentences for the reference: unit, cost, and how it relates to other options. */
  readonly docs: string;
  /** Without it the option has no effect, and whoever gives it is told. */
  readonly needs?: Need;
  /** The short flag, without its dash. */
  readonly short?: string;
  /** Its name in the configuration file, where that is not its key. */
  readonly fileKey?: string;
  /** False for what the command line must not say: other users of the machine can read it. */
  readonly isFlag?: false;
  /** False for what a configuration file cannot say, such as its own path. */
  readonly isFileKey?: false;
  /** False for what only a command needs: `serve` of the library does not take it. */
  readonly isLibraryKey?: false;
  /** True for what a reload of the configuration changes while the server runs; all else needs a restart. */
  readonly isReloadable?: true;
  /** True for what must never be shown: messages and `config print` hide the value. */
  readonly isSecret?: true;
}

export type OptionTable = Readonly<Record<string, Option>>;

/** The type of a row's value. */
export type ValueOf<Row> = Row extends Option<infer Value> ? Value : never;

/** The value of an option that nobody gives. */
export function defaultValue<Value>({ type, ...option }: Option<Value>): Value {
  const given = type.fromText(option.default);
  const value = type.shortcut(given);
  return value === undefined ? type.schema.parse(given) : value;
}

/** `maxMessage` to `--max-message` */
export function flagOf(key: string): string {
  return `--${words(key).join('-')}`;
}

/** `--max-message` to `maxMessage` */
export function keyOf(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The rows that the command line can give. */
export function flagRows(table: OptionTable): (readonly [key: string, option: Option])[] {
  return Object.entries(table).filter(([, { isFlag }]) => isFlag !== false);
}

/** The rows that a configuration file can hold, by their names there; last comes the key in the table. */
export function fileRows(
  table: OptionTable,
): (readonly [fileKey: string, option: Option, key: string])[] {
  return Object.entries(table)
    .filter(([, { isFileKey }]) => isFileKey !== false)
    .map(([key, option]) => [fileKeyOf(key, option), option, key]);
}

/** The rows that `serve` of the library takes. */
export function libraryOptions(table: OptionTable): OptionTable {
  const rows = Object.entries(table).filter(([, { isLibraryKey }]) => isLibraryKey !== false);
  return Object.fromEntries(
    rows.map(([key, row]) => {
      // What no file may hold can be given by a program.
      const { isFileKey, ...libraryRow } = row;
      return [key, isFileKey === undefined ? row : libraryRow];
    }),
  );
}

/** `--no-deflate`: the flag that turns a switch off. */
export function negativeFlagOf(key: string): string {
  return flagOf(key).replace('--', '--no-');
}

/** The flag as overviews show it: `--[no-]deflate` for a switch that is on by default. */
export function flagTermOf(key: string, { type, default: text }: Option): string {
  const isOn = type.valueName === '' && text !== 'false';
  return isOn ? flagOf(key).replace('--', '--[no-]') : flagOf(key);
}

/** `maxMessage` to `TWIST_MAX_MESSAGE` */
export function environmentNameOf(key: string): string {
  return ['TWIST', ...words(key)].join('_').toUpperCase();
}

/** `maxMessage` to `TWIST_DEFAULT_MAX_MESSAGE`: what replaces the default, for images and wrappers. */
export function presetNameOf(key: string): string {
  return ['TWIST', 'DEFAULT', ...words(key)].join('_').toUpperCase();
}

/** The name in the configuration file. */
export function fileKeyOf(key: string, { fileKey = key }: Option): string {
  return fileKey;
}

/** Makes the beginning of a sentence of a help text or clause. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function words(key: string): string[] {
  return key.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}
