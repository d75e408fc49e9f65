import type { Tap } from '../session/tap/tap.js';
import type { MemoryAccount } from '../budget/memory-account.js';
import type { HealthSource } from '../admin/admin-source.js';
import type { ServerSettings } from '../config/settings.js';
import type { Extension } from '../extensions/extension.js';
import type { DeflateCounters } from '../extensions/permessage-deflate/deflate-counters.js';
import { permessageDeflate } from '../extensions/permessage-deflate/permessage-deflate.js';
import type { OriginPolicy } from '../handshake/policy.js';
import type { PassedSocket } from '../net/passed-sockets.js';
import type { PageTerms } from '../http/page-source.js';
import type { Mode } from '../session/mode.js';
import type { Authenticator } from '../server/auth/authenticator.js';
import type { PrivatePaths } from '../http/private-files.js';
import type { ServedMode } from '../server/router.js';
import type { ServerTls } from '../server/tls/server-tls.js';
import type { ServerOptions } from '../server/server-options.js';
import type { ServerGroup } from '../server/server-group.js';
import type { ClientLines } from '../server/log/client-lines.js';
import type { Log } from '../log.js';

/** A mode and the path that it serves; null is every path that no other one has. */
export interface ModeOnPath {
  readonly path: string | null;
  /** Whether clients add a token to the path. */
  readonly hasTokenBelow?: boolean;
  readonly mode: Mode;
  /** Whether it has a page for browsers, unless the settings say otherwise. Not by default. */
  readonly hasPage?: boolean;
}

/** What a server has beside its settings. */
export interface ServerParts {
  readonly modes: readonly ModeOnPath[];
  readonly extensions: readonly Extension[];
  /** What the process holds for its clients; by default it has no limit. */
  readonly memory?: MemoryAccount;
  /** permessage-deflate, by default a new one. */
  readonly deflate?: Extension;
  /** Checks credentials; null to let in all clients. */
  readonly authenticator: Authenticator | null;
  /** Certificates for addresses with TLS; null without any. */
  readonly tls?: ServerTls | null;
  /** The directory whose files are served; null for none. */
  readonly staticDir: string | null;
  /** Makes what answers requests without an upgrade; by default nothing does. */
  readonly pages?: ServerOptions['pages'];
  /** Files that are not served though they are in it. */
  readonly privatePaths?: PrivatePaths;
  /** The recorder of all sessions; null for none. */
  readonly recorder: (Tap & HealthSource) | null;
  /** Knows whether anything more can be opened; by default nobody does. */
  readonly descriptors?: HealthSource;
  /** The processes that serve together with this one; null for none. */
  readonly group: ServerGroup | null;
  /** Sockets that this process was given; by default none. */
  readonly passedSockets?: readonly PassedSocket[];
  readonly log: Log;
  /** Where lines go that clients cause. */
  readonly clientLog: ClientLines;
}

