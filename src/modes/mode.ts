/** What every mode is: a consumer of sessions with a name for the log. */
import type { Consumer } from '../connection/session.js';

export interface Mode extends Consumer {
  /** As it stands in the log, for instance `echo`. */
  readonly name: string;
}
