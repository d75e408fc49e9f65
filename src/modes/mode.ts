/** What every mode is: a consumer of sessions with a name for the log. */
import type { Consumer } from '../session/session.js';
import type { OriginPolicy } from '../handshake/policy.js';

export interface Mode extends Consumer {
  /** As it stands in the log, for instance `echo`. */
  readonly name: string;
  /** What holds for it unless somebody says otherwise; without it every origin, and compression. */
  readonly defaults?: { readonly origin?: OriginPolicy; readonly deflate?: boolean };
}
