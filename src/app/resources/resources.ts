/** All that a server is made of: the settings, and what is in the files that they name. */
import { MemoryAccount } from '../../budget/memory-account.js';
import { configError, optionName } from '../../config/messages.js';
import type {
  ProvidedServerSettings,
  ServerSettings,
  Settings,
  Source,
} from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import { Redaction } from '../../handshake/redaction/redaction.js';
import { StaticDirectory } from '../../http/static-directory.js';
import type { ClientLog, Log } from '../../log.js';
import type { Reloadable } from '../../reloadable.js';
import type { Authenticator } from '../../server/auth/authenticator.js';
import type { Files } from '../../modes/built-in.js';
import { type MakeBuiltIn, prepareModes } from '../../modes/registry.js';
import { TargetCounters } from '../../modes/tcp/target-counters.js';
import { checkModes } from '../mode-choice.js';
import type { ServerTls } from '../../server/tls/server-tls.js';
import { memoryLimit } from './available-memory.js';
import { ClientLines } from '../../server/log/client-lines.js';
import type * as recordingParts from './recording.js';
import { toldOf } from './shown.js';
import { type UserModules, loadUserModules } from './user-modules.js';

/** The settings of a server, however it is started; what an inspector shows is up to a command. */
export interface Given {
  readonly settings: ServerSettings & Partial<Pick<Settings, 'inspect' | 'inspectPayload'>>;
  readonly values: ProvidedServerSettings;
}

/** What is in the files that settings name, and what was given in their place. */
export interface Found {
  readonly modules: UserModules;
  /** What this process holds for its clients. */
  readonly memory: MemoryAccount;
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
  /** Where lines go that clients cause. */
  readonly clientLog: ClientLines;
  /** What records: loaded where something is to be recorded, or shown; else null. */
  readonly recording: Recording | null;
}

/** How a recorder is made and started. */
export type Recording = Pick<
  typeof recordingParts,
  'claimRecording' | 'makeRecorder' | 'startRecorder'
>;

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
  const isRecorded = settings.record !== null || (settings.inspect ?? null) !== null;
  const recording = isRecorded ? await import('./recording.js') : null;
  recording?.checkRecording(values);
  await blaming(values.static.source, () =>
    settings.static === null ? null : new StaticDirectory(settings.static),
  );
  const reloadables: Reloadable[] = [];
  const clientLog = new ClientLines(log, settings.maxLogRate);
  const authenticator = await makeAuthenticator(values, { log, clientLog }, reloadables);
  const tls =
    settings.tlsCert.length === 0
      ? null
      : await (await import('./tls.js')).readTls(values, log, clientLog, ticketKeys);
  if (tls !== null) reloadables.push(tls.watch);
  const modules = await loadUserModules(values, files, inPlace);
  const shared = {
    memory: new MemoryAccount(memoryLimit(settings.maxMemory)),
    targets: new TargetCounters(),
    clientLog,
  };
  const prepared = await prepare(given, files, log, shared);
  const found = { authenticator, tls, recording, modules, ...prepared, reloadables, ...shared };
  return { ...given, ...found };
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
  return { ...before, ...given, modules, ...(await prepare(given, files, log, before)) };
}

async function prepare(
  { settings, values }: Given,
  files: Files,
  log: Log,
  shared: Pick<Found, 'memory' | 'targets' | 'clientLog'>,
): Promise<Pick<Found, 'makeMode' | 'modeReloadables'>> {
  const modeReloadables: Reloadable[] = [];
  const { memory, targets, clientLog } = shared;
  const logs = { log, clientLog };
  const context = {
    settings,
    values,
    files,
    ...logs,
    memory,
    targets,
    redaction: new Redaction(toldOf(settings)),
    reloadables: modeReloadables,
  };
  return { makeMode: await prepareModes(context), modeReloadables };
}

/** Reads the passwords. @throws {ConfigError} as a rejection, when the file cannot be used */
export async function makeAuthenticator(
  { auth, authFile, maxLoginFailures }: ProvidedServerSettings,
  { log, clientLog }: { readonly log: Log; readonly clientLog: ClientLog },
  reloadables: Reloadable[],
): Promise<Authenticator | null> {
  const path = authFile.value;
  if (auth.value === null && path === null) return null;
  const { fileAuthenticator, passwordAuthenticator } =
    await import('../../server/auth/basic-auth.js');
  if (auth.value !== null)
    return passwordAuthenticator(auth.value, maxLoginFailures.value, log, clientLog);
  const name = optionName('authFile', authFile);
  const users = await blaming(
    authFile.source,
    () => fileAuthenticator(path!, maxLoginFailures.value, log, clientLog),
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
