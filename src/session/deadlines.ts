/** The deadlines of an open connection: when each began, and what happens when it has passed. */
import { AbsenceError, type PeerError, PolicyError } from '../errors.js';
import { CloseCode } from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { SessionHost } from './session-host.js';
import type { HeldOutput } from './held-output.js';
import { Keepalive } from './keepalive.js';
import type { SessionTransport } from './session-transport.js';

/** Whose deadlines they are. */
export interface TimedSession {
  readonly endpoint: Endpoint;
  /** True when whole messages are put together, which takes memory while it takes time. */
  readonly isAssembling: boolean;
  /** A Close, a failure or the end of the input waits for the extensions. */
  readonly isEnding: boolean;
  /** The consumer takes no messages for now. */
  readonly isPaused: boolean;
  /** Output that the observer does not let go yet, if it holds any back. */
  readonly held: HeldOutput | null;
  close(code: number, reason: string): void;
  fail(error: unknown): void;
}

const NO_BYTES = new Uint8Array(0);

export class SessionDeadlines {
  readonly #session: TimedSession;
  readonly #transport: SessionTransport;
  readonly #host: SessionHost;
  readonly #keepalive: Keepalive;
  /** When our Close left, as far as we know: it may wait behind output that the peer does not read. */
  #closeSentMs = 0;
  #isCloseWaiting = false;
  /** The observer holds it, or the Ping that was sent last and is in the output there. */
  #isCloseHeld = false;
  #isPingHeld = false;
  #endingSinceMs = 0;
  /** Messages that have arrived. */
  #messages = 0;
  /** The open message that `#messageSinceMs` belongs to, by its number. */
  #timedMessage = -1;
  #messageSinceMs = 0;

  constructor(session: TimedSession, transport: SessionTransport, host: SessionHost) {
    this.#session = session;
    this.#transport = transport;
    this.#host = host;
    this.#keepalive = new Keepalive(host.clock.nowMs);
  }

  /** The handshake has been answered. */
  opened(): void {
    const { clock, limits } = this.#host;
    this.#keepalive.heard(clock.nowMs);
    this.#keepalive.message(clock.nowMs);
    this.#transport.checkWithin(this.#keepalive.nextCheckMs(limits) - clock.nowMs);
  }

  /** Bytes have come. */
  heard(): void {
    this.#keepalive.heard(this.#host.clock.nowMs);
  }

  /** A read is through: a message that it left open has begun. */
  readThrough(): void {
    if (!this.#session.endpoint.isMessageOpen || this.#timedMessage === this.#messages) return;
    const { clock, limits } = this.#host;
    this.#timedMessage = this.#messages;
    this.#messageSinceMs = clock.nowMs;
    if (limits.messageTimeout > 0) this.#transport.checkWithin(limits.messageTimeout);
  }

  /** A message has arrived in full. */
  arrived(): void {
    this.#messages++;
    this.active();
  }

  /** Data has come or was sent. */
  active(): void {
    this.#keepalive.message(this.#host.clock.nowMs);
  }

  /** Our Close has gone to the output. */
  closeSent(): void {
    this.#closeSentMs = this.#host.clock.nowMs;
    this.#isCloseWaiting = true;
    this.#isCloseHeld = this.#isCloseHeldNow;
    this.#transport.checkWithin(this.#host.limits.closeTimeout);
  }

  /** The observer holds less than before: what leaves only now is answered later. */
  letGo(): void {
    const { nowMs } = this.#host.clock;
    if (this.#isCloseHeld && !this.#isCloseHeldNow) {
      this.#isCloseHeld = false;
      this.#closeSentMs = nowMs;
    }
    if (this.#isPingHeld && !this.#isPingHeldNow) {
      this.#isPingHeld = false;
      this.#keepalive.pingLeaves(nowMs);
    }
  }

  /** The session ends as soon as its extensions are through. */
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
    if (outbox.isBlocked) {
      if (outbox.stalledMs(nowMs) >= limits.sendTimeout) {
        this.#endStalled();
        return;
      }
      this.#transport.checkWithin(this.#blockedCheckMs);
    }
    if (this.#session.isEnding) {
      // What a slow client, the consumer or the observer holds up is not the extensions' delay.
      const isHeldUp =
        outbox.isBlocked || (this.#session.held?.bytes ?? 0) > 0 || this.#session.isPaused;
      if (isHeldUp) this.#endingSinceMs = nowMs;
      this.#checkClose(this.#endingSinceMs, nowMs);
    } else if (this.#session.endpoint.sentClose === null) {
      this.#checkMessageTime(nowMs);
      this.#checkKeepalive(nowMs);
    } else if (this.#isCloseHeldNow) {
      this.#transport.checkWithin(limits.closeTimeout);
    } else if (!this.#isCloseWaiting || !outbox.isBlocked) {
      this.#checkClose(this.#closeSentMs, nowMs);
    }
  }

  /** The peer may still read on: it finds our Close behind what waits for it. Once only. */
  #endStalled(): void {
    if (this.#session.endpoint.canSend) this.#failNow(new PolicyError('send-timeout'));
    else this.#transport.drop('send-timeout');
  }

  /** Nothing is waited for: the peer seems not to be there. */
  #failNow(error: PeerError): void {
    this.#session.endpoint.fail(error);
    this.#transport.flush();
    this.#transport.checkWithin(this.#host.limits.closeTimeout);
  }

  get #isCloseHeldNow(): boolean {
    return this.#session.held?.isCloseHeld === true;
  }

  get #isPingHeldNow(): boolean {
    return this.#session.held?.isPingHeld === true;
  }

  get #blockedCheckMs(): number {
    return Math.ceil(this.#host.limits.sendTimeout / 4);
  }

  #checkClose(sinceMs: number, nowMs: number): void {
    const leftMs = sinceMs + this.#host.limits.closeTimeout - nowMs;
    if (leftMs > 0) this.#transport.checkWithin(leftMs);
    else this.#transport.drop('close-timeout');
  }

  #checkMessageTime(nowMs: number): void {
    const { messageTimeout: messageTimeout } = this.#host.limits;
    const { endpoint, isAssembling } = this.#session;
    const isTimed = endpoint.isMessageOpen && this.#timedMessage === this.#messages;
    if (messageTimeout === 0 || !isTimed || !isAssembling) return;
    // What we do not read cannot arrive.
    if (this.#transport.isInputPaused) this.#messageSinceMs = nowMs;
    const leftMs = this.#messageSinceMs + messageTimeout - nowMs;
    if (leftMs > 0) this.#transport.checkWithin(leftMs);
    else this.#session.fail(new PolicyError('message-timeout'));
  }

  #checkKeepalive(nowMs: number): void {
    const { limits } = this.#host;
    // What we do not read we cannot hear; and who reads slowly lives.
    if (this.#transport.isInputPaused || this.#transport.outbox.isBlocked)
      this.#keepalive.heard(nowMs);
    if (this.#isPingHeld) this.#keepalive.pingLeaves(nowMs);
    switch (this.#keepalive.check(nowMs, limits)) {
      case 'ping':
        this.#session.endpoint.sendPing(NO_BYTES);
        this.#keepalive.pinged(nowMs);
        this.#isPingHeld = this.#isPingHeldNow;
        break;
      case 'pong-timeout':
        this.#failNow(new AbsenceError('pong-timeout'));
        return;
      case 'idle':
        this.#session.close(CloseCode.GoingAway, 'idle: no message for too long');
        break;
      case 'none':
    }
    this.#transport.checkWithin(this.#keepalive.nextCheckMs(limits) - nowMs);
  }
}
