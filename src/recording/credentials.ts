/** What of a request may stand in a recording: others than those who may connect read it. */
import type { HeaderField } from '../handshake/request-head.js';

/** What stands in the place of a secret. */
const HIDDEN = '***';

/** Headers that hold credentials, and words in the names of others that do. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);
const SECRET_WORDS = [
  ...['auth', 'token', 'secret', 'pass', 'pwd', 'credential', 'session', 'signature'],
  ...['bearer', 'jwt', 'assertion', 'oidc'],
];
const SECRET_KEYS = /(?:^|[-_.])(?:api|access|private|secret)?[-_]?key$/;

/** Parameters of a URL by which secrets are told, beside those with a word of the list above in them. */
const SECRET_PARAMETERS = new Set(['key', 'sig', 'sid', 'otp', 'code', 'ticket']);

/** Headers whose value is a URL. */
const URL_HEADERS = new Set([
  'referer',
  'x-original-uri',
  'x-original-url',
  'x-forwarded-uri',
  'x-rewrite-url',
]);

/** Subprotocols by which clients that cannot send a header tell a token: `bearer.TOKEN`, for instance. */
const SECRET_SUBPROTOCOL = /bearer|auth|token|jwt|^eyJ/i;

/** Names the handshake itself has, whatever words are in them. */
const OF_THE_HANDSHAKE = new Set(['sec-websocket-key']);

/** A request target without the values of parameters that may be secrets. */
export function publicTarget(target: string): string {
  const [path = '', ...rest] = target.split('?');
  if (rest.length === 0) return target;
  const parameters = rest.join('?').split('&');
  return `${path}?${parameters.map(publicParameter).join('&')}`;
}

/** Headers by their names, without those that hold credentials; one that came twice has a list. */
export function publicHeaders(
  fields: readonly HeaderField[],
): Readonly<Record<string, string | readonly string[]>> {
  const headers = new Map<string, string[]>();
  for (const { name, value } of fields) {
    if (isSecretHeader(name)) continue;
    const values = headers.get(name) ?? [];
    headers.set(name, values);
    values.push(publicValue(name, value));
  }
  const entries = [...headers].map(([name, values]): [string, string | readonly string[]] => [
    name,
    values.length === 1 ? values[0]! : values,
  ]);
  // Not an assignment: a header can have the name of what every object has.
  return Object.fromEntries(entries);
}

function isSecretHeader(name: string): boolean {
  if (OF_THE_HANDSHAKE.has(name)) return false;
  return SECRET_HEADERS.has(name) || hasSecretWord(name) || SECRET_KEYS.test(name);
}

function publicValue(name: string, value: string): string {
  if (URL_HEADERS.has(name)) return publicTarget(value);
  if (name !== 'sec-websocket-protocol') return value;
  const offers = value.split(',').map((offer) => offer.trim());
  // The usual pair of a browser: a name that says that a token follows, and the token.
  if (offers.some((offer) => SECRET_SUBPROTOCOL.test(offer)))
    return offers.map(() => HIDDEN).join(', ');
  return value;
}

/** A subprotocol, unless it is one by which a token is told. */
export function publicSubprotocol(subprotocol: string): string {
  return SECRET_SUBPROTOCOL.test(subprotocol) ? HIDDEN : subprotocol;
}

function publicParameter(parameter: string): string {
  const equals = parameter.indexOf('=');
  if (equals === -1) return parameter;
  const name = decoded(parameter.slice(0, equals)).toLowerCase();
  const isSecret = SECRET_PARAMETERS.has(name) || hasSecretWord(name) || SECRET_KEYS.test(name);
  return isSecret ? `${parameter.slice(0, equals)}=${HIDDEN}` : parameter;
}

function hasSecretWord(name: string): boolean {
  return SECRET_WORDS.some((word) => name.includes(word));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
