/** The register of built-in modes: a new one has a folder, a row in the option table, and a line here. */
import { servedModes } from '../config/chosen-modes.js';
import type { ProvidedServerSettings } from '../config/settings.js';
import type { BuiltInMode, MakeMode, ModeContext, ModeWord } from './built-in.js';
import { echo } from './echo.js';
import type { Mode } from '../session/mode.js';
import { record } from './record.js';

/** A user's own mode is loaded from a file, and not built in. */
type BuiltInWord = Exclude<ModeWord, 'mode'>;

/** Loaded only where it serves something, or has files to check (docs/adr/0040-start.md). */
const proxy = loadedFor<'tcp' | 'token'>({
  filesEach: 2,
  isNeeded: (values) =>
    isServed(values, 'tcp', 'token') ||
    [values.tokenFile, values.targetCa, values.targetCert, values.targetKey].some(
      ({ value }) => value !== null,
    ),
  load: async () => (await import('./tcp/proxy.js')).proxy,
});

const replay = loadedFor<'replay'>({
  filesEach: 2,
  isNeeded: (values) => isServed(values, 'replay'),
  load: async () => (await import('./replay/replays.js')).replay,
});

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

/** A mode whose code is loaded when the settings need it. */
function loadedFor<Word extends BuiltInWord>({
  filesEach,
  isNeeded,
  load,
}: {
  readonly filesEach: 1 | 2;
  readonly isNeeded: (values: ProvidedServerSettings) => boolean;
  readonly load: () => Promise<BuiltInMode<Word>>;
}): BuiltInMode<Word> {
  return {
    filesEach,
    async prepare(context) {
      if (isNeeded(context.values)) return await (await load()).prepare(context);
      return ({ kind }) => {
        throw new Error(`no setting asks for ${kind}`);
      };
    },
  };
}

function isServed(values: ProvidedServerSettings, ...words: readonly BuiltInWord[]): boolean {
  return servedModes(values).some(({ kind }) => words.some((word) => word === kind));
}
