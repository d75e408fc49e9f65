/** The server: how it starts and stops, whom it accepts, and what others may ask of it. */
import type { Socket } from 'node:net';
import { MemoryAccount } from '../budget/memory-account.js';
import { CoarseClock } from '../connection/clock.js';
import { Connection } from '../connection/connection.js';
import { findSharedReads, peerOf, probeSharedReads } from '../connection/node-internals.js';
import type { ListenerKind } from '../connection/socket.js';
import type { Redaction } from '../handshake/redaction/redaction.js';
import { PageService } from '../http/page-service.js';
import { StaticDirectory } from '../http/static-directory.js';
import type { HttpService } from '../http/tunnel.js';
import { ConfigError } from '../errors.js';
import { networkOf } from '../net/ip-address.js';
import { socketsNamed } from '../net/passed-sockets.js';
import { type Kernel, loadKernel } from '../protocol/kernel/kernel.js';
import { SlabPool } from '../protocol/slabs/slab-pool.js';
import { Traffic } from '../session/counters.js';
import type { Session } from '../session/session.js';
import { ConnectionRegistry } from './admission/connection-registry.js';
import { type ExpendableLimits, Expendables } from './admission/expendables.js';
import { GroupPlaces } from './admission/group-places.js';
import { Drain } from './drain.js';
import { type BindAddress, type Listener, closeWhenQuiet, listen } from './listener.js';
import { ClientLines } from './log/client-lines.js';
import { MemoryGuard } from './memory-guard.js';
import { OpenSessions } from './open-sessions.js';
import { recheck } from './recheck.js';
import { ServerCounters } from './server-counters.js';
import { type HostOwner, ServerHost } from './server-host.js';
import type { ServerOptions } from './server-options.js';
import { ServerRules } from './server-rules.js';

/** For which share of a stop's time newcomers get an answer, if they do not cease. */
const NEWCOMERS_SHARE = 0.5;

const NO_LIMITS: ExpendableLimits = {
  maxHandshakes: Number.MAX_SAFE_INTEGER,
  maxHandshakesPerAddress: 0,
};

/** Lines of the log that clients cause, in a second. */
const NO_BOUND = 0;

/** How often memory that nobody has needed since goes back to the system. */
const TRIM_MS = 1000;

/** Where one socket is to listen. */
interface Place {
  readonly address: BindAddress;
  readonly isTls: boolean;
  /** The operator has said so. */
  readonly mustBeTls: boolean;
}

export class Server {
  readonly counters = new ServerCounters();
  readonly traffic = new Traffic();
  readonly clientLog: ClientLines;

  readonly #rules: ServerRules;
  readonly #sessions = new OpenSessions();
  readonly #memory: MemoryAccount;
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
  #host: ServerHost | null = null;
  #listeners: Listener[] = [];
  #drain: Drain | null = null;
  #isListening = false;
  /** Called when a session has opened or ended, with the number of those that are open then. */
  sessionsChanged: ((open: number) => void) | null = null;
  #stopped: Promise<void> | null = null;

