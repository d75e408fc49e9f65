/** The server: what it is made of, whom it accepts and serves, and how it starts and stops. */
import type { Socket } from 'node:net';
import { MemoryAccount } from '../budget/memory-account.js';
import { loopTurns } from '../budget/turns.js';
import { CoarseClock } from '../connection/clock.js';
import { type ListenAddress, formatPeer } from '../net/socket-address.js';
import type { ConnectionHost, ConnectionLimits } from '../connection/connection-host.js';
import { Connection } from '../connection/connection.js';
import { FlushQueue } from '../connection/flush-queue.js';
import type { HttpService } from '../http/tunnel.js';
import type { OpeningPolicy } from '../connection/head-phase.js';
import { findSharedReads, probeSharedReads } from '../connection/node-internals.js';
import { type ListenerKind, peerOf } from '../connection/socket.js';
import { HandshakeError } from '../errors.js';
import type { HostPolicy, SubprotocolPolicy } from '../handshake/policy.js';
import { networkOf } from '../net/ip-address.js';
import { isOpeningHandshake } from '../handshake/request.js';
import { routePath } from '../handshake/request-target.js';
import { type KnownSecret, Redaction } from '../handshake/redaction/redaction.js';
import type { HeadLimits } from '../handshake/request-head.js';
import { Traffic } from '../session/counters.js';
import type { ServedSession } from '../session/session-host.js';
import type { Session } from '../session/session.js';
import { type Kernel, loadKernel } from '../protocol/kernel/kernel.js';
import { SlabPool } from '../protocol/slabs/slab-pool.js';
import { AddressList } from '../net/address-range.js';
import { type AddressRules, Admission, type AdmissionLimits } from './admission.js';
import type { Authenticator } from './auth/authenticator.js';
import { ClientAddress, type ProxyHeader } from './client-address.js';
import { ConnectionRegistry } from './connection-registry.js';
import { Drain } from './drain.js';
import { type ExpendableLimits, Expendables } from './expendables.js';
import { type Rules, findUnwelcome, recheck } from './recheck.js';
import { type Listener, closeWhenQuiet, listen } from './listener.js';
import type { ServerTls } from './tls/server-tls.js';
import { PrivateFiles, type PrivatePaths } from '../http/private-files.js';
import { MemoryGuard } from './memory-guard.js';
import { GroupPlaces } from './group-places.js';
import { ClientLines } from './log/client-lines.js';
import { Router, type ServedMode } from './router.js';
import type { Log } from '../log.js';
import { ServerCounters } from './server-counters.js';
import { logDeclined, logLateFailure, logRefusal, logSession } from './log/session-log.js';
import type { ServerGroup } from './server-group.js';
import { StaticDirectory } from '../http/static-directory.js';

/** For which share of a stop's time newcomers get an answer, if they do not cease. */
const NEWCOMERS_SHARE = 0.5;

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

const NO_PATHS: PrivatePaths = { files: [], recording: null };

const NO_LIMITS: ExpendableLimits = {
  maxHandshakes: Number.MAX_SAFE_INTEGER,
  maxHandshakesPerAddress: 0,
};

/** Lines of the log that clients cause, in a second. */
const NO_BOUND = 0;

const EVERYBODY: AccessOptions = {
  allowedHosts: 'any',
  allow: [],
  deny: [],
  trustProxy: [],
  trustProxyHeader: 'x-forwarded-for',
};

export interface ServerOptions {
  readonly listen: readonly ListenAddress[];
  /** The processes that listen there together with this one; by default there are none. */
  readonly group?: ServerGroup | null;
  /** Permissions of Unix sockets; by default, and with null, the umask decides. */
  readonly unixMode?: number | null;
  readonly served: readonly ServedMode[];
  /** Where clients put their tokens, if that is in the path or the host: it is hidden in the log. */
  readonly tokensIn?: KnownSecret['tokensIn'];
  /** A directory whose files are served beside; by default, and with null, there is none. */
  readonly staticDir?: string | null;
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

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** How often memory that nobody has needed since goes back to the system. */
const TRIM_MS = 1000;

/** What the operator has written is no secret of a client's. */
function redactionOf({ served, subprotocol, tokensIn = null }: ServerOptions): Redaction {
  return new Redaction({
    tokensIn,
    subprotocols: typeof subprotocol === 'string' ? [] : subprotocol,
    paths: served.flatMap(({ path }) => path ?? []),
  });
}

function rulesOf({ allow, deny }: AccessOptions, { trustsUnix }: ClientAddress): AddressRules {
  return {
    allow: new AddressList(allow),
    deny: new AddressList(deny),
    hasUnixProxy: trustsUnix,
  };
}

export class Server {
  readonly counters = new ServerCounters();
  readonly traffic = new Traffic();
  readonly clientLog: ClientLines;

