/** Goals: how much of a peer's cost twist may have, in the same rounds; and whether it has. */
import { formatEstimate, formatTable } from './report.mjs';
import { estimateMedian, pairedRatios } from './statistics.mjs';

/**
 * @typedef {object} Goal
 * @property {number} factor at most so much
 * @property {string} of a peer; of the one on the same Node, where there is one
 * @property {string} figure `cpu`, or a word that stands in the table
 */

/**
 * @typedef {object} Judged something with goals
 * @property {string} load
 * @property {readonly Goal[]} goals
 * @property {readonly string[]} names of the peers
 * @property {string} [subject] whose goals they are, twist by default
 * @property {(name: string, figure: string) => number[]} read one a round; NaN for a run that failed
 */

/**
 * @param {number} factor
 * @param {string} of
 * @param {string} [figure] the processor time by default
 * @returns {Goal}
 */
export function atMost(factor, of, figure = 'cpu') {
  return { factor, of, figure };
}

/**
 * @param {readonly Goal[]} goals
 * @param {string} [more] what cannot be judged from the runs of one load
 */
export function describeGoals(goals, more = '') {
  return [...goals.map(describeGoal), ...(more === '' ? [] : [more])].join('; ');
}

/** @param {Goal} goal */
function describeGoal({ factor, of, figure }) {
  const limit = factor === 1 ? of : `${factor} of ${of}`;
  return `${figure === 'cpu' ? '' : `${figure} `}at most ${limit}`;
}

/**
 * The peer of that name that runs on the same Node as another.
 * @param {string} name for instance `twist@24`
 * @param {string} other for instance `ws`, or `uws`, which runs on none
 * @param {readonly string[]} names that there are
 * @returns {string | null}
 */
export function besideOnNode(name, other, names) {
  const suffix = /@.*$/.exec(name)?.[0] ?? '';
  return [`${other}${suffix}`, other].find((each) => names.includes(each)) ?? null;
}

/**
 * One row for each goal and Node. The median decides; where the interval holds the goal as well, the verdict says so.
 * @param {readonly Judged[]} all
 * @returns {string} empty when there is nothing to judge
 */
export function formatVerdicts(all) {
  const rows = all.flatMap(({ load, goals, names, read, subject = 'twist' }) =>
    names
      .filter((name) => name.replace(/@.*$/, '') === subject)
      .flatMap((name) =>
        goals.flatMap((goal) => {
          const other = besideOnNode(name, goal.of, names);
          if (other === null) return [];
          const { factor, figure } = goal;
          const estimate = estimateMedian(pairedRatios(read(name, figure), read(other, figure)));
          return [
            [
              load,
              `${figure === 'cpu' ? '' : `${figure}, `}${name}/${other}`,
              formatEstimate(estimate),
              `at most ${factor}`,
              decide(estimate, factor),
            ],
          ];
        }),
      ),
  );
  if (rows.length === 0) return '';
  return formatTable([['load', 'compared', 'ratio', 'goal', 'verdict'], ...rows]);
}

/**
 * @param {import('./statistics.mjs').Estimate} estimate
 * @param {number} factor
 */
export function decide({ median, low, high }, factor) {
  if (!Number.isFinite(median)) return 'no figure';
  if (median <= factor) return high <= factor ? 'reached' : 'reached, within the noise';
  return low > factor ? 'missed' : 'missed, within the noise';
}
