/** Where the tables stand in the guide. */

export const PAGE = 'docs/kubernetes.md';
export const PICTURE = 'docs/images/rolling-update.svg';

const BEGIN = '<!-- npm run simulate -- --write -->';
const END = '<!-- end of what it writes -->';

/**
 * @param {string} page
 * @param {string} tables
 * @returns {string} the page with other tables
 * @throws {Error} without the two marks
 */
export function replaceTables(page, tables) {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no "${BEGIN}" before "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${tables}\n\n${page.slice(end)}`;
}
