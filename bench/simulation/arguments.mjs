/** The command line of the simulation. */
import { parseArgs } from 'node:util';
import { CHART } from './plans.mjs';

/** @typedef {import('./restart.mjs').Plan} Plan */

/** Those of a plan that are numbers: flag, key, what it is, whether it is a whole number, the least value. @type {readonly [string, NumberKey, string, boolean, number][]} */
const NUMBERS = [
  ['pods', 'pods', 'pods that there are', true, 1],
  ['sessions', 'sessions', 'sessions of each', true, 1],
  ['surge', 'surge', 'pods that an update may start beside them (default a quarter)', true, 1],
  ['lost', 'lost', 'pods that vanish at once, instead of an update', true, 0],
  ['start', 'start', 'seconds until a new pod is ready', false, 0],
  ['min-ready', 'minReady', 'seconds until the next old pod stops for it', false, 0],
  ['pre-stop', 'preStop', 'seconds that a pod serves on', false, 0],
  ['notice', 'notice', 'seconds until the load balancer leaves it out', false, 0],
  ['drain-timeout', 'drainTimeout', "seconds, twist's own", false, 0],
  ['close-timeout', 'closeTimeout', "seconds, twist's own", false, 0],
  ['backoff', 'backoff', 'seconds of which a client waits a random part', false, 0],
  ['backoff-max', 'backoffMax', 'seconds after many failures', false, 0],
  ['handshakes', 'handshakes', 'that a pod can do in a second', false, 1],
  ['max-handshakes', 'maxHandshakes', "twist's own", true, 1],
  ['max-connections', 'maxConnections', "twist's own", true, 1],
  ['seed', 'seed', 'of the random numbers', true, 1],
];

/** @typedef {Exclude<{ [Key in keyof Plan]: Plan[Key] extends number ? Key : never }[keyof Plan], undefined>} NumberKey */

const BALANCING = /** @type {const} */ (['chance', 'two', 'least']);

/** The most clients that fit into memory with ease. */
const MOST_CLIENTS = 50_000_000;

export const USAGE = `Usage: npm run simulate -- [options]

A rolling update of many pods, or the loss of some, with all their sessions. Without options all
of docs/kubernetes.md, which takes a minute; options that name a plan simulate that one. What is
not named is as the chart has it.

  --write                also writes the tables and the picture of docs/kubernetes.md
${NUMBERS.map(([flag, key, what]) => `  ${`--${flag} N`.padEnd(22)} ${what} (${flag === 'surge' ? '' : CHART[key]})`.replace(' ()', '')).join('\n')}
  --balancing WORD       chance, two (the emptier of two) or least (the emptiest) (${CHART.balancing})
  --no-jitter            clients wait for exactly the back-off
  --help`;

/**
 * @param {readonly string[]} args
 * @returns {'help' | { isWriting: boolean, plan: Plan | null }}
 * @throws {Error} with a sentence for whoever wrote them
 */
export function readArguments(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(
        NUMBERS.map(([flag]) => [flag, { type: /** @type {const} */ ('string') }]),
      ),
      balancing: { type: 'string' },
      'no-jitter': { type: 'boolean' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const named = Object.entries(values).filter(([name]) => name !== 'write' && name !== 'help');
  if (named.length === 0) return { isWriting: values.write, plan: null };
  if (values.write) throw new Error('--write goes with no other option');
  return { isWriting: false, plan: readPlan(Object.fromEntries(named)) };
}

/** @param {Record<string, string | boolean | undefined>} named */
function readPlan(named) {
  const plan = { ...CHART };
  for (const row of NUMBERS) readNumber(plan, row, named[row[0]]);
  if (named['surge'] === undefined) plan.surge = Math.ceil(plan.pods / 4);
  plan.balancing = readBalancing(named['balancing']);
  if (named['no-jitter'] === true) plan.hasJitter = false;
  const clients = plan.pods * plan.sessions;
  if (clients > MOST_CLIENTS)
    throw new Error(`${clients} clients are too many: at most ${MOST_CLIENTS}`);
  if (plan.lost > plan.pods) throw new Error(`--lost cannot be more than --pods (${plan.pods})`);
  if (plan.maxConnections < plan.sessions)
    throw new Error(`--max-connections cannot be less than --sessions (${plan.sessions})`);
  return plan;
}

/**
 * @param {Plan} plan to write to
 * @param {typeof NUMBERS[number]} row
 * @param {string | boolean | undefined} text
 */
function readNumber(plan, [flag, key, , isWhole, least], text) {
  if (text === undefined) return;
  const value = Number(text);
  const isNumber = text !== '' && Number.isFinite(value) && value >= least;
  if (!isNumber || (isWhole && !Number.isInteger(value)))
    throw new Error(
      `--${flag} cannot be "${text}": give a ${isWhole ? 'whole ' : ''}number from ${least} on`,
    );
  plan[key] = value;
}

/** @param {string | boolean | undefined} text */
function readBalancing(text) {
  const word = BALANCING.find((one) => one === (text ?? CHART.balancing));
  if (word === undefined)
    throw new Error(`--balancing cannot be "${String(text)}": give ${BALANCING.join(', ')}`);
  return word;
}
