/** What `--record` asks for. */
import { configError, show } from '../config/complaint.js';
import { optionName } from '../config/option-name.js';
import type { ProvidedSettings, Settings } from '../config/settings.js';
import { parseFileNamePattern } from '../recording/file/file-name-pattern.js';
import { Recorder } from '../recording/recorder.js';
import type { Log } from '../server/session-log.js';
import { systemReason } from './system-reason.js';
import { version } from './version.js';

/** @throws {ConfigError} when the name of the file has a directive that is not known */
export function checkRecording({ record }: ProvidedSettings): void {
  if (record.value === null || parseFileNamePattern(record.value) !== null) return;
  refuse(record, 'behind % must come Y, m, d, H, M, S, j or s, or another % for the sign itself');
}

/** @returns who records the sessions, not started yet; null when nobody is to */
export function makeRecorder(settings: Settings, log: Log): Recorder | null {
  if (settings.record === null) return null;
  return new Recorder({
    path: settings.record,
    sync: settings.recordSync,
    onFull: settings.recordFull,
    rotateBytes: settings.recordRotate,
    queueBytes: settings.recordQueue,
    maxPayloadBytes: settings.recordPayload,
    watchesFrames: settings.recordFrames,
    tool: `twist/${version()}`,
    log,
  });
}

/**
 * Opens the file.
 * @throws {ConfigError} as a rejection, when that cannot be done
 */
export async function startRecorder(
  recorder: Recorder,
  { record }: ProvidedSettings,
): Promise<void> {
  try {
    await recorder.start();
  } catch (error) {
    refuse(record, writeFault(error as NodeJS.ErrnoException));
  }
}

function refuse(record: ProvidedSettings['record'], clause: string): never {
  const name = optionName('record', record);
  throw configError(`${name} cannot be ${show(record.value)}: ${clause}`, record.source);
}

/** Why a file cannot be written, as a clause. */
function writeFault(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'its directory does not exist';
  if (error.code === 'ENXIO') return 'nobody reads from the pipe';
  return systemReason(error);
}