  /** @throws ConfigError when `staticDir` is no directory */
  constructor(options: ServerOptions) {
    const { staticDir = null, group = null, log } = options;
    this.#memory = options.memory ?? new MemoryAccount();
    this.#kernel = options.wasm === false ? null : loadKernel();
    this.#slabPool = new SlabPool(this.#memory, this.#kernel);
    this.clientLog = options.clientLog ?? new ClientLines(log, NO_BOUND);
    this.#rules = new ServerRules(options, this.#memory, this.counters);
    const { admission, privateFiles } = this.#rules;
    this.#staticDirectory =
      staticDir === null ? null : new StaticDirectory(staticDir, privateFiles);
    this.#connections = new ConnectionRegistry({
      admission,
      expendables: new Expendables(options.handshakes ?? NO_LIMITS),
      places: group === null ? null : new GroupPlaces(group),
      clock: this.#clock,
      counters: this.counters,
      log,
    });
    new MemoryGuard(this.#memory, this.#connections.all, this.#slabPool, log);
  }

  // ---- What may change while it runs

  /**
   * Serves on with other routes, modes, origins, hosts, addresses, trusted proxies, subprotocols, `maxConnections` and
   * times of a stop; everything else in the options stays as it was. Sessions go on. Handshakes that are decided on
   * already get their answer.
   */
  reconfigure(options: ServerOptions): void {
    this.#rules.change(options);
    this.#host?.renewOpening();
  }

  /** Ends the sessions that would not open again, if that is what the options say. */
  async recheck(): Promise<void> {
    const { recheck: what, log } = this.#rules.options;
    if (what !== 'end') return;
    const sessions = await recheck(this.#sessions.all, this.#rules);
    if (sessions > 0) log.info({ sessions }, 'sessions closed that are not allowed any more');
  }

  /** One session and no other: from its 101 on every handshake gets 503. */
  serveOnce(): void {
    this.#sessions.serveOnce();
  }

  /** Takes no more connections than so many, whatever the options say. */
  limitConnections(most: number): void {
    this.#rules.limitConnections(most);
  }

  // ---- What is there

  /** Where the server listens, as URLs: `ws://127.0.0.1:9001`, `unix:/run/twist.sock`. */
  get urls(): string[] {
    return this.#listeners.map(({ url }) => url);
  }

  /** The open sessions. */
  get sessions(): Iterable<Session> & { readonly size: number } {
    return this.#sessions.view;
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
    return this.#rules.maxConnections;
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

  #findProblems(askers: 0 | 1): readonly string[] {
    if (this.isDraining) return ['draining: the server is shutting down'];
    if (!this.#isListening) return ['not listening yet'];
    if (this.#memory.isNear) return ['short of memory (maxMemory)'];
    const isFull = this.#sessions.isTaken || this.#rules.admission.isFullBeside(askers);
    return isFull ? ['full: all connections are taken (maxConnections)'] : [];
  }

  // ---- The start

  /**
   * Starts listening on all addresses, or on none.
   *
   * @param begin what is to be done once all addresses are ours, and before the log says so; when it
   *   rejects the server stops
   * @throws ConfigError or NodeJS.ErrnoException as {@link listen}, or what `begin` rejects with
   */
  async start(begin: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { unixMode, group = null, tls = null, served, log } = this.#rules.options;
    this.#host = await this.#makeHost();
    try {
      await tls?.start();
      for (const { address, isTls, mustBeTls } of this.#places(tls !== null)) {
        const accept = isTls ? this.#acceptTls : this.#acceptPlain;
        const listener = await listen(address, accept, unixMode, group !== null, isTls);
        this.#listeners.push(listener);
        listener.server.on('error', this.#listenerFailed);
        if (mustBeTls && !listener.url.startsWith('wss://'))
          throw new ConfigError(`cannot speak TLS on ${listener.url}: it is a Unix socket`);
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

  /** Where to listen, a place for each socket. @throws ConfigError when systemd has not passed what it should */
  *#places(hasTls: boolean): Generator<Place> {
    const { listen: addresses, passedSockets: passed = [], log } = this.#rules.options;
    const unused = new Set(passed);
    for (const address of addresses) {
      const isTls = hasTls && address.kind !== 'unix' && address.tls !== false;
      const mustBeTls = isTls && address.tls === true;
      if (address.kind !== 'systemd') yield { address, isTls, mustBeTls };
      else
        for (const socket of socketsNamed(passed, address.name)) {
          // Two addresses may mean the same one.
          if (unused.delete(socket)) yield { address: socket, isTls, mustBeTls };
        }
    }
    if (unused.size === 0) return;
    const names = [...unused].map(({ name }) => name);
    log.warn(
      { names },
      'systemd has passed sockets that nothing listens on; give --listen systemd',
    );
  }

  async #makeHost(): Promise<ServerHost> {
    const parts = {
      rules: this.#rules,
      connections: this.#connections,
      sessions: this.#sessions,
      counters: this.counters,
      traffic: this.traffic,
      clientLog: this.clientLog,
      clock: this.#clock,
      memory: this.#memory,
      slabPool: this.#slabPool,
    };
    const sharedReads = await probeSharedReads(
      findSharedReads(undefined, this.#kernel?.receiveBuffer),
    );
    if (sharedReads === null) {
      const { log } = this.#rules.options;
      log.debug({}, 'shared reads do not work on this version of Node');
    }
    return new ServerHost(parts, { sharedReads, http: await this.#makeHttp() }, this.#owner);
  }

  readonly #owner: HostOwner = {
    findProblems: (askers) => this.#findProblems(askers),
    sessionsHaveChanged: () => {
      this.sessionsChanged?.(this.#sessions.size);
    },
    connectionGone: () => {
      if (this.#connections.all.size > 0) return;
      this.#clock.stop();
      // Nobody needs it soon.
      this.#slabPool.giveBack();
      this.#drain?.emptied();
    },
  };

  async #makeHttp(): Promise<HttpService | null> {
    const { limits, head, pages: makePages = null } = this.#rules.options;
    const pages = makePages?.(this.#rules) ?? null;
    const { http: counters } = this.counters;
    const common = { keepAliveMs: limits.handshakeTimeout, log: this.clientLog, counters };
    if (this.#staticDirectory === null) {
      const redaction = (): Redaction => this.#rules.redaction;
      return pages === null ? null : new PageService({ ...common, pages, redaction });
    }
    // Loaded only to serve files: the library's list of media types takes 2 MiB, and its time to load.
    const { StaticFiles } = await import('../http/static-files.js');
    return new StaticFiles({
      ...common,
      directory: this.#staticDirectory,
      pages,
      maxHead: head.maxHead,
      redaction: this.#rules.redaction,
    });
  }

  readonly #listenerFailed = (error: Error): void => {
    this.#rules.options.log.error({ err: error }, 'listener failed');
  };

  // ---- Newcomers

  readonly #acceptPlain = (socket: Socket, kind: ListenerKind, isLoopback: boolean): void => {
    this.#accept(socket, kind, isLoopback, false);
  };

  readonly #acceptTls = (socket: Socket, kind: ListenerKind, isLoopback: boolean): void => {
    // Systemd may have passed a Unix socket, which is plain.
    this.#accept(socket, kind, isLoopback, kind === 'tcp');
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
    const { clientAddress } = this.#rules;
    const isProxy = clientAddress.isProxy(peer);
    const network = isProxy || kind === 'unix' ? null : networkOf(peer.remoteAddress);
    const refusal = this.#connections.findRefusal(peer, isProxy, network);
    const way = clientAddress.wayOf(
      peer,
      kind === 'unix' ? kind : isLoopback ? 'loopback' : 'network',
    );
    const arrival = { peer, kind, refusal, way, isTls };
    const connection = new Connection(socket, arrival, this.#host!);
    this.#connections.add(connection, network);
    connection.start();
  }

  // ---- The stop

  /**
   * Stops gracefully: no new connections, 1001 to all, spread so that clients do not come back all at
   * once. Whoever is left when the time is over is dropped. A second call waits for the same end.
   */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  #stop(): Promise<void> {
    const { drainDelay = 0, drainTimeout, limits, log } = this.#rules.options;
    const host = {
      connections: this.#connections.all,
      log,
      stopAccepting: () => {
        this.#rules.admission.isDraining = true;
        const patienceMs = drainTimeout * NEWCOMERS_SHARE;
        return closeWhenQuiet(this.#listeners, () => this.counters.connections, patienceMs);
      },
      stopNow: this.stopNow.bind(this),
      settled: async () => {
        await this.#sessions.settled();
        // The last line is that the server has stopped.
        this.clientLog.tell();
      },
    };
    const { closeTimeout } = limits;
    this.#drain = new Drain(host, { drainDelay, drainTimeout, closeTimeout });
    return this.#drain.run().finally(() => this.#rules.options.tls?.stop());
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
    this.#rules.options.tls?.stop();
  }
}
