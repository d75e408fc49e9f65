import type { ValueOf } from './option.js';
import type { OPTIONS } from './options.js';

/**
 * The value of every option, under its key in the option table. Sizes are bytes, durations are
 * milliseconds, and 0 stands for `off`.
 */
export type Settings = {
  readonly [Key in keyof typeof OPTIONS]: ValueOf<(typeof OPTIONS)[Key]>;
};

/** The four places a value can come from, strongest first. */
export type Source = 'flag' | 'environment' | 'file' | 'default';

/** A value and where it came from. */
export interface Provided<Value = unknown> {
  readonly value: Value;
  readonly source: Source;
  /** As the user wrote it: `--listen`, `TWIST_LISTEN`, the path of the file, or `default`. */
  readonly from: string;
}

/** The value of every option with its source. */
export type ProvidedSettings = { readonly [Key in keyof Settings]: Provided<Settings[Key]> };
