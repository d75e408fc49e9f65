/** The replay as a built-in mode. The recordings are read once before the server listens. */
import { readFault } from '../../config/file.js';
import { configError, optionName, show } from '../../config/messages.js';
import type { ProvidedServerSettings, Source } from '../../config/settings.js';
import {
  type ReplaySession,
  findReplaySessions,
  readReplaySessions,
} from '../../recording/replay/replay-index.js';
import type { BuiltInMode } from '../built-in.js';
import { ReplayMode } from './replay.js';

/** The most damaged lines of one recording that are listed in the log; further ones are only counted. */
const MAX_DAMAGED = 10;

/** The most sessions that are listed if several fit. */
const MAX_CANDIDATES = 3;

/** A recording, and which of its sessions are replayed. */
export interface Replay {
  readonly sessions: readonly ReplaySession[];
  /** The session that was chosen for all clients. */
  readonly only: ReplaySession | null;
}

/** The log for findings about recordings; their lines are never quoted. */
export interface ReplaysLog {
  warn(fields: object, message: string): void;
}

export const replay: BuiltInMode<'replay'> = {
  // Each session also takes a descriptor for the recording, until it is played.
  filesEach: 2,

  async prepare({ settings, values, log, clientLog, memory }) {
    const replays = await readReplays(values, log);
    return ({ file }) =>
      new ReplayMode({
        file,
        ...replays.get(file)!,
        speed: settings.replaySpeed,
        isStrict: settings.replayStrict,
        log: clientLog,
        ...(memory === undefined ? {} : { memory }),
      });
  },
};

/**
 * Reads the recordings that `replay` and the routes name.
 *
 * @returns the replays, by the paths of the files
 * @throws {ConfigError} if one cannot be read or has nothing to replay, or if the chosen session is not in
 *   it; its `source` is at fault
 */
export async function readReplays(
  values: ProvidedServerSettings,
  log: ReplaysLog,
): Promise<ReadonlyMap<string, Replay>> {
  const { replay, route } = values;
  const replays = new Map<string, Replay>();
  const add = async (file: string, what: string, source: Source): Promise<void> => {
    if (!replays.has(file)) replays.set(file, await readReplay(file, values, what, source, log));
  };
  if (replay.value !== null)
    await add(
      replay.value,
      `${optionName('replay', replay)} cannot be ${show(replay.value)}`,
      replay.source,
    );
  for (const { path, mode } of route.value) {
    if (mode.kind !== 'replay') continue;
    const verb = route.source === 'flag' ? 'be' : 'contain';
    const shown = show(`${path}=replay:${mode.file}`);
    await add(mode.file, `${optionName('route', route)} cannot ${verb} ${shown}`, route.source);
  }
  return replays;
}

async function readReplay(
  file: string,
  values: ProvidedServerSettings,
  what: string,
  source: Source,
  log: ReplaysLog,
): Promise<Replay> {
  let damaged = 0;
  const onDamage = (line: number, reason: string): void => {
    damaged++;
    if (damaged <= MAX_DAMAGED) log.warn({ file, line, reason }, 'damaged line in the recording');
  };
  const sessions = await readReplaySessions(file, onDamage).catch((error: unknown) => {
    throw configError(`${what}: ${readFault(error)}`, source);
  });
  if (damaged > MAX_DAMAGED)
    log.warn({ file, lines: damaged }, 'more damaged lines in the recording');
  if (sessions.length === 0) throw configError(`${what}: no session is recorded in it`, source);
  const { replaySession: session } = values;
  const only = session.value === null ? null : chosen(file, sessions, session.value, values);
  if (only === null && sessions.every(({ path }) => path === null)) {
    const name = optionName('replaySession', session, source);
    const clause = `no session in it has its beginning, which has the path; choose one with ${name}`;
    throw configError(`${what}: ${clause}`, source);
  }
  return { sessions, only };
}

function chosen(
  file: string,
  sessions: readonly ReplaySession[],
  choice: string,
  { replaySession: session }: ProvidedServerSettings,
): ReplaySession {
  const found = findReplaySessions(sessions, choice);
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  const named = found.slice(0, MAX_CANDIDATES).map(({ s }) => s);
  const others = found.length - named.length;
  const list = [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  const clause =
    found.length === 0
      ? `no session in ${file} has that id, beginning of an id or number`
      : `${found.length} sessions in ${file} fit: ${list}`;
  throw configError(
    `${optionName('replaySession', session)} cannot be ${show(choice)}: ${clause}`,
    session.source,
  );
}
