/**
 * How long fuzz tests run. By default each takes a few seconds and is the same in every run.
 * TWIST_FUZZ_RUNS multiplies the number of inputs, TWIST_FUZZ_SEED picks other inputs.
 */
import process from 'node:process';
import type { Test } from 'tap';
import { PAYLOAD_RULES, PROTOCOL_RULES } from '../../src/errors.js';

const factor = Number(process.env['TWIST_FUZZ_RUNS'] ?? 1);

/** Where the random numbers begin. */
export const SEED = Number(process.env['TWIST_FUZZ_SEED'] ?? 20_261_122);

if (!(factor > 0)) throw new RangeError('TWIST_FUZZ_RUNS must be a number above 0');
if (!Number.isSafeInteger(SEED) || SEED === 0) {
  throw new RangeError('TWIST_FUZZ_SEED must be a whole number other than 0');
}

/** @param runs how many inputs are tried by default */
export function fuzzRuns(runs: number): number {
  return Math.ceil(runs * factor);
}

/**
 * Gives a test file the time that it needs for its runs, also on a slow machine.
 *
 * @param ms that it needs there for the runs that it does by default
 */
export function setFuzzTimeout(t: Test, ms = 120_000): void {
  t.setTimeout(ms * Math.max(1, factor));
}

/** Rules about what extensions make of a payload, which the endpoint does not look into. */
const BEHIND_THE_CHAIN: readonly string[] = ['deflate-data', 'extension-data'];

/**
 * Asserts that the inputs came by every kind of event and broke every rule that frames can break,
 * so that a test that only tries dull inputs is noticed.
 */
export function assertAllSeen(t: Test, seen: ReadonlySet<string>): void {
  const expected = [
    ...['message', 'piece', 'ping', 'pong', 'close', 'message-too-big', 'too-many-fragments'],
    ...Object.keys(PROTOCOL_RULES),
    ...Object.keys(PAYLOAD_RULES).filter((rule) => !BEHIND_THE_CHAIN.includes(rule)),
  ];
  t.strictSame(
    expected.filter((name) => !seen.has(name)),
    [],
    'nothing was missed',
  );
}
