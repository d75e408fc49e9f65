/** An extension that somebody else wrote: what is right about it is not taken on trust. */
import { show } from '../config/complaint.js';
import type { Extension } from '../extensions/extension.js';
import { isToken } from '../extensions/header-grammar.js';
import type { Refuse } from './user-mode.js';

/** The functions that a session must have. */
const CALLS = ['init', 'response', 'reserveRsv', 'decode', 'encode', 'close'];

/** The name of the extension that is twist's own. */
const OWN_NAME = 'permessage-deflate';

/**
 * Looks at an extension, and at a session that it makes for a trial.
 * @param others the extensions that stand before it
 * @param hasDeflate whether permessage-deflate of our own is in use
 * @returns `given` as an extension, once every part of it is looked at
 */
export function readExtension(
  given: unknown,
  others: readonly Extension[],
  hasDeflate: boolean,
  refuse: Refuse,
): Extension {
  if (typeof given !== 'object' || given === null)
    refuse(`an extension must be an object such as { name, create }, not ${show(given)}`);
  const { name, create } = given as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || !isToken(name)) {
    const token = 'a token (RFC 9110 5.6.2) such as x-snappy';
    refuse(`the name of an extension must be ${token}, not ${show(name)}`);
  }
  if (typeof create !== 'function')
    refuse(`create of an extension must be a function, not ${show(create)}`);
  if (name === OWN_NAME && hasDeflate)
    refuse(`the name ${OWN_NAME} is taken unless deflate is turned off`);
  if (others.some((other) => other.name === name))
    refuse(`an extension with the name ${name} is there already`);
  const extension = given as Extension;
  tryOut(extension, refuse);
  return extension;
}

function tryOut(extension: Extension, refuse: Refuse): void {
  const session = attempt('create', () => extension.create(), refuse);
  const members: object = typeof session === 'object' && session !== null ? session : {};
  const calls = members as Readonly<Record<string, unknown>>;
  const lacking = CALLS.filter((call) => typeof calls[call] !== 'function');
  if (!('enabled' in members)) lacking.push('enabled');
  if (lacking.length > 0) {
    refuse(
      `create must return an object with the functions ${CALLS.join(', ')}, and enabled; ` +
        `it lacks ${lacking.join(', ')}`,
    );
  }
  attempt('close of a new session', () => (session as { close(): unknown }).close(), refuse);
}

function attempt(what: string, call: () => unknown, refuse: Refuse): unknown {
  try {
    return call();
  } catch (error) {
    return refuse(`${what} throws ${error instanceof Error ? error.message : String(error)}`);
  }
}
