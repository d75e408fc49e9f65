/** Many messages at once: how many, how large, how fast, and what is in them. */
import { formatBytes, formatCount, parseBytes } from '../../shared/model/units.js';
import type { Payload } from './payload.js';

export interface Plan {
  readonly kind: 'text' | 'binary';
  readonly count: number;
  /** Bytes of each. */
  readonly size: number;
  /** Messages a second; null for as fast as they come back. */
  readonly rate: number | null;
  /** How many may wait for their echo at a time. */
  readonly inFlight: number;
}

/** What a form has, as it was written. */
export interface PlanText {
  readonly kind: Plan['kind'];
  readonly count: string;
  readonly size: string;
  readonly rate: string;
  readonly inFlight: string;
}

export type PlanField = 'count' | 'size' | 'rate' | 'inFlight';

export type PlanFaults = Partial<Record<PlanField, string>>;

const MAX_COUNT = 100_000;
const MAX_RATE = 10_000;
const MAX_IN_FLIGHT = 1000;
/** Of all messages together, and of those that wait. */
const MAX_BYTES = 1024 ** 3;
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** @param maxMessage what the server takes, in bytes */
export function readPlan(
  text: PlanText,
  maxMessage: number,
): { readonly plan: Plan | null; readonly faults: PlanFaults } {
  const faults: Partial<Record<PlanField, string>> = {};
  const count = wholeIn(text.count, 1, MAX_COUNT);
  if (count === null) faults.count = `From 1 to ${formatCount(MAX_COUNT)}.`;
  const size = parseBytes(text.size);
  if (size === null) faults.size = 'Bytes, such as 64, 4k or 1m.';
  else if (size > maxMessage)
    faults.size = `At most ${formatBytes(maxMessage)}: the server takes no more.`;
  else if (count !== null && count * size > MAX_BYTES)
    faults.size = `${formatCount(count)} of them are more than ${formatBytes(MAX_BYTES)}.`;
  const isUnpaced = text.rate.trim() === '';
  const rate = isUnpaced ? null : wholeIn(text.rate, 1, MAX_RATE);
  if (!isUnpaced && rate === null)
    faults.rate = `From 1 to ${formatCount(MAX_RATE)} a second, or nothing for as fast as it goes.`;
  const inFlight = wholeIn(text.inFlight, 1, MAX_IN_FLIGHT);
  if (inFlight === null) faults.inFlight = `From 1 to ${formatCount(MAX_IN_FLIGHT)}.`;
  if (count === null || size === null || inFlight === null || Object.keys(faults).length > 0)
    return { plan: null, faults };
  return { plan: { kind: text.kind, count, size, rate, inFlight }, faults };
}

function wholeIn(text: string, least: number, most: number): number | null {
  const digits = text.replace(/[\s,_]/g, '');
  if (!/^\d{1,9}$/.test(digits)) return null;
  const number = Number(digits);
  return number >= least && number <= most ? number : null;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Makes the messages of a plan: each begins with its number, so that one cannot be taken for another. */
export class MessageMaker {
  readonly #plan: Plan;
  readonly #filling: string;

  constructor(plan: Plan) {
    this.#plan = plan;
    const times = plan.kind === 'text' ? Math.ceil(plan.size / ALPHABET.length) : 0;
    this.#filling = ALPHABET.repeat(times);
  }

  /** @param number from 1 */
  make(number: number): Payload {
    const { kind, size } = this.#plan;
    if (kind === 'text') return `${number} ${this.#filling}`.slice(0, size);
    const bytes = new Uint8Array(size);
    for (let index = 4; index < size; index++) bytes[index] = (index * 31) & 0xff;
    for (let index = 0; index < Math.min(4, size); index++) bytes[index] = number >>> (8 * index);
    return bytes;
  }
}

/** How many of a plan are to be sent by now. @param sinceMs since the first one */
export function dueBy({ count, rate }: Plan, sinceMs: number): number {
  return rate === null ? count : Math.min(count, Math.floor((sinceMs * rate) / 1000) + 1);
}
