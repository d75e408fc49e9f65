/** The TCP proxy: each session has its own TCP connection, to a target that the operator named. */
import type { Socket } from 'node:net';
import type { MemoryAccount } from '../../budget/memory-account.js';
import { CoarseClock } from '../../connection/clock.js';
import { loopTurns } from '../../budget/turns.js';
import { FlushQueue } from '../../connection/flush-queue.js';
import type { ModeSession } from '../../session/session.js';
import type { UpgradeRequest } from '../../handshake/request.js';
import type { DataOpcode } from '../../protocol/frame.js';
import { SlabPool } from '../../protocol/slabs/slab-pool.js';
import type { Mode } from '../../session/mode.js';
import { type LinkHost, TargetLink } from './target-link.js';
import type { TokenBearer } from './tokens/token-place.js';
import type { PeerAddress, Target } from '../../net/socket-address.js';

/** Receives what the target sends. */
export interface TargetReceiver {
  /** @returns false to receive nothing more until the socket is resumed */
  receive(bytes: Uint8Array, count: number): boolean;
}

/** Makes connections to targets. */
export interface TargetConnector {
  /**
   * Connects for a session. The socket reads nothing until it is resumed, stays half open after its
   * peer has ended, and emits 'drain' after each write that the kernel did not take at once.
   *
   * @param signal aborted when nobody waits for the connection any more
   * @throws HandshakeError as a rejection: `target-refused`, `target-timeout`, `target-not-allowed`
   */
  connect(
    target: Target,
    session: ModeSession,
    receiver: TargetReceiver,
    signal: AbortSignal,
  ): Promise<Socket>;
}

export interface TcpModeOptions {
  /** The name in the log: `tcp:localhost:5900`, or `token`. */
  readonly name: string;
  /**
   * Finds the target of a request.
   *
   * @param signal aborts when nobody waits for it any more
   * @throws HandshakeError, or rejects with one, if there is none
   */
  findTarget(
    request: UpgradeRequest,
    peer: PeerAddress,
    signal: AbortSignal,
  ): Target | Promise<Target>;
  /**
   * Where an earlier request would lead by now: null for nowhere, undefined if nobody can tell. Without it every request
   * leads where it led.
   */
  lookUp?(request: TokenBearer): Target | null | undefined;
  readonly connector: TargetConnector;
  /** Is charged for what waits for targets; by default it has no limit. */
  readonly memory?: MemoryAccount;
  /** Whether clients get text messages instead of binary ones. */
  readonly isText: boolean;
  /** How long a target may accept none of its waiting bytes, in milliseconds. */
  readonly sendTimeout: number;
  /** How long a target may stay after its session is over, in milliseconds. */
  readonly closeTimeout: number;
}

export class TcpMode implements Mode, LinkHost {
  readonly name: string;
  readonly defaults = { origin: 'same', deflate: false } as const;
  readonly delivery = 'chunks';
  readonly receiveAfterClose = true;
  /** The subprotocol of noVNC before 2015: its payloads are base64, and a target wants bytes. */
  readonly unsupportedSubprotocols = ['base64'];
  readonly isText: boolean;
  readonly sendTimeout: number;
  readonly closeTimeout: number;
  readonly flushQueue = new FlushQueue();
  readonly slabPool: SlabPool;
  readonly turns = loopTurns;

  readonly #options: TcpModeOptions;
  /** Sessions whose target is being connected, and how to stop each attempt. */
  readonly #connecting = new Map<ModeSession, AbortController>();
  readonly #blocked = new Set<TargetLink>();
  readonly #clock = new CoarseClock((nowMs) => {
    for (const link of this.#blocked) link.checkStall(nowMs);
  });

  constructor(options: TcpModeOptions) {
    this.#options = options;
    this.name = options.name;
    this.slabPool = new SlabPool(options.memory);
    this.isText = options.isText;
    this.sendTimeout = options.sendTimeout;
    this.closeTimeout = options.closeTimeout;
  }

  async upgrade(session: ModeSession, request: UpgradeRequest): Promise<void> {
    const { connector } = this.#options;
    const stop = new AbortController();
    this.#connecting.set(session, stop);
    try {
      const target = await this.#options.findTarget(request, session, stop.signal);
      session.notes = { target: target.text };
      const link = new TargetLink(session, target.text, this);
      if (this.#options.lookUp !== undefined) link.bearer = bearerOf(request);
      link.attach(await connector.connect(target, session, link, stop.signal));
      session.data = link;
    } finally {
      this.#connecting.delete(session);
    }
  }

  stillServes(session: ModeSession): boolean {
    const { bearer, target } = linkOf(session);
    if (bearer === null) return true;
    const now = this.#options.lookUp?.(bearer);
    return now === undefined || now?.text === target;
  }

  abandoned(session: ModeSession): void {
    this.#connecting.get(session)?.abort();
  }

  open(session: ModeSession): void {
    linkOf(session).start();
  }

  chunk(
    session: ModeSession,
    _opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    linkOf(session).send(bytes, start, end);
  }

  drain(session: ModeSession): void {
    linkOf(session).resume();
  }

  heldBytes(session: ModeSession): number {
    return linkOf(session).heldBytes;
  }

  closing(session: ModeSession): Promise<void> | undefined {
    return linkOf(session).end();
  }

  close(session: ModeSession): Promise<void> | undefined {
    return linkOf(session).sessionOver();
  }

  // ---- For the links

  nowMs(): number {
    // Not the time of `#clock`, which stands still while no target is blocked.
    return Math.floor(performance.now());
  }

  blocked(link: TargetLink): void {
    this.#blocked.add(link);
    this.#clock.start();
  }

  unblocked(link: TargetLink): void {
    this.#blocked.delete(link);
    if (this.#blocked.size === 0) this.#clock.stop();
  }
}

/** No more of the request than may hold its token is kept with the session. */
function bearerOf({ path, query, host }: UpgradeRequest): TokenBearer {
  return { path, query, host };
}

function linkOf({ data }: ModeSession): TargetLink {
  return data as TargetLink;
}
