/** What `--record` asks for. */
import path from 'node:path';
import { accessSync, constants } from 'node:fs';
import type { MemoryAccount } from '../../budget/memory-account.js';
import { configError, optionName, show } from '../../config/messages.js';
import type { ProvidedServerSettings, ServerSettings, Settings } from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import type { Log } from '../../log.js';
import { codeOf } from '../../recording/file/recording-file-system.js';
import { LOCKED } from '../../recording/file/file-lock.js';
import { parseFileNamePattern } from '../../recording/file/file-name-pattern.js';
import { FilelessWriter } from '../../recording/write/fileless-writer.js';
import { type MakeWriter, Recorder, type RecorderOptions } from '../../recording/write/recorder.js';
import { statsOf } from '../stats-of.js';
import { systemReason } from '../../system-reason.js';
import { version } from '../version.js';
import { shownOf } from './shown.js';

/** Standard output, whatever that is. */
const STANDARD = '-';
const STANDARD_OUTPUT = '/dev/stdout';

/**
 * Looks at what is there by the name of the file, and touches nothing.
 * @throws {ConfigError} when the name has a directive that is not known, or the file could not be written
 */
export function checkRecording({ record }: ProvidedServerSettings): void {
  if (record.value === null) return;
  const pattern = parseFileNamePattern(pathOf(record.value));
  if (pattern === null)
    refuse(
      record,
      'behind % must come Y, m, d, H, M, S, j, s or w, or another % for the sign itself',
    );
  try {
    checkWritable(pattern.format(Date.now()), !pattern.isFixed);
  } catch (error) {
    refuse(record, writeFault(error as NodeJS.ErrnoException));
  }
}

/** @throws the system's error */
function checkWritable(file: string, makesDirectories: boolean): void {
  const stats = statsOf(file);
  if (stats === undefined) checkDirectory(path.dirname(file), makesDirectories);
  else if (stats.isDirectory()) throw systemError('EISDIR');
  else if (stats.isSocket()) throw new Error('it is a socket');
  else checkAccess(file, stats.isFile(), makesDirectories);
}

function checkAccess(file: string, isFile: boolean, makesDirectories: boolean): void {
  try {
    // Half a line at its end has to be found before it is cut.
    accessSync(file, isFile ? constants.W_OK | constants.R_OK : constants.W_OK);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    // Another server has given it another name since, to begin the next one.
    checkDirectory(path.dirname(file), makesDirectories);
  }
}

function checkDirectory(directory: string, makesIt: boolean): void {
  const stats = statsOf(directory);
  if (stats === undefined) {
    if (!makesIt) throw systemError('ENOENT');
    checkDirectory(path.dirname(directory), makesIt);
    return;
  }
  // What is no directory has nothing in it, not even itself.
  accessSync(`${directory}/.`, constants.W_OK | constants.X_OK);
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

function pathOf(record: string): string {
  return record === STANDARD ? STANDARD_OUTPUT : record;
}

/**
 * @param worker the number of the process; undefined where it serves alone
 * @param memory is charged for what waits to be written; by default that has no other limit than the queue's
 * @param feed gets a copy of all records, also where no file does; by default nobody
 * @returns the recorder, not started yet; null for none
 */
export function makeRecorder(
  settings: ServerSettings & Partial<Pick<Settings, 'inspectPayload'>>,
  log: Log,
  worker?: number,
  memory?: MemoryAccount,
  feed?: RecorderOptions['feed'],
): Recorder | null {
  const { record, inspectPayload = Infinity } = settings;
  const common = {
    worker,
    ...(memory === undefined ? {} : { memory }),
    ...(feed === undefined ? {} : { feed }),
    watchesFrames: settings.recordFrames,
    shown: shownOf(settings),
    tool: `twist/${version()}`,
  };
  if (record === null) {
    if (!feed) return null;
    return new Recorder({ ...common, ...FILELESS, maxPayloadBytes: inspectPayload }, noFile);
  }
  return new Recorder({
    ...common,
    path: pathOf(record),
    sync: settings.recordSync,
    onFull: settings.recordFull,
    rotateBytes: settings.recordRotate,
    keep: settings.recordKeep,
    maxTotalBytes: settings.recordMaxTotal,
    queueBytes: settings.recordQueue,
    maxPayloadBytes: settings.recordPayload,
    log,
  });
}

const nowhere = (): void => undefined;

/** What a recorder has to be told that writes no file: nothing ever waits, and no line of the log is due. */
const FILELESS = {
  path: '',
  sync: 'none',
  onFull: 'drop',
  rotateBytes: 0,
  queueBytes: 0,
  log: { debug: nowhere, info: nowhere, warn: nowhere, error: nowhere },
} as const;

const noFile: MakeWriter = (_options, source, owner) => new FilelessWriter(source, owner);

/**
 * Keeps other processes from the file, without touching it.
 * @throws {ConfigError} as a rejection: with a `source` when it cannot be written, and without one when
 *   another process records to it
 */
export async function claimRecording(
  recorder: Recorder,
  { record }: ProvidedServerSettings,
): Promise<void> {
  try {
    await recorder.claim();
  } catch (error) {
    refuseOrFail(record, error);
  }
}

/**
 * Opens the file.
 * @throws {ConfigError} as a rejection, in the same way
 */
export async function startRecorder(
  recorder: Recorder,
  { record }: ProvidedServerSettings,
): Promise<void> {
  try {
    await recorder.start();
  } catch (error) {
    refuseOrFail(record, error);
  }
}

function refuseOrFail(record: ProvidedServerSettings['record'], error: unknown): never {
  if (codeOf(error) !== LOCKED) refuse(record, writeFault(error as NodeJS.ErrnoException));
  throw new ConfigError(
    `${sentenceStart(record)}: another process records to it; give each server a file of its own`,
  );
}

function refuse(record: ProvidedServerSettings['record'], clause: string): never {
  throw configError(`${sentenceStart(record)}: ${clause}`, record.source);
}

function sentenceStart(record: ProvidedServerSettings['record']): string {
  return `${optionName('record', record)} cannot be ${show(record.value)}`;
}

/** Why a file cannot be written, as a clause. */
function writeFault(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'its directory does not exist';
  if (error.code === 'ENOTDIR') return 'its directory is none';
  if (error.code === 'ENXIO') return 'nobody reads from the pipe';
  return systemReason(error);
}