/** Names the settings as the layers below do: sizes in bytes, durations in milliseconds. */
export function serverOptions(
  settings: ServerSettings,
  {
    modes,
    extensions,
    memory,
    deflate = makeDeflate(settings),
    authenticator,
    tls = null,
    staticDir,
    pages,
    privatePaths,
    recorder,
    descriptors,
    group,
    passedSockets = [],
    log,
    clientLog,
  }: ServerParts,
): ServerOptions {
  const withDeflate = [...extensions, deflate];
  const served = modes.map(({ path, mode, hasTokenBelow = false, hasPage }): ServedMode => {
    const hasDeflate =
      settings.deflate === 'auto' ? mode.defaults?.deflate !== false : settings.deflate;
    return {
      path,
      hasTokenBelow,
      mode,
      origin: settings.origin === 'auto' ? originOf(mode, authenticator) : settings.origin,
      extensions: hasDeflate ? withDeflate : extensions,
      recorder,
      page: hasPage === true && settings.page ? pageTerms(settings) : null,
    };
  });
  return {
    listen: settings.listen,
    passedSockets,
    unixMode: settings.unixMode,
    ...(memory === undefined ? {} : { memory }),
    group,
    served,
    tokensIn: tokensIn(settings),
    staticDir,
    ...(pages === undefined ? {} : { pages }),
    ...(privatePaths === undefined ? {} : { privatePaths }),
    access: {
      allowedHosts: settings.allowedHosts,
      allow: settings.allow,
      deny: settings.deny,
      trustProxy: settings.trustProxy,
      trustProxyHeader: settings.trustProxyHeader,
    },
    auth: authenticator,
    tls,
    head: {
      maxRequestLine: settings.maxRequestLine,
      maxHeaderLine: settings.maxHeaderLine,
      maxHead: settings.maxHead,
      maxHeaders: settings.maxHeaders,
    },
    subprotocol: settings.subprotocol,
    limits: {
      outputPause: settings.outputPause,
      outputLimit: settings.outputLimit,
      maxMessage: settings.maxMessage,
      handshakeTimeout: settings.handshakeTimeout,
      messageTimeout: settings.messageTimeout,
      sendTimeout: settings.sendTimeout,
      pingInterval: settings.pingInterval,
      pongTimeout: settings.pongTimeout,
      idleTimeout: settings.idleTimeout,
      maxLifetime: settings.maxLifetime,
      closeTimeout: settings.closeTimeout,
      maxMessageRate: settings.maxMessageRate,
      maxByteRate: settings.maxByteRate,
      minDataRate: settings.minDataRate,
    },
    maxFragments: settings.maxFragments,
    wasm: settings.wasm,
    admission: {
      maxConnections: settings.maxConnections,
      maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
      maxConnectionRate: settings.maxConnectionRate,
      maxHandshakeRate: settings.maxHandshakeRate,
    },
    handshakes: {
      maxHandshakes: settings.maxHandshakes,
      maxHandshakesPerAddress: settings.maxHandshakesPerAddress,
    },
    recheck: settings.recheck,
    drainDelay: settings.drainDelay,
    drainTimeout: settings.drainTimeout,
    health:
      settings.health === null
        ? null
        : {
            path: settings.health,
            findProblems: () =>
              [recorder, descriptors].flatMap((source) => source?.findProblems() ?? []),
          },
    log,
    clientLog,
  };
}

/** What those who look at an echo route with a browser or curl are told. */
function pageTerms({ echoRequest, echoControls }: ServerSettings): PageTerms {
  return { showsAll: echoRequest === 'full', hasControls: echoControls };
}

/**
 * Which pages may connect by default: the mode chooses. But a browser sends the password that it
 * knows with every page's request, so that none has to let in all of them where there is one.
 */
function originOf({ defaults }: Mode, authenticator: Authenticator | null): OriginPolicy {
  const origin = defaults?.origin ?? 'any';
  return origin === 'any' && authenticator !== null ? 'same' : origin;
}

/**
 * All modes of a server share it: it has the budget of compressors.
 *
 * @param counters counts what it does; by default nobody asks
 * @param memory is charged for what it holds; by default that has no limit
 */
export function makeDeflate(
  settings: ServerSettings,
  counters?: DeflateCounters,
  memory?: MemoryAccount,
): Extension {
  const options = {
    level: settings.deflateLevel,
    thresholdBytes: settings.deflateThreshold,
    memoryBytes: settings.deflateMemory,
    maxRatio: settings.deflateMaxRatio,
    serverMaxWindowBits: settings.deflateWindowBits,
    clientMaxWindowBits: settings.deflateClientWindowBits,
    serverNoContextTakeover: settings.deflateNoContextTakeover.includes('server'),
    clientNoContextTakeover: settings.deflateNoContextTakeover.includes('client'),
  };
  return permessageDeflate(options, counters, memory === undefined ? {} : { memory });
}

/**
 * Where tokens are hidden beside the query, which hides them by itself. No reload changes that: a session
 * that has begun with a token ends with it.
 */
export function tokensIn({ tokenFrom }: Pick<ServerSettings, 'tokenFrom'>): 'path' | 'host' | null {
  return tokenFrom === 'query' ? null : tokenFrom;
}
