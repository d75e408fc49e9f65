/** Reads an extension that a user wrote: nothing about it is taken on trust. */
import { show } from '../config/messages.js';
import type { Extension, ExtensionSession } from '../extensions/extension.js';
import { memberOf, onRejection, textOfThrown } from '../foreign.js';
import { isToken } from '../net/byte-table.js';
import type { Refuse } from '../modes/user-module.js';

type SessionCall = {
  [Name in keyof ExtensionSession]-?: ExtensionSession[Name] extends (...given: never[]) => unknown
    ? Name
    : never;
}[keyof ExtensionSession];

/** Every function that a session must have; the compiler misses one that is left out. */
const CALLS: Readonly<Record<SessionCall, true>> = {
  init: true,
  response: true,
  reserveRsv: true,
  decode: true,
  encode: true,
  close: true,
};

/** Their names. */
export const SESSION_CALLS = Object.keys(CALLS) as readonly SessionCall[];

/** The name of the extension that is twist's own. */
const OWN_NAME = 'permessage-deflate';

/**
 * Looks at an extension, and at a session that it makes for a trial.
 * @param others the extensions that stand before it
 * @param hasDeflate whether permessage-deflate of our own is in use
 * @returns an extension made of what `given` has, once every part of it is looked at
 */
export function readExtension(
  given: unknown,
  others: readonly Extension[],
  hasDeflate: boolean,
  refuse: Refuse,
): Extension {
  if (typeof given !== 'object' || given === null)
    refuse(`an extension must be an object such as { name, create }, not ${show(given)}`);
  const name = memberOf(given, 'name');
  const create = memberOf(given, 'create');
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
  const extension = { name, create: create.bind(given) as Extension['create'] };
  tryOut(extension, refuse);
  return extension;
}

function tryOut(extension: Extension, refuse: Refuse): void {
  const session = attempt('create', () => extension.create(), refuse);
  const lacking: string[] = SESSION_CALLS.filter(
    (call) => typeof memberOf(session, call) !== 'function',
  );
  if (!has(session, 'enabled')) lacking.push('enabled');
  if (lacking.length > 0) {
    refuse(
      `create must return an object with the functions ${SESSION_CALLS.join(', ')}, and enabled; ` +
        `it lacks ${lacking.join(', ')}`,
    );
  }
  attempt('close of a new session', () => (session as { close(): unknown }).close(), refuse);
}

function attempt(what: string, call: () => unknown, refuse: Refuse): unknown {
  try {
    const result = call();
    // Sessions are asked for, and given back, without waiting; what is rejected here is said there.
    onRejection(result, () => undefined);
    return result;
  } catch (error) {
    return refuse(`${what} throws ${textOfThrown(error)}`);
  }
}

function has(session: unknown, name: string): boolean {
  try {
    return typeof session === 'object' && session !== null && name in session;
  } catch {
    return false;
  }
}
