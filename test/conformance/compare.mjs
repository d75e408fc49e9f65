/**
 * Holds the verdicts of a run of the Autobahn suite against the committed ones.
 * Everything here is a pure function; files and processes are in the modules beside it.
 */

/** Verdict on the messages of a case, and verdict on how its connection was closed.
 * @typedef {readonly [behavior: string, behaviorClose: string]} Verdict */

/** Verdicts by case number.
 * @typedef {Readonly<Record<string, Verdict>>} Verdicts */

/**
 * @typedef {object} Difference
 * @property {string} id number of the case
 * @property {'behavior' | 'close' | 'missing' | 'extra'} kind what differs: the messages, the closing
 *   handshake, a case that should have run and did not, a case that ran and has no committed verdict
 * @property {string} text one line for a person
 */

/**
 * @typedef {object} Comparison
 * @property {number} passed number of cases whose both verdicts are as committed
 * @property {number} failed number of cases with a difference
 * @property {readonly Difference[]} differences in the order of the case numbers
 */

/**
 * @param {Verdicts} expected committed verdicts, of the cases that are to be compared
 * @param {Verdicts} actual verdicts of this run
 * @returns {Comparison}
 */
export function compare(expected, actual) {
  const ids = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort(compareCaseIds);
  const differences = ids.flatMap((id) => differencesOf(id, expected[id], actual[id]));
  const failed = new Set(differences.map(({ id }) => id)).size;
  return { passed: ids.length - failed, failed, differences };
}

/**
 * @param {string} id
 * @param {Verdict | undefined} expected
 * @param {Verdict | undefined} actual
 * @returns {Difference[]}
 */
function differencesOf(id, expected, actual) {
  if (actual === undefined) return [{ id, kind: 'missing', text: `${id} was not run` }];
  if (expected === undefined) {
    const text = `${id} ran, and expected.json has no verdict for it (it got ${actual.join(', ')})`;
    return [{ id, kind: 'extra', text }];
  }
  /** @type {Difference[]} */
  const differences = [];
  if (actual[0] !== expected[0]) {
    const text = `${id} behaviour is ${actual[0]}, expected ${expected[0]}`;
    differences.push({ id, kind: 'behavior', text });
  }
  if (actual[1] !== expected[1]) {
    const text = `${id} closing is ${actual[1]}, expected ${expected[1]}`;
    differences.push({ id, kind: 'close', text });
  }
  return differences;
}

/**
 * Orders case numbers as the suite does: 2.9 comes before 2.10.
 * @param {string} a
 * @param {string} b
 */
export function compareCaseIds(a, b) {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The committed verdicts of the cases that a run was asked for.
 * @param {Verdicts} expected
 * @param {readonly string[]} ids
 * @returns {Verdicts}
 */
export function only(expected, ids) {
  const wanted = new Set(ids);
  return Object.fromEntries(Object.entries(expected).filter(([id]) => wanted.has(id)));
}

/**
 * The text of `expected.json`: one case a line, in the suite's order.
 * @param {Verdicts} verdicts
 */
export function format(verdicts) {
  const lines = Object.entries(verdicts)
    .sort(([a], [b]) => compareCaseIds(a, b))
    .map(([id, [behavior, close]]) => `  "${id}": ["${behavior}", "${close}"]`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/**
 * The verdicts in an `index.json` of the suite.
 * @param {unknown} index its parsed content: an object by agent, then by case number
 * @param {string} agent
 * @returns {Verdicts}
 */
export function verdictsOf(index, agent) {
  const cases =
    /** @type {Record<string, Record<string, { behavior: string, behaviorClose: string }>>} */ (
      index
    )[agent];
  return Object.fromEntries(
    Object.entries(cases ?? {}).map(([id, { behavior, behaviorClose }]) => [
      id,
      [behavior, behaviorClose],
    ]),
  );
}
