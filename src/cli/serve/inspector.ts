/** The inspector of a server that a command runs. */
import type { MemoryAccount } from '../../budget/memory-account.js';
import { version } from '../../app/version.js';
import type { Loaded } from '../../config/load.js';
import type { Flags } from '../../config/text-sources.js';
import type { Log } from '../../log.js';
import type { Viewer } from '../../workers/viewer/viewer.js';
import type { Io } from '../io.js';

/** What it is started with. */
export interface InspectorStart {
  readonly loaded: Loaded;
  readonly flags: Flags;
  /** The configuration file; null without one. */
  readonly configText: string | null;
  /** How many processes serve. */
  readonly workers: number;
}

/** @returns the inspector, not started yet; null when nobody has asked for it */
export async function inspectorOf(
  { loaded: { settings }, flags, configText, workers }: InspectorStart,
  { self, env }: Pick<Io, 'self' | 'env'>,
  log: Log,
  memory?: MemoryAccount,
): Promise<Viewer | null> {
  if (settings.inspect === null) return null;
  const { Viewer: Made } = await import('../../workers/viewer/viewer.js');
  const { spawnedViewer } = await import('../../workers/viewer/spawned-viewer.js');
  return new Made({
    order: { flags, configText, environment: variablesOf(env), workers },
    startViewer: spawnedViewer(self, settings.inspectMemory),
    tool: `twist/${version()}`,
    ...(memory === undefined ? {} : { memory }),
    log,
  });
}

/** What options can be in; nothing else of the environment is any business of the page. */
function variablesOf(env: Io['env']): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] =>
    entry[0].startsWith('TWIST_'),
  );
  return Object.fromEntries(entries);
}
