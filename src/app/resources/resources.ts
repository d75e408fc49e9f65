/** All that a server is made of: the settings, and what is in the files that they name. */
import { configError, optionName } from '../../config/messages.js';
import type { ProvidedServerSettings, ServerSettings, Source } from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import { StaticDirectory } from '../../http/static-directory.js';
import type { Log } from '../../log.js';
import type { Reloadable } from '../../reloadable.js';
import {
  type Authenticator,
  fileAuthenticator,
  passwordAuthenticator,
} from '../../server/auth/basic-auth.js';
import type { Files } from '../../modes/built-in.js';
import { type MakeBuiltIn, prepareModes } from '../../modes/registry.js';
import { TargetCounters } from '../../modes/tcp/target-counters.js';
import { checkModes } from '../mode-choice.js';
import type { ServerTls } from '../../server/tls/server-tls.js';
import { checkRecording } from './recording.js';
import { readTls } from './tls.js';
import { type UserModules, loadUserModules } from './user-modules.js';

/** The settings of a server, however it is started. */
export interface Given {
  readonly settings: ServerSettings;
  readonly values: ProvidedServerSettings;
}

/** What is in the files that settings name, and what was given in their place. */
export interface Found {
  readonly modules: UserModules;
  /** Makes the built-in modes; what their settings name is read. */
  readonly makeMode: MakeBuiltIn;
  /** Counts the connections that built-in modes make to targets. */
  readonly targets: TargetCounters;
  /** Checks credentials; null when all clients are let in. */
  readonly authenticator: Authenticator | null;
  /** What can be read again while the server runs. */
  readonly reloadables: readonly Reloadable[];
  /** The same of modes; each adds its own when it is made. */
  readonly modeReloadables: readonly Reloadable[];
  /** Certificates for addresses with TLS; null without any. */
  readonly tls: ServerTls | null;
}

export type Resources = Given & Found;

const NONE_IN_PLACE: UserModules = { modes: new Map(), extensions: [] };

/**
 * Reads the files that the settings name.
 *
 * @param inPlace modes and extensions that a program has given: the modes by the names that stand for their
 *   files in the settings
 * @param ticketKeys what TLS sessions are resumed with, where other processes share them
 * @throws {ConfigError} with one sentence, when there are two modes for one path, or a file cannot be
 *   read or is not what it should be; its `source` is at fault
 */
export async function readResources<Settings extends Given>(
  given: Settings,
  files: Files,
  log: Log,
  inPlace: UserModules = NONE_IN_PLACE,
  ticketKeys?: Buffer,
): Promise<Settings & Found> {
  const { settings, values } = given;
  checkModes(values);
  checkRecording(values);
  await blaming(values.static.source, () =>
    settings.static === null ? null : new StaticDirectory(settings.static),
  );
  const reloadables: Reloadable[] = [];
  const authenticator = await makeAuthenticator(values, log, reloadables);
  const tls = await readTls(values, log, ticketKeys);
  if (tls !== null) reloadables.push(tls.watch);
  const modules = await loadUserModules(values, files, inPlace);
  const targets = new TargetCounters();
  const prepared = await prepare(given, files, log, targets);
  return { ...given, authenticator, tls, modules, ...prepared, reloadables, targets };
}

/**
 * Reads again what modes are made of. A module that was loaded is not loaded again: Node keeps it.
 *
 * @throws {ConfigError} as {@link readResources}
 */
export async function rereadResources(
  before: Resources,
  given: Given,
  files: Files,
  log: Log,
): Promise<Resources> {
  const { values } = given;
  checkModes(values);
  // Those there are; others need a restart.
  const extension = { ...values.extension, value: [] };
  const modules = await loadUserModules({ ...values, extension }, files, before.modules);
  return { ...before, ...given, modules, ...(await prepare(given, files, log, before.targets)) };
}

async function prepare(
  { settings, values }: Given,
  files: Files,
  log: Log,
  targets: TargetCounters,
): Promise<Pick<Found, 'makeMode' | 'modeReloadables'>> {
  const modeReloadables: Reloadable[] = [];
  const context = { settings, values, files, log, targets, reloadables: modeReloadables };
  return { makeMode: await prepareModes(context), modeReloadables };
}

/** Reads the passwords. @throws {ConfigError} as a rejection, when the file cannot be used */
export async function makeAuthenticator(
  { auth, authFile }: ProvidedServerSettings,
  log: Log,
  reloadables: Reloadable[],
): Promise<Authenticator | null> {
  if (auth.value !== null) return passwordAuthenticator(auth.value);
  const path = authFile.value;
  if (path === null) return null;
  const name = optionName('authFile', authFile);
  const users = await blaming(
    authFile.source,
    () => fileAuthenticator(path, log),
    `${name} cannot be used: `,
  );
  reloadables.push(users);
  return users;
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
