/** All that a server is made of: the settings, and what is in the files that they name. */
import { readFault } from '../../config/file.js';
import { configError, optionName, show } from '../../config/messages.js';
import type { ProvidedServerSettings, ServerSettings, Source } from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import { StaticDirectory } from '../../http/static-directory.js';
import type { Log } from '../../log.js';
import {
  type Authenticator,
  fileAuthenticator,
  passwordAuthenticator,
} from '../../server/auth/basic-auth.js';
import { checkModes } from '../mode-choice.js';
import { checkRecording } from './recording.js';
import { type Replay, readReplays } from './replays.js';
import { type TargetCertificates, readTargetCertificates } from './target-certificates.js';
import { type UserModules, loadUserModules } from './user-modules.js';

/** How files are read; a test has some of memory. */
export interface Files {
  /** Reads a whole file as UTF-8 text; throws what `node:fs` throws. */
  readFile(path: string): string;
  /** Imports the module in a file, ES or CommonJS; rejects with what the module or Node throws. */
  importFile(path: string): Promise<unknown>;
}

/** The settings of a server, however it is started. */
export interface Given {
  readonly settings: ServerSettings;
  readonly values: ProvidedServerSettings;
}

/** What is in the files that settings name, and what was given in their place. */
export interface Found {
  readonly modules: UserModules;
  /** What is replayed, by the paths of the recordings. */
  readonly replays: ReadonlyMap<string, Replay>;
  readonly certificates: TargetCertificates;
  /** Asks who the client is; null when everybody is let in. */
  readonly authenticator: Authenticator | null;
}

export type Resources = Given & Found;

const NONE_IN_PLACE: UserModules = { modes: new Map(), extensions: [] };

/**
 * Reads the files that the settings name.
 *
 * @param inPlace modes and extensions that a program has given: the modes by the names that stand for their
 *   files in the settings
 * @throws {ConfigError} with one sentence, when there are two modes for one path, or a file cannot be
 *   read or is not what it should be; its `cause` is the source at fault
 */
export async function readResources<Settings extends Given>(
  given: Settings,
  files: Files,
  log: Log,
  inPlace: UserModules = NONE_IN_PLACE,
): Promise<Settings & Found> {
  const { settings, values } = given;
  checkModes(values);
  checkRecording(values);
  const certificates = readTargetCertificates(values, files);
  checkTokenFile(values, files);
  await blaming(values.static.source, () =>
    settings.static === null ? null : new StaticDirectory(settings.static),
  );
  const authenticator = await makeAuthenticator(values, log);
  const modules = await loadUserModules(values, files, inPlace);
  const replays = await readReplays(values, log);
  return { ...given, certificates, authenticator, modules, replays };
}

/** A file that is missing at the start is a mistake; one that vanishes later is reported in the log. */
function checkTokenFile({ tokenFile }: ProvidedServerSettings, files: Files): void {
  if (tokenFile.value === null) return;
  try {
    files.readFile(tokenFile.value);
  } catch (error) {
    // A directory of such files will do.
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return;
    throw configError(
      `${optionName('tokenFile', tokenFile)} cannot be ${show(tokenFile.value)}: ${readFault(error)}`,
      tokenFile.source,
    );
  }
}

async function makeAuthenticator(
  { auth, authFile }: ProvidedServerSettings,
  log: Log,
): Promise<Authenticator | null> {
  if (auth.value !== null) return passwordAuthenticator(auth.value);
  const path = authFile.value;
  if (path === null) return null;
  const name = optionName('authFile', authFile);
  return await blaming(
    authFile.source,
    () => fileAuthenticator(path, log),
    `${name} cannot be used: `,
  );
}

/** Says of a {@link ConfigError} which source is at fault. */
async function blaming<Made>(
  source: Source,
  make: () => Made | Promise<Made>,
  prefix = '',
): Promise<Made> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw configError(`${prefix}${error.message}`, source);
  }
}
