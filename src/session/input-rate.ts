/**
 * How much one client may send: whoever sends more is read later. Nothing is lost, and no client is closed for it.
 *
 * It is asked once for each read, so what one read has brought is delivered at once, and may leave a debt.
 */
import { Rate, TokenBucket } from '../budget/token-bucket.js';
import type { RatePauses } from './counters.js';

export interface InputRates {
  /** Messages a second, control frames too; 0, the default, for as many as there are. */
  readonly maxMessageRate?: number;
  /** Bytes a second as they are on the wire; 0, the default, for as many as there are. */
  readonly maxByteRate?: number;
}

export class InputRate {
  readonly #messages: TokenBucket | null;
  readonly #bytes: TokenBucket | null;
  readonly #pauses: RatePauses;

  /** @returns null when there is no limit */
  static of(
    { maxMessageRate = 0, maxByteRate = 0 }: InputRates,
    pauses: RatePauses,
  ): InputRate | null {
    if (maxMessageRate === 0 && maxByteRate === 0) return null;
    return new InputRate(bucketOf(maxMessageRate), bucketOf(maxByteRate), pauses);
  }

  private constructor(messages: TokenBucket | null, bytes: TokenBucket | null, pauses: RatePauses) {
    this.#messages = messages;
    this.#bytes = bytes;
    this.#pauses = pauses;
  }

  /** So much has come in a read. @returns for how long nothing should be read, in milliseconds; 0 when there is no debt */
  received(messages: number, bytes: number, nowMs: number): number {
    const forMessages = debtMs(this.#messages, messages, nowMs);
    const forBytes = debtMs(this.#bytes, bytes, nowMs);
    const waitMs = Math.max(forMessages, forBytes);
    if (waitMs === 0) return 0;
    if (forMessages > forBytes) this.#pauses.messages++;
    else this.#pauses.bytes++;
    return Math.ceil(waitMs);
  }
}

function bucketOf(perSecond: number): TokenBucket | null {
  return perSecond === 0 ? null : new TokenBucket(new Rate(perSecond));
}

function debtMs(bucket: TokenBucket | null, tokens: number, nowMs: number): number {
  if (bucket === null) return 0;
  bucket.spend(nowMs, tokens);
  return bucket.waitMs(nowMs, 0);
}
