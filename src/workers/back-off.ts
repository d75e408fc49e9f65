/** How long to wait before a worker that has died is replaced. */

const FIRST_MS = 100;
const LONGEST_MS = 3000;

/** A worker that served for this long did not die of its start: counting begins again. In milliseconds. */
export const STEADY_MS = 10_000;

/** @param deaths in a row, this one included @returns milliseconds; none after the first */
export function backOffMs(deaths: number): number {
  return deaths <= 1 ? 0 : Math.min(FIRST_MS * 2 ** (deaths - 2), LONGEST_MS);
}
