/** The register of built-in modes: a new one has a folder, a row in the option table, and a line here. */
import type { BuiltInMode, MakeMode, ModeContext, ModeWord } from './built-in.js';
import { echo } from './echo.js';
import type { Mode } from '../session/mode.js';
import { record } from './record.js';
import { replay } from './replay/replays.js';
import { proxy } from './tcp/proxy.js';

/** A user's own mode is loaded from a file, and not built in. */
type BuiltInWord = Exclude<ModeWord, 'mode'>;

/** By the words that the option table has for them. */
export const BUILT_IN_MODES: { readonly [Word in BuiltInWord]: BuiltInMode<Word> } = {
  echo,
  record,
  replay,
  tcp: proxy,
  token: proxy,
};

/** Makes a built-in mode. */
export type MakeBuiltIn = MakeMode<BuiltInWord>;

/**
 * Prepares every built-in mode.
 *
 * @throws {ConfigError} as a rejection, with one sentence on the first fault
 */
export async function prepareModes(context: ModeContext): Promise<MakeBuiltIn> {
  const prepared = new Map<unknown, MakeMode<never>>();
  for (const mode of Object.values(BUILT_IN_MODES))
    if (!prepared.has(mode)) prepared.set(mode, await mode.prepare(context));
  return (asked): Mode => {
    const make = prepared.get(BUILT_IN_MODES[asked.kind]) as MakeBuiltIn;
    return make(asked);
  };
}

/** How many files a session of a mode keeps open. */
export function filesEachOf(word: ModeWord): 1 | 2 {
  return word === 'mode' ? 1 : BUILT_IN_MODES[word].filesEach;
}
