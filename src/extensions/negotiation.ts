/** Offers in, a chain out (RFC 6455 §9.1, RFC 7692 §5). */
import { NegotiationError } from '../errors.js';
import { errorOf, isInstance, memberOf, onRejection, promiseOf, textOfThrown } from '../foreign.js';
import { type ChainLink, ExtensionChain } from './chain.js';
import { type ExtensionOffer, parseExtensionHeader } from './header.js';
import type { Extension, ExtensionSession } from './extension.js';

/** An extension that was offered and is not used. */
export interface Declined {
  readonly name: string;
  readonly reason: string;
  /** What it was: the client's offer, a reserved bit that another one has, or the extension's fault. */
  readonly why: 'offer' | 'reserved-bit' | 'defect';
}

/** What came of the offers of one client. */
export interface Negotiated {
  /** Null when no extension is used. */
  readonly chain: ExtensionChain | null;
  /** Value of the response header; null when no extension is used. */
  readonly response: string | null;
  /** For the log: none of these ends a handshake. */
  readonly declined: readonly Declined[];
}

/** Ends the negotiation of one extension. */
class Decline extends Error {
  readonly why: Declined['why'];

  constructor(why: Declined['why'], reason: string) {
    super(reason);
    this.why = why;
  }
}

const NOTHING: Negotiated = { chain: null, response: null, declined: [] };

/**
 * Negotiates. The chain has the order of the client's first offer of each name, which is the order
 * of the response; each extension sees the RSV bits that those before it have taken. Never throws.
 */
export function negotiate(
  extensions: readonly Extension[],
  offers: readonly ExtensionOffer[],
): Negotiated {
  if (offers.length === 0 || extensions.length === 0) return NOTHING;
  const declined: Declined[] = [];
  const links: ChainLink[] = [];
  const responses: string[] = [];
  let reserved = 0;
  for (const name of new Set(offers.map((offer) => offer.name))) {
    const extension = extensions.find((known) => known.name === name);
    if (extension === undefined) continue;
    let session: ExtensionSession | null = null;
    try {
      session = atOnce('create', extension.create());
      const response = accept(session, offers, name);
      const rsv = reserve(session, reserved);
      links.push({ name, session, keepsPayload: keepsPayload(session) });
      reserved |= rsv;
      responses.push(response);
    } catch (error) {
      declined.push({ name, reason: textOfThrown(error), why: causeOf(error) });
      release(session);
    }
  }
  if (links.length === 0) return { chain: null, response: null, declined };
  return { chain: new ExtensionChain(links, reserved), response: responses.join(', '), declined };
}

/** @returns the element of the response header */
function accept(
  session: ExtensionSession,
  offers: readonly ExtensionOffer[],
  name: string,
): string {
  const own = offers.filter((offer) => offer.name === name);
  atOnce('init', (session as { init(offers: unknown): unknown }).init(own));
  const isEnabled: unknown = session.enabled;
  if (typeof isEnabled !== 'boolean') {
    onRejection(isEnabled, ignore);
    throw new Decline('defect', 'enabled must be true or false');
  }
  const response = isEnabled ? atOnce('response', session.response()) : null;
  if (response === null) throw new NegotiationError('no offer is accepted');
  // Whatever stands in the answer, the client must find exactly this extension in it.
  const elements = typeof response === 'string' ? parseExtensionHeader([response]) : null;
  // A comma ends an element. Not even an empty one may be beside it: not every client skips those.
  if (elements?.[0]!.name !== name || response.includes(',') || response.includes('\t')) {
    throw new Decline('defect', `response must be one element that begins with ${name}`);
  }
  return response;
}

/** @returns the session's own RSV bits */
function reserve(session: ExtensionSession, reserved: number): number {
  let rsv: number;
  try {
    rsv = session.reserveRsv(reserved);
  } catch (error) {
    throw new Decline('reserved-bit', textOfThrown(error));
  }
  atOnce('reserveRsv', rsv);
  if (!Number.isInteger(rsv) || rsv < 0 || rsv > 7) {
    throw new Decline('defect', 'reserveRsv must return bits from 0 to 7');
  }
  if ((rsv & reserved) !== 0) {
    throw new Decline('reserved-bit', 'a reserved bit that it needs is taken');
  }
  return rsv;
}

function keepsPayload(session: ExtensionSession): boolean {
  const answer = session.keepsPayload ?? true;
  if (typeof answer === 'boolean') return answer;
  onRejection(answer, ignore);
  throw new Decline('defect', 'keepsPayload must be true or false');
}

/** What a call returned; the answer to the handshake waits for no promise. */
function atOnce<T>(call: string, result: T): T {
  const promise = promiseOf(result);
  if (promise === null) return result;
  promise.catch(ignore);
  throw new Decline('defect', `${call} must not return a promise`);
}

function causeOf(error: unknown): Declined['why'] {
  if (isInstance(error, Decline)) return error.why;
  if (isInstance(error, NegotiationError)) return 'offer';
  // By name as well, since the extension may have its own copy of the class, or none.
  return memberOf(errorOf(error), 'name') === 'NegotiationError' ? 'offer' : 'defect';
}

function release(session: ExtensionSession | null): void {
  try {
    const result: unknown = session?.close();
    onRejection(result, ignore);
  } catch {
    // It is declined already, and why is logged.
  }
}

function ignore(): void {
  // What it rejects with adds nothing to why it is declined.
}
