/** `twist serve`: runs a server until a signal ends it. */
import type { Logger } from 'pino';
import { logMetrics } from '../../admin/metrics/log-metrics.js';
import type { LocalSource } from '../../admin/local-source.js';
import type { MetricSource } from '../../admin/metrics/metric.js';
import {
  type MeasuredFeed,
  type MeasuredInspector,
  feedMetrics,
  inspectMetrics,
} from '../../admin/metrics/recording-metrics.js';
import { compose } from '../../app/compose.js';
import type { Inspector } from '../../app/inspect/inspector.js';
import type { Rereading } from '../../app/reload/configuration.js';
import { tellReady } from './run-server.js';
import { openFilesProblem } from '../../app/open-files.js';
import type { Resources } from '../../app/resources/resources.js';
import type { Settings } from '../../config/settings.js';
import { passedSockets } from '../../net/passed-sockets.js';
import type { ServerGroup } from '../../server/server-group.js';
import { ConfigError } from '../../errors.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { complain } from '../output/log.js';
import { Ending } from './ending.js';
import { SelfEnding } from './self-ending.js';
import { startFailure } from './start-failure.js';

/** Resources of a server whose settings are those of a command. */
export type CommandResources = Resources & { readonly settings: Settings };

/** A worker has only a part of it. */
type Measured = MeasuredFeed | MeasuredInspector;

/** What is different in a process that serves together with others. */
export interface Membership {
  readonly group: ServerGroup;
  /** What this process tells of itself is told by whoever leads the group. */
  watch(source: LocalSource): void;
  /** It cannot start: the sentence is said by whoever leads the group. */
  failed(sentence: string): void;
}

/**
 * Runs the server until it is told to stop.
 *
 * @param load brings all sources together once more, for a reload
 * @param membership null, the default, where it serves alone
 * @param inspector shows the traffic; null, the default, for nobody
 * @returns the exit status
 */
export async function serve(
  resources: CommandResources,
  io: Io,
  log: Logger,
  load: Rereading['load'],
  membership: Membership | null = null,
  inspector: (Inspector & Measured) | null = null,
): Promise<ExitCode> {
  const { settings, values } = resources;
  const passed = passedSockets(io, membership !== null);
  const composed = compose(
    resources,
    log,
    { load, files: io },
    membership?.group,
    passed,
    inspector,
  );
  const { server, filesEach } = composed;
  composed.source.add(logMetrics(io.stderr));
  if (inspector !== null) composed.source.add(metricsOf(inspector));
  membership?.watch(composed.source);
  const problem = openFilesProblem(io, values.maxConnections, filesEach);
  if (problem !== null && membership !== null) {
    // Node does not get over a connection that is given to a process which can open nothing more
    // (docs/adr/0030-workers.md).
    membership.failed(`with several workers ${problem.sentence}`);
    return ExitCode.Failure;
  }
  if (problem !== null) {
    composed.limitConnections(problem.most);
    log.warn({ maxConnections: problem.most }, `fewer connections are taken: ${problem.sentence}`);
  }
  // Before the log says that the server listens, so that no signal is lost.
  const ending = new Ending(server, composed.reload, io, log);
  const selfEnding = new SelfEnding(settings, server, ending.end.bind(ending), log);
  try {
    try {
      await ending.during(composed.start(), inspector);
    } catch (error) {
      if (error instanceof ConfigError && error.source !== null) throw error;
      const sentence = startFailure(error);
      if (membership === null) complain(io, sentence, settings.logFormat);
      else membership.failed(sentence);
      return ExitCode.Failure;
    }
    if (membership === null) await tellReady(io, log);
    await ending.stopped;
    await composed.close();
    return ending.exitCode;
  } finally {
    selfEnding.release();
    ending.release();
  }
}

function metricsOf(inspector: Measured): MetricSource {
  return 'counters' in inspector ? inspectMetrics(inspector) : feedMetrics(inspector);
}
