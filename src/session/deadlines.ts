/**
 * The deadlines of an open connection: when each began, and what happens when it has passed.
 *
 * A silent client is asked for a sign of life, and given up when none comes (RFC 6455 §5.5.2, §5.5.3).
 */
import { AbsenceError, type PeerError, PolicyError } from '../errors.js';
import { CloseCode } from '../protocol/close.js';
import type { ServerSession } from './server-session.js';
import type { SessionHost } from './session-host.js';
import type { SessionTransport } from './session-host.js';

const NO_BYTES = new Uint8Array(0);

/** By what share the life of a session may be longer or shorter than was asked for. */
const LIFETIME_JITTER = 0.1;

export class Deadlines {
  readonly #session: ServerSession;
  readonly #transport: SessionTransport;
  readonly #host: SessionHost;
  /** When bytes came last, whichever they were: the client lives. */
  #heardMs: number;
  /** When a data message came or was sent last: the session is not idle. */
  #activeMs: number;
  /** When the session has lasted long enough. */
  #lifetimeEndMs = Number.MAX_SAFE_INTEGER;
  /** When the Ping that waits for an answer was sent; -1 when none does. */
  #pingedMs = -1;
  /** The tap holds that Ping back. */
  #isPingHeld = false;
  /** When our Close left, as far as we know: it may have to wait for output that the client does not read. */
  #closeSentMs = 0;
  #isCloseWaiting = false;
  /** The tap holds it back. */
  #isCloseHeld = false;
  #endingSinceMs = 0;
  /** Since when the open message, if it is timed, uses up its time. */
  #messageSinceMs = 0;
  /** How much of it had come at the last look. */
  #messageBytes = 0;
  #isMessageTimed = false;

  constructor(session: ServerSession, transport: SessionTransport, host: SessionHost) {
    this.#session = session;
    this.#transport = transport;
    this.#host = host;
    this.#heardMs = this.#activeMs = host.clock.nowMs;
  }

  /** The handshake has been answered. */
  opened(): void {
    const { nowMs } = this.#host.clock;
    this.#heardMs = this.#activeMs = nowMs;
    const { maxLifetime = 0 } = this.#host.limits;
    if (maxLifetime > 0) this.#lifetimeEndMs = nowMs + jittered(maxLifetime);
    this.#transport.checkWithin(this.#nextLifeCheckMs - nowMs);
  }

  /** Bytes have come. */
  heard(): void {
    this.#heardMs = this.#host.clock.nowMs;
    this.#pingedMs = -1;
  }

  /** A read has left a message open. */
  messageBegun(): void {
    if (this.#isMessageTimed) return;
    this.#isMessageTimed = true;
    this.#messageSinceMs = this.#host.clock.nowMs;
    this.#messageBytes = 0;
    if (this.#host.limits.messageTimeout > 0) this.#transport.checkWithin(this.#messageCheckMs);
  }

  /** A whole message has arrived. */
  messageArrived(): void {
    this.#isMessageTimed = false;
    this.active();
  }

  /** Data has come or was sent. */
  active(): void {
    this.#activeMs = this.#host.clock.nowMs;
  }

  /** Our Close has gone to the output. */
  closeSent(): void {
    this.#closeSentMs = this.#host.clock.nowMs;
    this.#isCloseWaiting = true;
    this.#isCloseHeld = this.#isCloseHeldNow;
    this.#transport.checkWithin(this.#host.limits.closeTimeout);
  }

  /** The tap holds less back than before: what leaves only now is answered later. */
  letGo(): void {
    const { nowMs } = this.#host.clock;
    if (this.#isCloseHeld && !this.#isCloseHeldNow) {
      this.#isCloseHeld = false;
      this.#closeSentMs = nowMs;
    }
    if (this.#isPingHeld && !this.#isPingHeldNow) {
      this.#isPingHeld = false;
      this.#pingLeaves(nowMs);
    }
  }

  /** The session ends as soon as its extensions, or its mode, are through. */
  ending(): void {
    this.#endingSinceMs = this.#host.clock.nowMs;
    this.#transport.checkWithin(this.#host.limits.closeTimeout);
  }

  /** A message is through the extensions: whatever waits for them does not wait in vain. */
  progressed(): void {
    this.#endingSinceMs = this.#host.clock.nowMs;
  }

  /** The socket has stopped taking bytes. */
  blocked(): void {
    this.#transport.checkWithin(this.#blockedCheckMs);
  }

  /** The socket has taken everything that was written. */
  unblocked(): void {
    if (!this.#isCloseWaiting) return;
    this.#isCloseWaiting = false;
    this.#closeSentMs = this.#host.clock.nowMs;
  }

  /** Looks at all of them. */
  check(nowMs: number): void {
    const { limits } = this.#host;
    const { outbox } = this.#transport;
    const { endpoint, input } = this.#session;
    if (outbox.isBlocked) {
      if (outbox.isStalled(nowMs, limits.sendTimeout)) {
        this.#endStalled();
        return;
      }
      this.#transport.checkWithin(this.#blockedCheckMs);
    }
    if (this.#session.isEnding) {
      // What a slow client, the mode or the tap holds up is not the extensions' delay.
      if (outbox.isBlocked || this.#session.isHeldUp) this.#endingSinceMs = nowMs;
      this.#checkClose(this.#endingSinceMs, nowMs);
    } else if (endpoint.sentClose === null) {
      this.#checkMessageTime(nowMs);
      this.#checkLife(nowMs);
    } else if (this.#isCloseHeldNow) {
      this.#transport.checkWithin(limits.closeTimeout);
    } else if (!this.#isCloseWaiting || !outbox.isBlocked) {
      this.#checkClose(this.#closeSentMs, nowMs);
    }
    // After the others, for which a client that is not read has its time.
    input.checkRate(nowMs);
  }

  /** The client may still read on: it then finds our Close after what waits for it. Once only. */
  #endStalled(): void {
    if (this.#session.endpoint.canSend) this.#failNow(new PolicyError('send-timeout'));
    else this.#transport.drop('send-timeout');
  }

  /** Nothing is waited for: the client seems not to be there. */
  #failNow(error: PeerError): void {
    this.#session.endpoint.fail(error);
    this.#transport.flush();
    this.#transport.checkWithin(this.#host.limits.closeTimeout);
  }

  get #isCloseHeldNow(): boolean {
    return this.#session.output.held?.isCloseHeld === true;
  }

  get #isPingHeldNow(): boolean {
    return this.#session.output.held?.isPingHeld === true;
  }

  get #blockedCheckMs(): number {
    return this.#transport.outbox.stallCheckMs(this.#host.limits.sendTimeout);
  }

