/** The order in which peers are measured. */
import process from 'node:process';

/**
 * All peers run once in each round, another one first each time and every second round backwards: what disturbs the
 * machine for a while then disturbs them alike.
 * @template {{ name: string }} Contender
 * @template Run
 * @param {readonly Contender[]} contenders with different names
 * @param {number} rounds
 * @param {(contender: Contender) => Promise<Run>} runOnce
 * @returns {Promise<Record<string, Run[]>>} by the contender's name, one a round
 */
export async function inTurns(contenders, rounds, runOnce) {
  /** @type {Record<string, Run[]>} */
  const runs = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const step = round % 2 === 0 ? turn : contenders.length - 1 - turn;
      const contender = contenders[(round + step) % contenders.length];
      if (!contender) continue;
      runs[contender.name]?.push(await runOnce(contender));
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  return runs;
}
