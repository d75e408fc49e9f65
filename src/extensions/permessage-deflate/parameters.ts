/** The four parameters of permessage-deflate, offered and answered (RFC 7692 §7.1). Pure. */
import type { ExtensionOffer } from '../header.js';

/** What the operator allows. */
export interface DeflateParameterPolicy {
  /** The largest window that we compress with, 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** The largest window that a client is asked to compress with, 8 to 15. */
  readonly clientMaxWindowBits: number;
  /** True: we forget our history after every message. */
  readonly serverNoContextTakeover: boolean;
  /** True: clients are told to forget theirs. */
  readonly clientNoContextTakeover: boolean;
}

/** What one connection has agreed on. */
export interface DeflateParameters {
  /** The window that we compress with. */
  readonly serverWindowBits: number;
  /** The window that we must have to decompress. */
  readonly clientWindowBits: number;
  readonly hasServerTakeover: boolean;
  readonly hasClientTakeover: boolean;
  /** The element of the response header. */
  readonly response: string;
}

export const MIN_WINDOW_BITS = 8;
export const MAX_WINDOW_BITS = 15;

/** One offer, read: 0 for a window that is not mentioned. */
interface ReadOffer {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  /** Mentioned without a value: the client can take any. */
  readonly clientMaxWindowBits: number;
  readonly hasClientMaxWindowBits: boolean;
}

/**
 * Answers one offer. It answers nothing that RFC 7692 wants offered first: `client_max_window_bits`
 * only to a client that offered it (§7.1.2.2), `server_max_window_bits` and
 * `server_no_context_takeover` only when asked for, since we can hold ourselves to less unasked.
 * `client_no_context_takeover` may be answered unasked (§7.1.1.2), when the operator wants it.
 *
 * @returns null for an offer that has to be declined (§7): an unknown parameter, one given twice, or
 *   a value that is not allowed
 */
export function answerOffer(
  offer: ExtensionOffer,
  policy: DeflateParameterPolicy,
): DeflateParameters | null {
  const read = readOffer(offer);
  if (read === null) return null;
  const response = [offer.name];
  const isServerForgetful = read.serverNoContextTakeover || policy.serverNoContextTakeover;
  if (read.serverNoContextTakeover) response.push('server_no_context_takeover');
  const isClientForgetful = read.clientNoContextTakeover || policy.clientNoContextTakeover;
  if (isClientForgetful) response.push('client_no_context_takeover');
  const serverWindowBits = Math.min(
    policy.serverMaxWindowBits,
    read.serverMaxWindowBits === 0 ? MAX_WINDOW_BITS : read.serverMaxWindowBits,
  );
  if (read.serverMaxWindowBits !== 0) response.push(`server_max_window_bits=${serverWindowBits}`);
  let clientWindowBits = MAX_WINDOW_BITS;
  if (read.hasClientMaxWindowBits) {
    clientWindowBits = Math.min(policy.clientMaxWindowBits, read.clientMaxWindowBits);
    if (clientWindowBits < MAX_WINDOW_BITS)
      response.push(`client_max_window_bits=${clientWindowBits}`);
  }
  return {
    serverWindowBits,
    clientWindowBits,
    hasServerTakeover: !isServerForgetful,
    hasClientTakeover: !isClientForgetful,
    response: response.join('; '),
  };
}

function readOffer(offer: ExtensionOffer): ReadOffer | null {
  const read = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 0,
    clientMaxWindowBits: MAX_WINDOW_BITS,
    hasClientMaxWindowBits: false,
  };
  const seen = new Set<string>();
  for (const { name, value } of offer.params) {
    if (seen.has(name)) return null;
    seen.add(name);
    switch (name) {
      case 'server_no_context_takeover':
        if (value !== null) return null;
        read.serverNoContextTakeover = true;
        break;
      case 'client_no_context_takeover':
        if (value !== null) return null;
        read.clientNoContextTakeover = true;
        break;
      case 'server_max_window_bits':
        read.serverMaxWindowBits = value === null ? 0 : windowBits(value);
        if (read.serverMaxWindowBits === 0) return null;
        break;
      case 'client_max_window_bits':
        read.hasClientMaxWindowBits = true;
        read.clientMaxWindowBits = value === null ? MAX_WINDOW_BITS : windowBits(value);
        if (read.clientMaxWindowBits === 0) return null;
        break;
      default:
        return null;
    }
  }
  return read;
}

/** `8` to `15`, decimal, without leading zeros (RFC 7692 §7.1.2); 0 for anything else. */
function windowBits(value: string): number {
  const bits = Number(value);
  const isWhole = Number.isInteger(bits) && String(bits) === value;
  return isWhole && bits >= MIN_WINDOW_BITS && bits <= MAX_WINDOW_BITS ? bits : 0;
}
