/** What a built-in mode tells the registry of itself. */
import type { MemoryAccount } from '../budget/memory-account.js';
import type { ProvidedServerSettings, ServerSettings } from '../config/settings.js';
import type { RouteMode } from '../config/values/route-text.js';
import type { Redaction } from '../handshake/redaction/redaction.js';
import type { ClientLog, Log } from '../log.js';
import type { Reloadable } from '../reloadable.js';
import type { Mode } from '../session/mode.js';
import type { TargetCounters } from './tcp/target-counters.js';

/** How files are read; a test has some of memory. */
export interface Files {
  /** Reads a whole file as UTF-8 text; throws what `node:fs` throws. */
  readFile(path: string): string;
  /** Imports the module in a file, ES or CommonJS; rejects with what the module or Node throws. */
  importFile(path: string): Promise<unknown>;
}

/** What a mode is made of. */
export interface ModeContext {
  readonly settings: ServerSettings;
  readonly values: ProvidedServerSettings;
  readonly files: Files;
  readonly log: Log;
  /** Is charged for what is held for targets; by default it has no limit. */
  readonly memory?: MemoryAccount;
  /** Knows what of a request may be shown, as in a recording; by default only what is harmless is. */
  readonly redaction?: Redaction;
  /** Where lines go that clients cause. */
  readonly clientLog: ClientLog;
  /** Counts connections to targets; by default nothing does. */
  readonly targets?: TargetCounters;
  /** What a mode reads again on demand; each is added when it is made. */
  readonly reloadables: Reloadable[];
}

/** The words by which settings name a mode; the option table has them. */
export type ModeWord = RouteMode['kind'];

/** What a route asks for, by its word. */
type Asked = { readonly [One in RouteMode as One['kind']]: One };

/** Makes the mode that a route asks for; called once for each text of a route. */
export type MakeMode<Word extends ModeWord> = (asked: Asked[Word]) => Mode;

/** A mode of ours. A word may have one of its own, or share it with another word. */
export interface BuiltInMode<Word extends ModeWord> {
  /** How many files a session keeps open, its own connection included. */
  readonly filesEach: 1 | 2;
  /**
   * Reads and checks the files that the mode's settings name, whether or not it is asked for, and starts nothing.
   *
   * @returns what makes the modes of one server; it holds what they share
   * @throws {ConfigError} at once or as a rejection, with one sentence
   */
  prepare(context: ModeContext): MakeMode<Word> | Promise<MakeMode<Word>>;
}
