/** The admin endpoint, and what it tells of the server. */
import { AdminServer } from '../admin/admin-server.js';
import type { HealthSource } from '../admin/admin-source.js';
import { LocalSource } from '../admin/local-source.js';
import type { ServerSettings } from '../config/settings.js';
import type { Log } from '../log.js';
import type { Authenticator } from '../server/auth/basic-auth.js';
import { version } from './version.js';

/** What is watched. */
export interface Watched {
  readonly server: HealthSource;
  readonly recorder: HealthSource | null;
}

/** @returns what this process tells of itself */
export function makeSource({ server, recorder }: Watched): LocalSource {
  const health = recorder === null ? [server] : [server, recorder];
  return new LocalSource(health, [], version());
}

/** @returns the endpoint, which does not listen yet; null for none */
export function makeAdmin(
  { admin }: Pick<ServerSettings, 'admin'>,
  source: LocalSource,
  authenticator: Authenticator | null,
  log: Log,
): AdminServer | null {
  if (admin === null) return null;
  const authorize = authenticator?.authorize.bind(authenticator) ?? null;
  return new AdminServer({ address: admin, source, authorize, log });
}
