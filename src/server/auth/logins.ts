/**
 * HTTP Basic authentication of requests (RFC 7617), and what failed logins lead to: beyond so many from one address
 * nothing more of it is verified for a while (docs/adr/0033-who-comes-first-at-the-door.md).
 */
import { Rate, TokenBuckets } from '../../budget/token-bucket.js';
import { HandshakeError } from '../../errors.js';
import { type BasicCredentials, parseBasicCredentials } from '../../handshake/basic-credentials.js';
import type { RequestHead } from '../../handshake/request-head.js';
import type { ClientLog, Log } from '../../log.js';
import { networkOf } from '../../net/ip-address.js';
import { type Applicant, type Authenticator, LoginCounters } from './authenticator.js';
import { ClientLines } from '../log/client-lines.js';
import { Remembered } from './remembered.js';

/** What a password was found to be; `abandoned`: its client left before it was verified. */
export type Verdict = 'right' | 'remembered' | 'wrong' | 'abandoned';

/** How a password is verified that takes its time. */
export interface Turn {
  /** Those of one group take turns with the other groups. */
  readonly group: string;
  /** Whether it comes before all that are not. */
  readonly isPreferred: boolean;
  /** Aborted once nobody waits for the verdict any more. */
  readonly signal: AbortSignal;
  /** Asked when its turn has come. @throws {HandshakeError} when it may not be verified after all */
  assertAllowed(): void;
}

/** Knows which passwords are right. */
export interface Passwords {
  /** @throws {HandshakeError} as a rejection, when the password is not verified */
  check(given: BasicCredentials, turn: Turn): Verdict | Promise<Verdict>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** How many addresses with failed logins are remembered, of which each is forgotten after a minute without. */
const MAX_ADDRESSES = 16_384;
/** How many users are remembered, each with an address from which its password was right in the last day. */
const MAX_KNOWN = 10_000;
/** How many addresses are remembered about which the log has said something in the last minute. */
const MAX_TOLD = 1000;

/** A request without credentials is answered with a demand for them: that is how browsers begin. */
function refusal(credentials: 'missing' | 'wrong'): HandshakeError {
  return new HandshakeError('unauthorized', {}, { credentials });
}

/** @throws {HandshakeError} `unauthorized` without well-formed credentials */
function credentialsOf({ headers }: RequestHead): BasicCredentials {
  const credentials = parseBasicCredentials(headers);
  if (credentials === null) throw refusal('missing');
  return credentials;
}

export class Logins implements Authenticator {
  readonly counters = new LoginCounters();

  readonly #passwords: Passwords;
  readonly #log: Log;
  readonly #clientLog: ClientLog;
  /** Null: there is no limit. */
  readonly #failures: TokenBuckets | null;
  /** Users with the address that they were let in from. */
  readonly #known = new Remembered(DAY_MS, MAX_KNOWN);
  readonly #told = new Remembered(MINUTE_MS, MAX_TOLD);

  /**
   * @param maxLoginFailures how many logins of one address may fail in a minute; 0 for no limit
   * @param clientLog gets a line for each that fails when nobody is there to be told; without it they have no bound
   */
  constructor(
    passwords: Passwords,
    maxLoginFailures: number,
    log: Log,
    clientLog: ClientLog = new ClientLines(log, 0),
  ) {
    this.#clientLog = clientLog;
    this.#passwords = passwords;
    this.#log = log;
    this.#failures =
      maxLoginFailures === 0
        ? null
        : new TokenBuckets(new Rate(maxLoginFailures / 60, maxLoginFailures), MAX_ADDRESSES);
  }

  authorize(head: RequestHead, applicant: Applicant): string | Promise<string> {
    const given = credentialsOf(head);
    const network = networkOf(applicant.remoteAddress);
    // A user who was let in from there is counted apart from its neighbors, and waits behind nobody else's failures.
    const pair = `${network} ${given.user}`;
    const isKnown = this.#known.has(pair);
    const login = { given, applicant, pair, key: isKnown ? pair : network };
    this.#assertAllowed(login.key);
    const turn: Turn = {
      group: network,
      isPreferred: isKnown,
      signal: applicant.signal,
      assertAllowed: () => {
        this.#assertAllowed(login.key);
      },
    };
    const verdict = this.#passwords.check(given, turn);
    if (typeof verdict === 'string') return this.#decide(verdict, login);
    return verdict.then(
      (late) => this.#decide(late, login),
      (error: unknown) => {
        if (error instanceof HandshakeError && error.rule === 'logins-busy')
          this.counters.refused++;
        throw error;
      },
    );
  }

  /** @throws {HandshakeError} when too many logins have failed */
  #assertAllowed(key: string): void {
    const waitMs = this.#failures?.waitMs(key, performance.now()) ?? 0;
    if (waitMs === 0) return;
    this.counters.refused++;
    const seconds = String(Math.ceil(waitMs / 1000));
    throw new HandshakeError('too-many-login-failures', { 'Retry-After': seconds });
  }

  /** @throws {HandshakeError} when the client is not let in */
  #decide(verdict: Verdict, { given, applicant, pair, key }: Login): string {
    this.counters[verdict]++;
    if (verdict === 'abandoned') throw new HandshakeError('handshake-timeout');
    if (verdict === 'wrong') {
      this.#countFailure(key, applicant);
      throw refusal('wrong');
    }
    this.#known.add(pair);
    return given.user;
  }

  #countFailure(key: string, { remoteAddress, signal }: Applicant): void {
    // Nobody answers a client that has left, which is no reason for its attempt to be in no log. What it took for a
    // user's name may be a password in the wrong field.
    if (signal.aborted)
      this.#clientLog.write(
        'info',
        remoteAddress,
        'login failed; its client has left',
        () => ({ address: remoteAddress, rule: 'unauthorized', credentials: 'wrong' }),
        'unauthorized',
      );
    // Those who come by a Unix socket have no address.
    if (this.#failures === null || remoteAddress === 'unix') return;
    const nowMs = performance.now();
    this.#failures.spend(key, nowMs);
    if (this.#failures.waitMs(key, nowMs) === 0 || this.#told.has(key)) return;
    this.#told.add(key);
    this.#log.warn(
      { address: remoteAddress },
      'too many failed logins from this address: it gets 429 for a while (maxLoginFailures)',
    );
  }
}

/** One that is under way. */
interface Login {
  readonly given: BasicCredentials;
  readonly applicant: Applicant;
  /** Address and user. */
  readonly pair: string;
  /** What a failure is counted by. */
  readonly key: string;
}
