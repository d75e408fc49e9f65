import * as z from 'zod';
import type { OriginPolicy, SubprotocolPolicy } from '../handshake/policy.js';
import type { ListenAddress } from '../server/listen-address.js';
import type { Kind } from './kinds.js';
import { formatListenAddress, parseListenAddress } from './listen-text.js';

/** Addresses to listen on; the flag is repeated, elsewhere they are separated by commas. */
export function listenAddresses(): Kind<readonly ListenAddress[]> {
  const clause =
    'give PORT, HOST:PORT, [IPV6]:PORT, :PORT (every address) or unix:PATH, with a port from 0 to 65535';
  const address = parsed(parseListenAddress, clause);
  const list = z
    .array(address, clause)
    .min(1, clause)
    .superRefine((addresses, context) => {
      const repeated = addresses.findIndex(
        (one, index) =>
          // Port 0 is another free port each time.
          !(one.kind === 'tcp' && one.port === 0) &&
          addresses.findIndex((other) => formatListenAddress(other) === formatListenAddress(one)) <
            index,
      );
      if (repeated !== -1) {
        context.addIssue({ code: 'custom', path: [repeated], message: 'give each one once' });
      }
    });
  return {
    valueName: '[HOST:]PORT|unix:PATH',
    clause,
    schema: z.union([address.transform((one) => [one]), list], clause),
    isRepeatable: true,
    fromText: (text) => text.split(','),
    toText: (addresses) => addresses.map(formatListenAddress).join(','),
    toJson: (addresses) => addresses.map(formatListenAddress),
  };
}

/** Which subprotocol is selected: `first`, `none`, or tokens in the server's order of preference. */
export function subprotocolPolicy(): Kind<SubprotocolPolicy> {
  return wordOrList(
    ['first', 'none'],
    parseToken,
    'give first, none, or names separated by commas, such as mqtt,binary',
  );
}

/** Which origins may connect: `any`, `same`, or origins exactly as browsers send them. */
export function originPolicy(): Kind<OriginPolicy> {
  return wordOrList(
    ['any', 'same'],
    parseOrigin,
    'give any, same, or origins separated by commas, each as browsers send it, such as https://example.com',
  );
}

/** A token of RFC 9110 §5.6.2. */
function parseToken(text: string): string | null {
  return /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(text) ? text : null;
}

/**
 * A serialized origin (RFC 6454 §6.2): scheme, host and a port that is not the scheme's own, in lower
 * case and without a path, because that is what an `Origin` header is compared with. `null` is what a
 * browser sends for a sandboxed page or a local file. No browser sends ws or wss.
 */
function parseOrigin(text: string): string | null {
  if (text === 'null') return text;
  if (/^https?:/.test(text))
    return URL.canParse(text) && new URL(text).origin === text ? text : null;
  return /^(?!wss?:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9._~-]+(:[1-9]\d{0,4})?$/.test(text) ? text : null;
}

function wordOrList<const Word extends string>(
  words: readonly [Word, Word],
  parse: (text: string) => string | null,
  clause: string,
): Kind<Word | readonly string[]> {
  const isWord = (text: string): text is Word => words.some((word) => word === text);
  const list = z
    .array(
      parsed((text) => (isWord(text) ? null : parse(text)), clause),
      clause,
    )
    .min(1, clause)
    .refine((items) => new Set(items).size === items.length, 'give each one once');
  const text = z.string(clause).transform((value, context): Word | readonly string[] => {
    if (isWord(value)) return value;
    const items = list.safeParse(value.split(','));
    if (items.success) return items.data;
    for (const issue of items.error.issues) context.addIssue(issue.message);
    return z.NEVER;
  });
  return {
    valueName: `${words.join('|')}|LIST`,
    clause,
    schema: z.union([text, list], clause),
    isRepeatable: false,
    fromText: (value) => value,
    toText: (value) => (isList(value) ? value.join(',') : value),
    toJson: (value) => value,
  };
}

function isList(value: string | readonly string[]): value is readonly string[] {
  return typeof value !== 'string';
}

function parsed<Value>(
  parse: (text: string) => Value | null,
  clause: string,
): z.ZodType<Value, string> {
  return z.string(clause).transform((text, context) => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue(clause);
    return z.NEVER;
  });
}
