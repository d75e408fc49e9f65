/** Who may connect by the credentials of a request, as the rest of the server sees it. */
import type { RequestHead } from '../../handshake/request-head.js';

/** Who asks to be let in. */
export interface Applicant {
  /** `unix` by a Unix socket. */
  readonly remoteAddress: string;
  /** Aborted once nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What became of logins: plain numbers, one raised for each request with credentials. */
export class LoginCounters {
  /** The password was verified, and right. */
  right = 0;
  /** It had been right lately, and needed no verification. */
  remembered = 0;
  wrong = 0;
  /** The client left before its password was verified. */
  abandoned = 0;
  /** Not verified: too many logins of that address had failed, or too many waited already. */
  refused = 0;
}

/** Decides who may connect by the credentials of the request. */
export interface Authenticator {
  readonly counters: LoginCounters;
  /**
   * @returns the user
   * @throws {HandshakeError} `unauthorized`, `too-many-login-failures` or `logins-busy`, or a rejection with it, when
   *   the request is refused
   */
  authorize(head: RequestHead, applicant: Applicant): string | Promise<string>;
}
