/** The options of `npm run hostile`. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { TWIST_FILE } from '../plan.mjs';
import { ROWS } from './rows/rows.mjs';

export const USAGE = `Usage: npm run hostile -- [options]

  --list             what is there
  --only LIST        rows or groups of rows by name, for instance text-1,memory; also crowd, and idle
  --quick            short attacks, without ws: does it work
  --counts           decide by counts and memory only, never by times: short attacks, without ws
  --no-ws            without ws beside
  --tries N          how often a row is measured at most when it misses a goal (default 2)
  --seconds S        how long attacks last that need no time of their own (default 4)
  --profile DIR      writes a profile of the server's processor time there, for Chrome's DevTools
  --twist FILE       the twist to attack, for instance of another checkout (default bin/twist.js)
  --connections N    idle: how many (default 10000)
  --minutes M        idle: for how long (default 2)`;

/**
 * @typedef {object} Options
 * @property {readonly import('./measure.mjs').Row[]} rows
 * @property {boolean} isIdle the measurement of idle connections was asked for
 * @property {boolean} hasWs
 * @property {boolean} isByCounts
 * @property {boolean} isShort
 * @property {number} tries
 * @property {number | undefined} seconds
 * @property {string} twistFile
 * @property {readonly string[]} nodeArgs of the twist that is attacked
 * @property {number} connections
 * @property {number} minutes
 */

/**
 * @returns {Options | 'help' | 'list'}
 * @throws {Error} for a value that is not allowed
 */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      list: { type: 'boolean', default: false },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      counts: { type: 'boolean', default: false },
      'no-ws': { type: 'boolean', default: false },
      tries: { type: 'string' },
      seconds: { type: 'string' },
      profile: { type: 'string' },
      twist: { type: 'string', default: TWIST_FILE },
      connections: { type: 'string', default: '10000' },
      minutes: { type: 'string', default: '2' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.list) return 'list';
  const isShort = values.quick || values.counts;
  const words = values.only?.split(',').map((word) => word.trim());
  return {
    rows: chosen(words),
    isIdle: words?.includes('idle') ?? false,
    hasWs: !isShort && !values['no-ws'],
    isByCounts: values.counts,
    isShort,
    tries: positive('tries', values.tries ?? (values.quick ? '1' : '2')),
    seconds: values.seconds === undefined ? undefined : positive('seconds', values.seconds),
    twistFile: path.resolve(values.twist),
    nodeArgs:
      values.profile === undefined
        ? []
        : ['--cpu-prof', '--cpu-prof-dir', path.resolve(values.profile)],
    connections: positive('connections', values.connections),
    minutes: positive('minutes', values.minutes),
  };
}

/** @param {readonly string[] | undefined} words */
function chosen(words) {
  if (words === undefined) return ROWS.filter(({ isSlow }) => isSlow !== true);
  return words.flatMap((word) => {
    if (word === 'idle') return [];
    const rows = ROWS.filter(({ name, group }) => name === word || group === word);
    if (rows.length === 0) throw new Error(`--only knows no "${word}": see --list`);
    return rows;
  });
}

/**
 * @param {string} name
 * @param {string} text
 */
function positive(name, text) {
  const value = Number(text);
  if (!(value > 0 && value <= 100_000))
    throw new Error(`--${name} takes a number over 0, not ${text}`);
  return value;
}
