/** What a server is made of, and which of it a reload may change. */
import type { MemoryAccount } from '../budget/memory-account.js';
import type { ConnectionLimits } from '../connection/connection-host.js';
import type { HostPolicy, SubprotocolPolicy } from '../handshake/policy.js';
import type { KnownSecret } from '../handshake/redaction/redaction.js';
import type { HeadLimits } from '../handshake/request-head.js';
import type { PageRules, PageSource } from '../http/page-source.js';
import type { PrivatePaths } from '../http/private-files.js';
import type { Log } from '../log.js';
import type { PassedSocket } from '../net/passed-sockets.js';
import type { ListenAddress } from '../net/socket-address.js';
import type { AdmissionLimits } from './admission/admission.js';
import type { ProxyHeader } from './admission/client-address.js';
import type { ExpendableLimits } from './admission/expendables.js';
import type { Authenticator } from './auth/authenticator.js';
import type { ClientLines } from './log/client-lines.js';
import type { ServedMode } from './router.js';
import type { ServerGroup } from './server-group.js';
import type { ServerTls } from './tls/server-tls.js';

/**
 * From which addresses clients may connect, for which hosts, and which proxies are trusted. Addresses are
 * ranges such as `10.0.0.0/8`.
 */
export interface AccessOptions {
  readonly allowedHosts: HostPolicy;
  /** An empty list lets in everybody. */
  readonly allow: readonly string[];
  /** Comes before `allow`. */
  readonly deny: readonly string[];
  /** Proxies that are believed; `unix` stands for those that connect by a Unix socket. */
  readonly trustProxy: readonly string[];
  readonly trustProxyHeader: ProxyHeader;
}

export interface ServerOptions {
  readonly listen: readonly ListenAddress[];
  /** Sockets that listen already: `systemd` among the addresses means them. By default there are none. */
  readonly passedSockets?: readonly PassedSocket[];
  /** The processes that listen there together with this one; by default there are none. */
  readonly group?: ServerGroup | null;
  /** Permissions of Unix sockets; by default, and with null, the umask decides. */
  readonly unixMode?: number | null;
  readonly served: readonly ServedMode[];
  /** Where clients put their tokens, if that is in the path or the host: it is hidden in the log. */
  readonly tokensIn?: KnownSecret['tokensIn'];
  /** A directory whose files are served beside; by default, and with null, there is none. */
  readonly staticDir?: string | null;
  /** Pages of ours that are served beside, where the directory has nothing; by default, and with null, there are none. */
  readonly pages?: ((rules: PageRules) => PageSource) | null;
  /** Files that are not served though they are in it. */
  readonly privatePaths?: PrivatePaths;
  readonly head: HeadLimits;
  readonly subprotocol: SubprotocolPolicy;
  readonly limits: ConnectionLimits;
  /** The most fragments in one message, inclusive. */
  readonly maxFragments: number;
  readonly admission: AdmissionLimits;
  /** What the process holds for its clients; by default it has no limit. */
  readonly memory?: MemoryAccount;
  /** Whether WebAssembly is used where it works, which it is by default. */
  readonly wasm?: boolean;
  /** How many connections may be without a complete request for long; by default that has no limit. */
  readonly handshakes?: ExpendableLimits;
  /** By default all clients may connect, and no proxy is trusted. */
  readonly access?: AccessOptions;
  /** Checks the credentials of clients; null, the default, for no check. */
  readonly auth?: Authenticator | null;
  /** Whether a reload ends the sessions that would not open again; by default they are kept. */
  readonly recheck?: 'keep' | 'end';
  /** Certificates for addresses with TLS; null, the default, when none has it. */
  readonly tls?: ServerTls | null;
  /** How long the server serves on after it was told to stop, in milliseconds; by default not at all. */
  readonly drainDelay?: number;
  /** How long the rest of a graceful stop may take, in milliseconds. */
  readonly drainTimeout: number;
  /** Where load balancers ask whether clients may be sent here; null, the default, for nowhere. */
  readonly health?: {
    readonly path: string;
    /** What else speaks against it; empty when nothing does. */
    findProblems(): readonly string[];
  } | null;
  readonly log: Log;
  /** Where lines go that clients cause; by default to the log, and without a bound. */
  readonly clientLog?: ClientLines;
}
