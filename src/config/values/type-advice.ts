/**
 * What is said of a JSON value that would do in another type. Its text alone, `9001`, looks as it should, so
 * its type is named, and how it is written is shown.
 */
import { valueAt, type Fault } from '../messages.js';
import type { Kind } from './values.js';

interface Advice {
  /** What was given, with its type. */
  readonly shown: string;
  /** What to do, as a clause. */
  readonly clause: string;
}

/**
 * @param given the whole value of the option
 * @param fault where in it the fault is, and which types may stand there if it is that
 * @param shown what stands there, as a message may show it
 */
export function typeAdvice(
  kind: Kind<unknown>,
  given: unknown,
  { path, clause, types }: Fault,
  shown: string,
): Advice {
  const there = valueAt(given, path);
  const isTaken = (candidate: unknown): boolean =>
    kind.schema.safeParse(replaced(given, path, candidate)).success;
  if (typeof there === 'string') {
    const plain = [kind.fromText(there), jsonOf(there), SWITCHES.get(there.toLowerCase())].find(
      (candidate) => typeof candidate !== 'string' && isTaken(candidate),
    );
    const isSwitch = types.includes('boolean');
    return {
      shown: types.length === 0 ? shown : `the text ${shown}`,
      clause:
        plain === undefined
          ? `${clause}${isSwitch ? ', without quotes' : ''}`
          : `write ${JSON.stringify(plain)}, without quotes`,
    };
  }
  const text = textsOf(there, clause).find(isTaken);
  const isText =
    types.includes('string') && !types.includes('number') && !types.includes('boolean');
  return {
    shown: types.length > 0 && typeof there === 'number' ? `the number ${shown}` : shown,
    clause:
      text === undefined
        ? `${clause}${isText ? ', in quotes' : ''}`
        : `write ${JSON.stringify(text)}, with quotes`,
  };
}

/** Words that people use for a switch. */
const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

/** Texts that may be what was meant; for nothing it is the word of the clause. */
function textsOf(value: unknown, clause: string): string[] {
  const isNothing = value === null || value === false || value === 0;
  const [nothing] = /\b(?:off|none)\b/.exec(clause) ?? [];
  return [
    ...(typeof value === 'number' ? [String(value)] : []),
    ...(isNothing && nothing !== undefined ? [nothing] : []),
  ];
}

/** @returns undefined for what is no JSON */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A copy of a JSON value that has another one at the end of `path`. */
function replaced(given: unknown, path: readonly PropertyKey[], value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const inner = replaced(valueAt(given, [part]), rest, value);
  if (Array.isArray(given)) return given.with(Number(part), inner);
  return { ...(given as object), [part]: inner };
}