  #options: ServerOptions;
  readonly #memory: MemoryAccount;
  readonly #admission: Admission;
  #clientAddress: ClientAddress;
  readonly #privateFiles: PrivateFiles;
  readonly #staticDirectory: StaticDirectory | null;
  readonly #connections: ConnectionRegistry;
  readonly #clock = new CoarseClock((nowMs) => {
    this.#connections.check(nowMs);
    if (nowMs >= this.#trimMs) {
      this.#trimMs = nowMs + TRIM_MS;
      this.#slabPool.trim();
    }
  });
  /** Memory that connections use in turn. */
  readonly #slabPool: SlabPool;
  readonly #kernel: Kernel | null;
  #trimMs = 0;
  /** The open ones, by their number. */
  readonly #sessions = new Map<number, ServedSession>();
  #host: Mutable<ConnectionHost> | null = null;
  #redaction: Redaction;
  #router: Router;
  /** The options are not those of the start any more. */
  #isReconfigured = false;
  #isOnce = false;
  #mostConnections = Number.MAX_SAFE_INTEGER;
  #hasServed = false;
  #listeners: Listener[] = [];
  #drain: Drain | null = null;
  #isListening = false;
  /** Called when a session has opened or ended, with the number of those that are open then. */
  sessionsChanged: ((open: number) => void) | null = null;
  /** What modes still do for sessions that have ended. */
  readonly #lingering = new Set<Promise<unknown>>();
  #stopped: Promise<void> | null = null;

  /** @throws ConfigError when `staticDir` is no directory */
  constructor(options: ServerOptions) {
    const { staticDir = null, access = EVERYBODY, group = null, log } = options;
    this.#options = options;
    this.#memory = options.memory ?? new MemoryAccount();
    this.#kernel = options.wasm === false ? null : loadKernel();
    this.#slabPool = new SlabPool(this.#memory, this.#kernel);
    this.clientLog = options.clientLog ?? new ClientLines(log, NO_BOUND);
    this.#privateFiles = new PrivateFiles(options.privatePaths ?? NO_PATHS);
    this.#staticDirectory =
      staticDir === null ? null : new StaticDirectory(staticDir, this.#privateFiles);
    this.#redaction = redactionOf(options);
    this.#router = this.#makeRouter(options.served);
    this.#clientAddress = new ClientAddress(access.trustProxy, access.trustProxyHeader);
    this.#admission = new Admission(
      options.admission,
      rulesOf(access, this.#clientAddress),
      undefined,
      this.#memory,
    );
    this.#connections = new ConnectionRegistry({
      admission: this.#admission,
      expendables: new Expendables(options.handshakes ?? NO_LIMITS),
      places: group === null ? null : new GroupPlaces(group),
      clock: this.#clock,
      counters: this.counters,
      log,
    });
    new MemoryGuard(this.#memory, this.#connections.all, this.#slabPool, log);
  }

  /**
   * Serves on with other routes, modes, origins, hosts, addresses, trusted proxies, subprotocols, `maxConnections` and
   * times of a stop; everything else in the options stays as it was. Sessions go on. Handshakes that are decided on
   * already get their answer.
   */
  reconfigure(options: ServerOptions): void {
    const {
      served,
      subprotocol,
      access = EVERYBODY,
      admission,
      drainDelay,
      drainTimeout,
    } = options;
    this.#options = {
      ...this.#options,
      ...{ served, subprotocol, access, admission, drainTimeout },
      ...(drainDelay !== undefined && { drainDelay }),
    };
    this.#redaction = redactionOf(options);
    this.#router = this.#makeRouter(served);
    this.#isReconfigured = true;
    this.#privateFiles.replace(options.privatePaths ?? NO_PATHS);
    this.#clientAddress = new ClientAddress(access.trustProxy, access.trustProxyHeader);
    this.#changeAdmission();
    if (this.#host !== null) this.#host.opening = this.#makeOpening();
  }

  /** One session and no other: from its 101 on every handshake gets 503. */
  serveOnce(): void {
    this.#isOnce = true;
  }

  /** Ends the sessions that would not open again, if that is what the options say. */
  async recheck(): Promise<void> {
    const { recheck: what, log } = this.#options;
    if (what !== 'end') return;
    const sessions = await recheck(this.#sessions.values(), this.#rules);
    if (sessions > 0) log.info({ sessions }, 'sessions closed that are not allowed any more');
  }

  /** Where the server listens, as URLs: `ws://127.0.0.1:9001`, `unix:/run/twist.sock`. */
  get urls(): string[] {
    return this.#listeners.map(({ url }) => url);
  }

  /** The open sessions. */
  get sessions(): Iterable<Session> & { readonly size: number } {
    const sessions = this.#sessions;
    return {
      get size() {
        return sessions.size;
      },
      [Symbol.iterator]: () => sessions.values(),
    };
  }

  /** Whether it was told to stop. */
  get isDraining(): boolean {
    return this.#stopped !== null;
  }

  /** As of the last tick, on the clock of the sessions, in milliseconds. */
  get nowMs(): number {
    return this.#clock.nowMs;
  }

  /** How many connections it takes at most. */
  get maxConnections(): number {
    return Math.min(this.#options.admission.maxConnections, this.#mostConnections);
  }

  /** Takes no more connections than so many, whatever the options say. */
  limitConnections(most: number): void {
    this.#mostConnections = most;
    this.#changeAdmission();
  }

  #changeAdmission(): void {
    const { access = EVERYBODY } = this.#options;
    this.#admission.change(this.maxConnections, rulesOf(access, this.#clientAddress));
  }

  /** Number of open connections, those in their opening handshake included. */
  get connectionCount(): number {
    return this.#connections.all.size;
  }

  /** What is held for the next large messages, in bytes. */
  get freeMessageBytes(): number {
    return this.#slabPool.freeMessageBytes;
  }

  /** Why no client should be sent here, a phrase each; empty when all is well. */
  findProblems(): readonly string[] {
    return this.#findProblems(0);
  }

  /** @param askers how many of the places are taken to ask this */
  #findProblems(askers: 0 | 1): readonly string[] {
    if (this.isDraining) return ['draining: the server is shutting down'];
    if (!this.#isListening) return ['not listening yet'];
    if (this.#memory.isNear) return ['short of memory (maxMemory)'];
    const isFull = this.#isTaken || this.#admission.isFullBeside(askers);
    return isFull ? ['full: all connections are taken (maxConnections)'] : [];
  }

  /**
   * Starts listening on all addresses, or on none.
   *
   * @param begin what is to be done once all addresses are ours, and before the log says so; when it
   *   rejects the server stops
   * @throws ConfigError or NodeJS.ErrnoException as {@link listen}, or what `begin` rejects with
   */
  async start(begin: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { unixMode, group = null, tls = null, served, log } = this.#options;
    this.#host = await this.#makeHost();
    try {
      await tls?.start();
      for (const address of this.#options.listen) {
        const isTls = tls !== null && address.kind === 'tcp' && address.tls !== false;
        const accept = isTls ? this.#acceptTls : this.#acceptPlain;
        const listener = await listen(address, accept, unixMode, group !== null, isTls);
        this.#listeners.push(listener);
        listener.server.on('error', this.#listenerFailed);
      }
      await begin();
    } catch (error) {
      // An earlier address may have accepted connections meanwhile: none is left over.
      this.stopNow();
      this.#listeners = [];
      throw error;
    }
    if (this.#stopped !== null) {
      // Told to stop before it had begun.
      this.#closeListeners();
      return;
    }
    this.#isListening = true;
    const modes = served.map(({ path, mode }) => `${path === null ? '' : `${path}=`}${mode.name}`);
    const lines = this.urls.map((address) => ({ address, mode: modes.join(' ') }));
    if (group === null) for (const line of lines) log.info(line, 'listening');
    else group.listening(lines);
  }

  /**
   * Stops gracefully: no new connections, 1001 to all, spread so that clients do not come back all at
   * once. Whoever is left when the time is over is dropped. A second call waits for the same end.
   */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  #stop(): Promise<void> {
    const { drainDelay = 0, drainTimeout, limits, log } = this.#options;
    const host = {
      connections: this.#connections.all,
      log,
      stopAccepting: () => {
        this.#admission.isDraining = true;
        const patienceMs = drainTimeout * NEWCOMERS_SHARE;
        return closeWhenQuiet(this.#listeners, () => this.counters.connections, patienceMs);
      },
      stopNow: this.stopNow.bind(this),
      settled: async () => {
        await Promise.allSettled(this.#lingering);
        // The last line is that the server has stopped.
        this.clientLog.tell();
      },
    };
    const { closeTimeout } = limits;
    this.#drain = new Drain(host, { drainDelay, drainTimeout, closeTimeout });
    return this.#drain.run().finally(() => this.#options.tls?.stop());
  }

  /** A stop that serves on for `drainDelay` does so no longer. */
  endDelay(): void {
    this.#drain?.hurry();
  }

  /** Drops every connection at once. */
  stopNow(): void {
    this.endDelay();
    this.#closeListeners();
    for (const connection of this.#connections.all) connection.drop('shutdown');
  }

  #closeListeners(): void {
    for (const { server } of this.#listeners) server.close();
    this.#options.tls?.stop();
  }

  readonly #acceptPlain = (socket: Socket, kind: ListenerKind, isLoopback: boolean): void => {
    this.#accept(socket, kind, isLoopback, false);
  };

  readonly #acceptTls = (socket: Socket, kind: ListenerKind, isLoopback: boolean): void => {
    this.#accept(socket, kind, isLoopback, true);
  };

  #accept(socket: Socket, kind: ListenerKind, isLoopback: boolean, isTls: boolean): void {
    this.counters.connections++;
    const peer = peerOf(socket, kind);
    if (peer === null) {
      // A reset was faster: the address of this client is unknown, and no answer is due.
      socket.destroy();
      this.clientLog.write('debug', '', 'connection was reset before it was accepted', () => ({}));
      return;
    }
    this.#clock.start();
    const isProxy = this.#clientAddress.isProxy(peer);
    const network = isProxy || kind === 'unix' ? null : networkOf(peer.remoteAddress);
    const refusal = this.#connections.findRefusal(peer, isProxy, network);
    const way = this.#clientAddress.wayOf(
      peer,
      kind === 'unix' ? kind : isLoopback ? 'loopback' : 'network',
    );
    const arrival = { peer, kind, refusal, way, isTls };
    const connection = new Connection(socket, arrival, this.#host!);
    this.#connections.add(connection, network);
    connection.start();
  }

  /** A handshake is decided on: does what was asked before still hold? */
  #findLateRefusal(session: ServedSession): HandshakeError | null {
    if (this.#isTaken) return new HandshakeError('full');
    if (!this.#isReconfigured) return null;
    const unwelcome = findUnwelcome(session, this.#rules);
    if (unwelcome === 'route' && this.#options.recheck !== 'end') return null;
    return unwelcome === null ? null : new HandshakeError(unwelcome);
  }

  /** The one session that there is to be has begun. */
  get #isTaken(): boolean {
    return this.#isOnce && this.#hasServed;
  }

  get #rules(): Rules {
    return {
      isAllowed: (address) => this.#admission.isAllowed(address),
      findMode: (path) => this.#router.lookUp(path)?.mode ?? null,
    };
  }

  #closed(connection: Connection): void {
    this.#connections.remove(connection);
    if (this.#connections.all.size > 0) return;
    this.#clock.stop();
    // Nobody needs it soon.
    this.#slabPool.giveBack();
    this.#drain?.emptied();
  }

  readonly #listenerFailed = (error: Error): void => {
    this.#options.log.error({ err: error }, 'listener failed');
  };

  async #makeHttp(): Promise<HttpService | null> {
    const { limits, head } = this.#options;
    if (this.#staticDirectory === null) return null;
    // Loaded only to serve files: the library's list of media types takes 2 MiB, and its time to load.
    const { StaticFiles } = await import('../http/static-files.js');
    return new StaticFiles({
      directory: this.#staticDirectory,
      keepAliveMs: limits.handshakeTimeout,
      maxHead: head.maxHead,
      redaction: this.#redaction,
      log: this.clientLog,
    });
  }

  #makeRouter(served: readonly ServedMode[]): Router {
    return new Router(served, (mode, path) => this.counters.sessionsOf(mode, path));
  }

  #makeOpening(): OpeningPolicy {
    const { head, subprotocol, auth = null, health = null, access = EVERYBODY } = this.#options;
    return {
      head,
      health:
        health === null
          ? null
          : {
              path: routePath(health.path),
              isReady: ({ isCounted }) =>
                this.#findProblems(isCounted ? 1 : 0).length + health.findProblems().length === 0,
            },
      allowedHosts: access.allowedHosts,
      subprotocol,
      findRoute: (request) => {
        if (this.#isTaken) throw new HandshakeError('full');
        return this.#router.find(request);
      },
      authorize: (request, connection, waiting) => {
        const authorize = (): string | Promise<string> | null => {
          if (auth === null) return null;
          const { remoteAddress } = connection;
          // The signal is made only when somebody asks for it.
          return auth.authorize(request, {
            remoteAddress,
            get signal() {
              return waiting.signal;
            },
          });
        };
        return (
          this.#connections.reserve(connection, isOpeningHandshake(request))?.then(authorize) ??
          authorize()
        );
      },
      expectsProxyHeader: (peer) => this.#clientAddress.expectsProxyHeader(peer),
    };
  }

  async #makeHost(): Promise<ConnectionHost> {
    const { clientLog } = this;
    const { limits, maxFragments, log } = this.#options;
    const endpoint = {
      role: 'server',
      maxMessage: limits.maxMessage,
      maxFragments,
      controlIn: this.traffic.controlIn,
      controlOut: this.traffic.controlOut,
      pool: this.#slabPool,
    } as const;
    const sharedReads = await probeSharedReads(
      findSharedReads(undefined, this.#kernel?.receiveBuffer),
    );
    if (sharedReads === null) log.debug({}, 'shared reads do not work on this version of Node');
    return {
      limits,
      opening: this.#makeOpening(),
      endpointOptions: {
        messages: { ...endpoint, delivery: 'messages' },
        chunks: { ...endpoint, delivery: 'chunks' },
      },
      clock: this.#clock,
      flushQueue: new FlushQueue(),
      memory: this.#memory,
      slabPool: this.#slabPool,
      turns: loopTurns,
      traffic: this.traffic,
      sharedReads,
      http: await this.#makeHttp(),
      tls: this.#options.tls?.context ?? null,
      findClient: (peer, headers) => this.#clientAddress.find(peer, headers),
      clientFound: (connection, proxy, client) => {
        const isNew = !this.#clientAddress.isProxy(client);
        this.#connections.identify(connection, proxy, client, isNew);
      },
      setExpendable: (connection, isExpendable) => {
        this.#connections.setExpendable(connection, isExpendable);
      },
      findRefusal: (connection) => this.#connections.findLaterRefusal(connection),
      findLateRefusal: (session) => this.#findLateRefusal(session),
      handshakeRefused: (address, error, cause) => {
        this.counters.countRefusal(error);
        logRefusal(clientLog, address, error, cause, this.#redaction);
      },
      extensionDeclined: (session, declined) => {
        logDeclined(clientLog, session, declined);
      },
      sessionOpened: (session) => {
        const { id, path, remoteAddress } = session;
        this.#sessions.set(id, session);
        this.#hasServed = true;
        this.sessionsChanged?.(this.#sessions.size);
        clientLog.write('debug', remoteAddress, 'session opened', () => ({
          session: id,
          path: this.#redaction.path(path),
        }));
      },
      sessionEnded: (summary) => {
        this.#sessions.delete(summary.id);
        this.counters.countEnd(summary);
        logSession(clientLog, summary, this.#redaction);
        this.sessionsChanged?.(this.#sessions.size);
      },
      modeLingers: (closing) => {
        this.#lingering.add(closing);
        const done = (): void => {
          this.#lingering.delete(closing);
        };
        closing.then(done, done);
      },
      sessionFailedLate: (session, mode, error) => {
        logLateFailure(clientLog, session, mode, error, this.#redaction);
      },
      clientLeft: (address, how) => {
        clientLog.write('debug', address.remoteAddress, 'client left during the handshake', () => ({
          peer: formatPeer(address),
          how,
        }));
      },
      connectionClosed: (connection) => {
        this.#closed(connection);
      },
    };
  }
}
