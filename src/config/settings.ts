import type { ValueOf } from './options/option.js';
import type { OPTIONS } from './options/options.js';

/**
 * The value of every option, under its key in the option table. Sizes are bytes, durations are
 * milliseconds, and 0 stands for `off`.
 */
export type Settings = {
  readonly [Key in keyof typeof OPTIONS]: ValueOf<(typeof OPTIONS)[Key]>;
};

/** The settings that a server runs with, however it is started: the file and the log of a command are left out. */
export type ServerSettings = {
  readonly [
    Key in keyof typeof OPTIONS as (typeof OPTIONS)[Key] extends {
      readonly isLibraryKey: false;
    }
      ? never
      : Key
  ]: Settings[Key];
};

/**
 * The places a value can come from, strongest first; `call` is an option of the library's `serve`, and
 * `preset` a `TWIST_DEFAULT_*` variable.
 */
export type Source = 'flag' | 'environment' | 'file' | 'call' | 'preset' | 'default';

/** A value and where it came from. */
export interface Provided<Value = unknown> {
  readonly value: Value;
  readonly source: Source;
  /** As the user wrote it: `--listen`, `TWIST_LISTEN`, `TWIST_DEFAULT_LISTEN`, the path of the file, `serve(options)` or `default`. */
  readonly from: string;
}

/** The value of every option with its source. */
export type ProvidedSettings = ProvidedOf<Settings>;

/** The same, of what a server runs with. */
export type ProvidedServerSettings = ProvidedOf<ServerSettings>;

type ProvidedOf<Values> = { readonly [Key in keyof Values]: Provided<Values[Key]> };
