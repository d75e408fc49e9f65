/** The process of the inspector: takes the records that its server sends, and shows them on a page. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PageServer } from '../../app/inspect/page-server.js';
import { TokenDoor } from '../../app/inspect/token-door.js';
import { makeAuthenticator } from '../../app/resources/resources.js';
import { readTls } from '../../app/resources/tls.js';
import { version } from '../../app/version.js';
import { load } from '../../config/load.js';
import type { Settings } from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import { LiveInspection } from '../../inspect/inspection.js';
import { SUBPROTOCOL } from '../../inspect/inspect-mode.js';
import type { Log } from '../../log.js';
import { isLoopbackHost } from '../../net/address-range.js';
import { formatListenAddress } from '../../net/socket-address.js';
import type { Reloadable } from '../../reloadable.js';
import type { Authenticator } from '../../server/auth/authenticator.js';
import { ClientLines } from '../../server/log/client-lines.js';
import { systemReason } from '../../system-reason.js';
import type { ViewerOrder } from '../../workers/viewer/viewer-messages.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { PAGE } from './page.js';
import { ServerLink, type ViewerChannel, logOf } from './server-link.js';

/** How long pages have to hear that nothing more comes, in milliseconds. */
const LAST_NEWS_MS = 300;

/** Runs until the records end, or the server is gone. @returns the exit status */
export async function runViewer(
  io: Pick<Io, 'stdin' | 'env'>,
  channel: ViewerChannel,
): Promise<ExitCode> {
  const link = new ServerLink(channel);
  const { order } = link;
  const log = logOf(channel);
  const reloadables: Reloadable[] = [];
  link.onReload = () => {
    // What is wrong with a file is said by the server, which reads it too.
    for (const reloadable of reloadables) reloadable.reload().catch(() => undefined);
  };
  let running: Running;
  try {
    running = await startPage(await order, link, io, log, reloadables);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    channel.send({ kind: 'failed', sentence: error.message });
    return ExitCode.Failure;
  }
  const { inspection, server } = running;
  for await (const bytes of io.stdin()) inspection.receive(bytes);
  inspection.end();
  await sleep(LAST_NEWS_MS);
  await server.stop();
  return ExitCode.Ok;
}

interface Running {
  readonly inspection: LiveInspection;
  readonly server: PageServer;
}

/** @throws {ConfigError} as a rejection, when something cannot be read, or the page cannot listen */
async function startPage(
  { flags, environment, configText, port, secret, workers }: ViewerOrder,
  link: ServerLink,
  { env }: Pick<Io, 'env'>,
  log: Log,
  reloadables: Reloadable[],
): Promise<Running> {
  // The server has found nothing wrong with it.
  const { settings, values } = load({ flags, environment, readFile: () => configText! });
  const given = settings.inspect!;
  const address = { ...given, port: port ?? given.port };
  const clientLog = new ClientLines(log, settings.maxLogRate);
  const door = await doorOf(settings, secret, () =>
    makeAuthenticator(values, { log, clientLog }, reloadables),
  );
  const tls = isLoopbackHost(address.host) ? null : await readTls(values, log, clientLog);
  if (tls !== null) reloadables.push(tls.watch);
  const inspection = new LiveInspection({
    version: version(),
    spoolDir: spoolDirOf(env),
    memoryBytes: settings.inspectMemory,
    ...shownPayload(settings),
    ...(workers > 1 && { workers }),
    endSession: (session, code, reason) => link.end(session, code, reason),
  });
  const { mode } = inspection;
  const page = { mode, subprotocol: SUBPROTOCOL, door, tls, loadPage: PAGE, log };
  const server = new PageServer({ ...page, address });
  try {
    const place = await server.start();
    link.channel.send({ kind: 'listening', ...place });
    if (door instanceof TokenDoor && door.isOneTime) {
      const tell = (token: string): void => {
        link.channel.send({ kind: 'url', url: `${place.address}/?token=${token}` });
      };
      door.onNext = tell;
      tell(door.token);
    }
  } catch (error) {
    const where = formatListenAddress({ kind: 'tcp', ...address });
    throw new ConfigError(`cannot listen on ${where} for the inspector: ${systemReason(error)}`);
  }
  return { inspection, server };
}

/** The operator's token comes before passwords: it is for this page alone. */
async function doorOf(
  { inspectToken: token }: Settings,
  secret: string,
  passwords: () => Promise<Authenticator | null>,
): Promise<TokenDoor | Authenticator> {
  const authenticator = token === null ? await passwords() : null;
  return authenticator ?? new TokenDoor({ secret, token });
}

/** Where large exports lie until they are complete. */
export function spoolDirOf(env: Io['env']): string {
  return env['TMPDIR'] ?? env['TEMP'] ?? '/tmp';
}

/** How much of each payload there can be to see. */
function shownPayload({ record, recordPayload, inspectPayload }: Settings): {
  readonly maxPayloadBytes?: number;
} {
  const maxPayloadBytes = record === null ? inspectPayload : recordPayload;
  return maxPayloadBytes === Infinity ? {} : { maxPayloadBytes };
}
