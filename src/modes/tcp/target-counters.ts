/** What is counted of connections to targets. */
import { Durations } from '../../durations.js';
import type { HandshakeRule } from '../../errors.js';

export class TargetCounters {
  /** From the session's request to a connection that can be used, of those that came about. */
  readonly connects = new Durations();
  /** Attempts that failed, by the rule that the client's refusal names. */
  readonly failures = new Map<HandshakeRule, number>();

  countFailure(rule: HandshakeRule): void {
    this.failures.set(rule, (this.failures.get(rule) ?? 0) + 1);
  }
}
