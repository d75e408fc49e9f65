/** A bound on how much one line of the log says: what clients send may be as long as they like. */
import { memberOf } from '../../foreign.js';

/** The longest text of one field, in characters. */
const MAX_TEXT = 256;
/** The longest message of an error, and the longest stack. */
const MAX_MESSAGE = 1024;
const MAX_STACK = 4096;
/** How many characters all fields have together, those of errors left out, and how many values. */
const MAX_LINE = 4096;
const MAX_VALUES = 200;
/** How many errors: one, and what has caused it. */
const MAX_ERRORS = 4;

/** @returns the fields with their long texts cut, which says how long they were; errors are cut as they are */
export function cutFields(fields: object): object {
  return new Cutter().members(fields);
}

class Cutter {
  #characters = MAX_LINE;
  #values = MAX_VALUES;
  #errors = MAX_ERRORS;

  members(given: object): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(given)) {
      if (--this.#values < 0) {
        members['...'] = true;
        break;
      }
      // Not by assignment: __proto__ is a name like any other.
      Object.defineProperty(members, this.#text(name), {
        value: this.#value(value),
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return members;
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Error) return this.#error(value);
    return Array.isArray(value) ? this.#items(value) : this.members(value);
  }

  #items(given: readonly unknown[]): unknown[] {
    const items: unknown[] = [];
    for (const value of given) {
      if (--this.#values < 0) {
        items.push('...');
        break;
      }
      items.push(this.#value(value));
    }
    return items;
  }

  #text(text: string): string {
    const length = Math.min(text.length, MAX_TEXT, this.#characters);
    this.#characters -= length;
    return cut(text, length);
  }

  /** What the log gets is a copy of the error that was thrown: see foreign.ts. */
  #error(error: Error): Error | string {
    if (--this.#errors < 0) return '...';
    hide(error, 'message', cut(error.message, MAX_MESSAGE));
    hide(error, 'stack', cut(String(error.stack), MAX_STACK));
    const { cause } = error;
    if (cause instanceof Error) hide(error, 'cause', this.#error(cause));
    const errors = memberOf(error, 'errors');
    if (Array.isArray(errors)) hide(error, 'errors', this.#items(errors));
    for (const [name, value] of Object.entries(this.members(error)))
      Reflect.set(error, name, value);
    return error;
  }
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}... (${text.length} characters)`;
}
