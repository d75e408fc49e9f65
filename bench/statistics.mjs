/** Medians, and how far they can be trusted. */

/** Intervals cover the true median at least this often, where there are enough values for it: five give 0.94. */
const CONFIDENCE = 0.93;

/**
 * @param {readonly number[]} values
 * @returns {number} NaN when there are none
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/**
 * One peer's values divided by the other's in the same round: two runs next to each other in time saw the same machine.
 * @param {readonly number[]} values
 * @param {readonly number[]} others
 * @returns {number[]}
 */
export function pairedRatios(values, others) {
  return values.map((value, round) => value / (others[round] ?? NaN));
}

/**
 * @param {readonly number[]} values
 * @param {readonly number[]} others of the same rounds
 */
export function medianRatio(values, others) {
  return median(pairedRatios(values, others));
}

/**
 * @typedef {object} Estimate
 * @property {number} median NaN without values
 * @property {number} low
 * @property {number} high
 * @property {number} confidence how often such an interval holds the true median
 */

/**
 * The median and its interval between two of the values themselves, which assumes nothing about how they are
 * distributed: the true median lies outside only if nearly all of them fell on one side of it.
 * @param {readonly number[]} values of which those that are NaN or infinite do not count
 * @returns {Estimate}
 */
export function estimateMedian(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const { length } = sorted;
  // How many of the least and of the greatest can be left out.
  let outside = 0;
  let chance = 2 ** -length;
  let confidence = 1 - 2 * chance;
  while (outside < length / 2 - 1) {
    const next = chance * ((length - outside) / (outside + 1));
    if (confidence - 2 * next < CONFIDENCE) break;
    outside++;
    chance = next;
    confidence -= 2 * chance;
  }
  return {
    median: median(sorted),
    low: sorted[outside] ?? NaN,
    high: sorted[length - 1 - outside] ?? NaN,
    confidence: Math.max(confidence, 0),
  };
}
