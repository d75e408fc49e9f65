/**
 * How to handle values from foreign code: a user's mode, extension or log.
 *
 * Such a value need not be what it says. A promise may come from another library or another realm, an
 * error may be a Proxy or no error at all, and reading any of its members may throw. So whatever we have
 * to know of it is asked here. No function in this file throws, and the file imports nothing.
 */

/** Limits of what a log line takes from a foreign value. */
const MAX_TEXT_LENGTH = 8192;
const MAX_DEPTH = 5;
const MAX_NODES = 1000;
const MAX_CAUSES = 5;
const MAX_ERRORS = 10;

/** What Node's and pino's own fields of an error are; a snapshot has them by other ways. */
const ERROR_MEMBERS = ['type', 'name', 'message', 'stack', 'cause', 'errors', 'constructor'];

/**
 * The promise that a value is, as one of our own; null for a value that is none. Whatever has a `then`
 * is a promise (ECMA-262 27.2.1.3.2), whoever made it; one that cannot even be asked is a rejection.
 */
export function promiseOf<T>(value: T): Promise<Awaited<T>> | null {
  // Most calls return nothing, and this is asked for each message.
  if (value === undefined || !isObject(value)) return null;
  try {
    // Read once: the second time it may be something else.
    const { then } = value as { readonly then?: unknown };
    if (typeof then !== 'function') return null;
    return new Promise((resolve, reject) => {
      Reflect.apply(then, value, [resolve, reject]);
    });
  } catch (error) {
    // Whatever it is does not matter here.
    return rejection(error as Error);
  }
}

/** Hears of what the result of a call rejects with, if it is a promise; nobody waits for it. */
export function onRejection(result: unknown, hear: (error: unknown) => void): void {
  promiseOf(result)?.then(undefined, hear);
}

/** `value instanceof type`, and false for what cannot be asked. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...given: never[]) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    // A Proxy decides for itself what it says about its prototype.
    return false;
  }
}

/** A member of a value; undefined when it cannot be read. */
export function memberOf(value: unknown, name: PropertyKey): unknown {
  if (!isObject(value)) return undefined;
  try {
    return (value as Readonly<Record<PropertyKey, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/** What was thrown, whatever it is, in words. */
export function textOfThrown(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    // An object without a prototype, for instance, is no text.
    return 'something without a text';
  }
}

/** A value as the sentence shows it that says it is wrong. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === 'function') return 'a function';
  if (!isObject(value)) return String(value);
  const name = memberOf(memberOf(value, 'constructor'), 'name');
  return typeof name === 'string' && name !== '' ? `an object of ${cut(name)}` : 'an object';
}

/** What was thrown, as an error: itself if it is one. Its members are still not to be trusted. */
export function errorOf(thrown: unknown): Error {
  if (isInstance(thrown, Error)) return thrown;
  // An error of another realm is no `Error` here, and has a stack all the same.
  if (typeof memberOf(thrown, 'stack') === 'string') return errorForLog(thrown);
  return new Error(`thrown: ${textOfThrown(thrown)}`);
}

/**
 * A copy of an error that a log can take: an `Error` of a class with the same name, with plain values for
 * members. What cannot be read is left out.
 */
export function errorForLog(thrown: unknown): Error {
  return snapshot(thrown, 0);
}

/** A copy of the members of an object that a log can take: plain values as JSON has them, within limits. */
export function fieldsForLog(value: unknown): Record<string, unknown> {
  const plain = new Plain().copy(value);
  return isObject(plain) && !Array.isArray(plain) ? (plain as Record<string, unknown>) : {};
}

function rejection(error: Error): Promise<never> {
  return Promise.reject(error);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function snapshot(thrown: unknown, depth: number): Error {
  const message = memberOf(thrown, 'message');
  if (typeof message !== 'string') return new Error(`thrown: ${cut(textOfThrown(thrown))}`);
  const type = typeOf(thrown);
  // pino, and who else prints errors, takes the name from the class.
  const ErrorClass = Object.defineProperty(class extends Error {}, 'name', { value: type });
  const error = new ErrorClass(cut(message));
  const stack = memberOf(thrown, 'stack');
  Object.assign(error, membersOf(thrown));
  hide(error, 'name', type);
  hide(error, 'stack', typeof stack === 'string' ? cut(stack) : `${type}: ${error.message}`);
  if (depth === MAX_CAUSES) return error;
  const cause = memberOf(thrown, 'cause');
  if (isObject(cause)) hide(error, 'cause', snapshot(cause, depth + 1));
  const errors = memberOf(thrown, 'errors');
  if (isArray(errors)) hide(error, 'errors', snapshots(errors, depth + 1));
  return error;
}

function snapshots(errors: readonly unknown[], depth: number): Error[] {
  const length = Math.min(Number(memberOf(errors, 'length')), MAX_ERRORS);
  return Array.from({ length }, (_, index) => snapshot(memberOf(errors, index), depth));
}

/** Not enumerable, as these members of an error are. */
function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

/** The name of an error's class. */
function typeOf(thrown: unknown): string {
  for (const name of [memberOf(memberOf(thrown, 'constructor'), 'name'), memberOf(thrown, 'name')])
    if (typeof name === 'string' && name !== '') return cut(name);
  return 'Error';
}

/** What else an error says: `code`, `rule`, `syscall`. */
function membersOf(thrown: unknown): Record<string, unknown> {
  const members = fieldsForLog(thrown);
  for (const name of ERROR_MEMBERS) Reflect.deleteProperty(members, name);
  return members;
}

function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    // A Proxy that was revoked.
    return false;
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}...` : text;
}

/** Copies one value as JSON would have it, with a bound on how much of it. */
class Plain {
  #nodes = 0;

  copy(value: unknown, depth = 0): unknown {
    switch (typeof value) {
      case 'string':
        return cut(value);
      case 'number':
      case 'boolean':
      case 'undefined':
        return value;
      case 'bigint':
      case 'symbol':
        return cut(String(value));
      case 'function':
        return undefined;
      case 'object':
        return value === null ? null : this.#copyObject(value, depth);
    }
  }

  #copyObject(value: object, depth: number): unknown {
    // A cycle ends here too.
    if (depth > MAX_DEPTH || ++this.#nodes > MAX_NODES) return '[Object]';
    if (isInstance(value, Error) && depth > 0) return `${typeOf(value)}: ${textOfThrown(value)}`;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    try {
      const { toJSON } = value as { readonly toJSON?: unknown };
      if (typeof toJSON === 'function')
        return this.copy(Reflect.apply(toJSON, value, ['']), depth + 1);
      return Array.isArray(value) ? this.#copyItems(value, depth) : this.#copyMembers(value, depth);
    } catch {
      return '[cannot be read]';
    }
  }

  #copyItems(items: readonly unknown[], depth: number): unknown[] {
    const copies: unknown[] = [];
    for (let index = 0; index < items.length && this.#nodes < MAX_NODES; index++) {
      this.#nodes++;
      copies.push(this.copy(memberOf(items, index), depth + 1));
    }
    return copies;
  }

  #copyMembers(value: object, depth: number): Record<string, unknown> {
    const copies: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      if (++this.#nodes > MAX_NODES) break;
      const copy = this.copy(memberOf(value, name), depth + 1);
      // Not by assignment: __proto__ is a name like any other.
      Object.defineProperty(copies, name, {
        value: copy,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return copies;
  }
}
