/** The admin endpoint, and what it tells of the server. */
import { AdminServer } from '../admin/admin-server.js';
import type { AdminSource, HealthSource } from '../admin/admin-source.js';
import { LocalSource } from '../admin/local-source.js';
import { deflateMetrics } from '../admin/metrics/deflate-metrics.js';
import {
  type MeasuredDescriptors,
  descriptorMetrics,
} from '../admin/metrics/descriptor-metrics.js';
import { loginMetrics } from '../admin/metrics/login-metrics.js';
import { type MeasuredSpare, memoryMetrics } from '../admin/metrics/memory-metrics.js';
import type { MetricSource } from '../admin/metrics/metric.js';
import { type MeasuredRecorder, recordingMetrics } from '../admin/metrics/recording-metrics.js';
import { type ReloadCounters, reloadMetrics } from '../admin/metrics/reload-metrics.js';
import { type MeasuredServer, ServerMetrics } from '../admin/metrics/server-metrics.js';
import { targetMetrics } from '../admin/metrics/target-metrics.js';
import { tlsMetrics } from '../admin/metrics/tls-metrics.js';
import type { MemoryAccount } from '../budget/memory-account.js';
import type { ServerSettings } from '../config/settings.js';
import type { DeflateCounters } from '../extensions/permessage-deflate/deflate-counters.js';
import type { Log } from '../log.js';
import type { TargetCounters } from '../modes/tcp/target-counters.js';
import type { Authenticator } from '../server/auth/authenticator.js';
import type { ServerTls } from '../server/tls/server-tls.js';
import { version } from './version.js';

/** What is watched. */
export interface Watched {
  readonly server: HealthSource & MeasuredServer & MeasuredSpare;
  readonly recorder: (HealthSource & MeasuredRecorder) | null;
  readonly memory: MemoryAccount;
  readonly deflate: DeflateCounters;
  readonly targets: TargetCounters;
  readonly tls: ServerTls | null;
  readonly reloads: ReloadCounters;
  readonly descriptors: HealthSource & MeasuredDescriptors;
  /** Null where no password is asked for. */
  readonly authenticator: Pick<Authenticator, 'counters'> | null;
}

/** What protects the metrics, and the clients of the server too. */
interface Protected {
  readonly authenticator: Authenticator | null;
  readonly tls: ServerTls | null;
}

/** @returns what this process tells of itself */
export function makeSource(
  { deflateMemory }: Pick<ServerSettings, 'deflateMemory'>,
  { server, recorder, memory, deflate, targets, tls, reloads, authenticator, descriptors }: Watched,
): LocalSource {
  const metrics: MetricSource[] = [
    new ServerMetrics(server),
    memoryMetrics(memory, server),
    deflateMetrics(deflate, deflateMemory),
    targetMetrics(targets),
    reloadMetrics(reloads),
    descriptorMetrics(descriptors),
  ];
  if (authenticator !== null) metrics.push(loginMetrics(authenticator));
  if (tls !== null) metrics.push(tlsMetrics(tls));
  const health: HealthSource[] = [server, descriptors];
  if (recorder !== null) {
    health.push(recorder);
    metrics.push(recordingMetrics(recorder));
  }
  return new LocalSource(health, metrics, version());
}

/** @returns the endpoint, which does not listen yet; null for none */
export function makeAdmin(
  { admin }: Pick<ServerSettings, 'admin'>,
  source: AdminSource,
  { authenticator, tls }: Protected,
  log: Log,
): AdminServer | null {
  if (admin === null) return null;
  const authorize = authenticator?.authorize.bind(authenticator) ?? null;
  return new AdminServer({ address: admin, source, authorize, tls: tls?.context ?? null, log });
}
