/**
 * A session until it is open: its mode is asked, and may agree, refuse, or be told that nobody waits any more. An open
 * session holds nothing of it.
 */
import type { UpgradeRequest } from '../handshake/request.js';
import type { UpgradeResponse } from '../handshake/upgrade-response.js';
import { promiseOf } from '../foreign.js';
import { RawOutput } from './raw-output.js';
import type { ServerSession, SessionParts } from './server-session.js';
import type { SessionUpgrade } from './session-host.js';
import { SessionGate } from './session-gate.js';
import type { Tap } from './tap/tap.js';
import { TapFeed } from './tap/tap-feed.js';

const NO_FAILURE = Symbol('no failure');

export class Opening {
  readonly #session: ServerSession;
  readonly #parts: SessionParts;
  readonly #upgrade: SessionUpgrade;
  /** The mode was asked whether it agrees. */
  #wasAsked = false;
  /** What the session failed with. */
  #failure: unknown = NO_FAILURE;

  constructor(session: ServerSession, parts: SessionParts, upgrade: SessionUpgrade) {
    this.#session = session;
    this.#parts = parts;
    this.#upgrade = upgrade;
  }

  /**
   * Asks the mode whether it agrees.
   *
   * @returns a promise when it takes its time
   * @throws whatever it refuses with, or its promise rejects with that
   */
  ask(request: UpgradeRequest, response: UpgradeResponse): Promise<void> | null {
    const { mode } = this.#parts;
    this.#wasAsked = mode.upgrade !== undefined;
    const result: unknown = mode.upgrade?.(this.#session, request, response);
    const answer = promiseOf(result) as Promise<void> | null;
    if (this.#failure === NO_FAILURE) return answer;
    answer?.catch(ignore);
    throw this.#failure;
  }

  /** The mode has failed: the handshake is refused. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#parts.transport.refuse(error);
  }

  /** The handshake has ended before the mode has decided: tells it, if it was asked. */
  abandoned(): void {
    if (!this.#wasAsked) return;
    const session = this.#session;
    try {
      session.follow(this.#parts.mode.abandoned?.(session));
    } catch (error) {
      session.fail(error);
    }
  }

  /** The handshake has been answered, and the session is open: tells whoever has to know. The mode is the last one. */
  opened(): void {
    const { mode, host, stats, deadlines, counts } = this.#parts;
    const session = this.#session;
    const { request, route } = this.#upgrade;
    const { tap = null } = route;
    counts.started++;
    stats.opened(host.clock.exactMs());
    deadlines.opened();
    host.sessionOpened(session);
    if (tap !== null) this.#attach(tap, request);
    try {
      session.follow(mode.open?.(session));
      mode.openRaw?.(session, new RawOutput(session, this.#parts));
    } catch (error) {
      session.fail(error);
    }
  }

  /** Has a tap hear of the session from here on, from all three places, and act on it by a gate. */
  #attach(tap: Tap, request: UpgradeRequest): void {
    const session = this.#session;
    const gate = new SessionGate(session, this.#parts);
    const feed = new TapFeed(tap.begin(session, request, this.#parts.mode.name, gate));
    session.input.feed = session.output.feed = session.endpoint.watcher = feed;
  }
}

function ignore(): void {
  // Reported elsewhere.
}
