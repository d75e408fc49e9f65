/**
 * Shows how far a run is: one line that is written over on a terminal, a plain line now and then elsewhere.
 */

const PLAIN_EVERY_CASES = 50;

/** @param {typeof process.stderr} stream */
export function createProgress(stream) {
  let total = 0;
  let count = 0;
  const isTerminal = stream.isTTY;
  return {
    /** @param {number} cases how many the run has */
    begin(cases) {
      total = cases;
    },
    /** @param {string} id of the case that begins */
    next(id) {
      count += 1;
      if (isTerminal) stream.write(`\r\u001b[K${count} of ${total}: ${id}`);
      else if (count % PLAIN_EVERY_CASES === 1) stream.write(`case ${count} of ${total}: ${id}\n`);
    },
    /** How many cases have begun. */
    get count() {
      return count;
    },
    end() {
      if (isTerminal) stream.write('\r\u001b[K');
    },
  };
}
