/** Figures beside their goals. */

/** @typedef {import('./measure.mjs').Row} Row */
/** @typedef {import('./measure.mjs').Run} Run */

/**
 * @typedef {object} ReadFigure
 * @property {string} what
 * @property {string} unit
 * @property {number} value
 * @property {number} goal
 * @property {boolean} isAtLeast
 * @property {boolean} isMet
 * @property {boolean} isDecisive
 */

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {string} what
 * @property {Omit<Run, 'log'>} run
 * @property {readonly string[]} log its first lines
 * @property {readonly ReadFigure[]} figures
 * @property {readonly ReadFigure[]} [ws] the same of `ws`
 * @property {number} misses
 * @property {number} worst value beside its goal, of those that are missed
 * @property {boolean} isMet
 */

const KEPT_LINES = 20;

/**
 * @param {Row} row
 * @param {Run} run
 * @param {boolean} isByCounts times decide nothing
 * @returns {Result}
 */
export function judge(row, { log, ...run }, isByCounts) {
  const figures = row.figures.map((figure) => {
    const value = figure.read({ ...run, log });
    const isAtLeast = figure.isAtLeast === true;
    return {
      what: figure.what,
      unit: figure.unit,
      value,
      goal: figure.goal,
      isAtLeast,
      isMet: isAtLeast ? value >= figure.goal : value <= figure.goal,
      isDecisive: !(isByCounts && (figure.isTime === true || figure.isOpen === true)),
    };
  });
  const missed = figures.filter(({ isMet, isDecisive }) => isDecisive && !isMet);
  return {
    name: row.name,
    what: row.what,
    run,
    log: log.slice(0, KEPT_LINES),
    figures,
    misses: missed.length,
    worst: Math.max(
      0,
      ...missed.map(({ value, goal, isAtLeast }) =>
        isAtLeast ? goal / value : value / (goal || 1),
      ),
    ),
    isMet: missed.length === 0,
  };
}