  #checkClose(sinceMs: number, nowMs: number): void {
    const leftMs = sinceMs + this.#host.limits.closeTimeout - nowMs;
    if (leftMs > 0) this.#transport.checkWithin(leftMs);
    else this.#transport.drop('close-timeout');
  }

  /** A look at the rate of a message now and then shows when it stops; what is no matter of a rate has its end. */
  get #messageCheckMs(): number {
    const { messageTimeout, minDataRate = 0 } = this.#host.limits;
    return minDataRate === 0 ? messageTimeout : Math.ceil(messageTimeout / 4);
  }

  /**
   * A message that comes at `minDataRate` or faster gets back the time that it has taken, and never more: a large piece
   * of it at once is no reason to wait long for the rest.
   */
  #countProgress(nowMs: number): void {
    const { minDataRate = 0 } = this.#host.limits;
    const { assembledBytes } = this.#session.endpoint;
    const bytes = assembledBytes - this.#messageBytes;
    this.#messageBytes = assembledBytes;
    if (minDataRate === 0) return;
    const earnedMs = (1000 * bytes) / minDataRate;
    this.#messageSinceMs = Math.min(nowMs, this.#messageSinceMs + earnedMs);
  }

  #checkMessageTime(nowMs: number): void {
    const { messageTimeout } = this.#host.limits;
    const { input, endpoint } = this.#session;
    // Only a message that is put together takes memory while it takes time.
    const isTimed = endpoint.isMessageOpen && this.#isMessageTimed && endpoint.isAssembling;
    if (messageTimeout === 0 || !isTimed) return;
    this.#countProgress(nowMs);
    // What we do not read cannot arrive.
    if (input.isPaused) this.#messageSinceMs = nowMs;
    const leftMs = Math.ceil(this.#messageSinceMs + messageTimeout - nowMs);
    if (leftMs > 0) this.#transport.checkWithin(Math.min(leftMs, this.#messageCheckMs));
    else this.#session.fail(new PolicyError('message-timeout'));
  }

  #checkLife(nowMs: number): void {
    const { pingInterval, pongTimeout, idleTimeout } = this.#host.limits;
    // What we do not read we cannot hear; and a client that reads slowly lives.
    if (this.#session.input.isPaused || this.#transport.outbox.isBlocked) this.heard();
    if (this.#isPingHeld) this.#pingLeaves(nowMs);
    if (idleTimeout > 0 && nowMs - this.#activeMs >= idleTimeout) {
      this.#session.close(CloseCode.GoingAway, 'idle: no message for too long');
    } else if (nowMs >= this.#lifetimeEndMs) {
      this.#session.close(CloseCode.GoingAway, 'the session has lasted long enough: connect again');
    } else if (this.#pingedMs >= 0) {
      if (nowMs - this.#pingedMs >= pongTimeout) {
        this.#failNow(new AbsenceError('pong-timeout'));
        return;
      }
    } else if (pingInterval > 0 && nowMs - this.#heardMs >= pingInterval) {
      this.#ping(nowMs);
    }
    this.#transport.checkWithin(this.#nextLifeCheckMs - nowMs);
  }

  #ping(nowMs: number): void {
    this.#session.endpoint.sendPing(NO_BYTES);
    this.#pingedMs = nowMs;
    this.#isPingHeld = this.#isPingHeldNow;
  }

  /** The Ping that waits for an answer, if one does, leaves only now. */
  #pingLeaves(nowMs: number): void {
    if (this.#pingedMs >= 0) this.#pingedMs = nowMs;
  }

  /** When the next look can find something, were nothing heard until then. */
  get #nextLifeCheckMs(): number {
    const { pingInterval, pongTimeout, idleTimeout } = this.#host.limits;
    const endMs = this.#lifetimeEndMs;
    const idleMs = idleTimeout > 0 ? Math.min(this.#activeMs + idleTimeout, endMs) : endMs;
    // The answer may come at once, and the silence after it is measured from there.
    if (this.#pingedMs >= 0)
      return Math.min(idleMs, this.#pingedMs + Math.min(pongTimeout, pingInterval));
    return pingInterval > 0 ? Math.min(idleMs, this.#heardMs + pingInterval) : idleMs;
  }
}

/** Clients that have come together do not leave together. */
function jittered(lifetimeMs: number): number {
  return Math.round(lifetimeMs * (1 - LIFETIME_JITTER + Math.random() * 2 * LIFETIME_JITTER));
}
