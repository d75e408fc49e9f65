/**
 * Lets browsers in that know a token: `GET /?token=...` gets a cookie, with which everything else is asked for. Either the
 * operator has given a token, or one is made that is good for one browser, and then the next one.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Rate, TokenBuckets } from '../../budget/token-bucket.js';
import { HandshakeError } from '../../errors.js';
import { isPlainRequest, valuesOf } from '../../handshake/request.js';
import type { RequestHead } from '../../handshake/request-head.js';
import { type PageAnswer, textAnswer } from '../../http/page-source.js';
import { networkOf } from '../../net/ip-address.js';
import type { PeerAddress } from '../../net/socket-address.js';
import {
  type Applicant,
  type Authenticator,
  LoginCounters,
} from '../../server/auth/authenticator.js';

export interface TokenDoorOptions {
  /** What the cookie says; the same for all browsers. */
  readonly secret: string;
  /** The operator's token; null where one is made for each browser. */
  readonly token: string | null;
  /** By default that of `performance.now()`. */
  readonly nowMs?: () => number;
}

/** Whoever is let in has this name in the log. */
const USER = 'inspector';

const TOKEN_BYTES = 24;

/** How often somebody of one network may be wrong about the operator's token, at once and in a minute. */
const MAX_WRONG = 20;
/** How many networks with wrong tokens are remembered. */
const MAX_NETWORKS = 1000;

const WRONG =
  'this token is not the right one, or another browser has used it: take the newest URL that the log shows';

export class TokenDoor implements Authenticator {
  readonly counters = new LoginCounters();
  /** Called when a token was used, with the one that is good from now on. */
  onNext: (token: string) => void = () => undefined;

  readonly #secret: string;
  readonly #own: string | null;
  readonly #nowMs: () => number;
  readonly #wrong = new TokenBuckets(new Rate(MAX_WRONG / 60, MAX_WRONG), MAX_NETWORKS);
  #token: string;
  #cookie = '';

  constructor({ secret, token, nowMs = () => performance.now() }: TokenDoorOptions) {
    this.#secret = secret;
    this.#own = token;
    this.#token = token ?? newToken();
    this.#nowMs = nowMs;
  }

  /** The token that lets the next browser in. */
  get token(): string {
    return this.#token;
  }

  /** Whether each token is good for one browser. */
  get isOneTime(): boolean {
    return this.#own === null;
  }

  /** From now on it listens. @param port browsers do not tell cookies of one host apart by it, so the name does */
  listens(port: number): void {
    this.#cookie = `twist-inspect-${port}`;
  }

  /** Lets in whoever has the cookie, and as far as to {@link TokenDoor.answer} whoever brings a token. */
  authorize(head: RequestHead, { remoteAddress }: Applicant): string {
    if (tokenIn(head) === null) {
      if (this.#hasCookie(head)) return USER;
      throw new HandshakeError('page-token');
    }
    // Nobody guesses one that was made. Any page of the internet can ask with wrong ones, from the operator's own browser, and would lock it out.
    if (this.#own === null) return USER;
    const waitMs = this.#wrong.waitMs(networkOf(remoteAddress), this.#nowMs());
    if (waitMs === 0) return USER;
    this.counters.refused++;
    const seconds = String(Math.ceil(waitMs / 1000));
    throw new HandshakeError('too-many-login-failures', { 'Retry-After': seconds });
  }

  /**
   * Answers who brings a token.
   *
   * @param isSecure whether the cookie is for HTTPS
   * @returns null for whom the cookie has let in
   */
  answer(head: RequestHead, { remoteAddress }: PeerAddress, isSecure: boolean): PageAnswer | null {
    const given = tokenIn(head);
    if (given === null) return null;
    // Whoever only looks at a URL before it is opened must not use it up.
    if (head.method !== 'GET') return textAnswer(403, 'open this URL in a browser');
    if (!isSame(given, this.#token)) {
      this.counters.wrong++;
      if (this.#own !== null) this.#wrong.spend(networkOf(remoteAddress), this.#nowMs());
      return textAnswer(403, WRONG);
    }
    this.counters.right++;
    if (this.#own === null) {
      this.#token = newToken();
      this.onNext(this.#token);
    }
    const secure = isSecure ? '; Secure' : '';
    // Lax, so that a link on another site opens the page; what else another site asks for goes without it. That no WebSocket
    // is opened from there is not the cookie's to say, since all ports of a host are one site: its origin is compared.
    const cookie = `${this.#cookie}=${this.#secret}; Path=/; HttpOnly; SameSite=Lax${secure}`;
    return textAnswer(303, 'go on', { Location: '/', 'Set-Cookie': cookie });
  }

  #hasCookie({ headers }: RequestHead): boolean {
    const cookies = valuesOf(headers, 'cookie').flatMap((line) => line.split('; '));
    const start = `${this.#cookie}=`;
    // There may be others of this name: what listens on another port of this host can have a browser keep one for a longer path.
    return cookies.some(
      (cookie) => cookie.startsWith(start) && isSame(cookie.slice(start.length), this.#secret),
    );
  }
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** The token that a request brings; null if it brings none. */
function tokenIn(head: RequestHead): string | null {
  const { target } = head;
  if (!target.startsWith('/?') || !isPlainRequest(head)) return null;
  return new URLSearchParams(target.slice(2)).get('token');
}

/** Takes the same time whatever the difference is. */
function isSame(given: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}
