/** A hundred attackers of each kind beside a hundred good clients, and some of each at once (`--only crowd`). */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PASSWORD, writePasswords } from './access.mjs';
import { BOUNDED_MEMORY, NONE_FAILED, p99 } from './figures.mjs';
import { prepareFile } from './paths.mjs';

/** @typedef {import('../measure.mjs').Row} Row */
/** @typedef {Row['attacks'][number]} PlannedAttack */

const GOAL_MS = 50;
const CROWD = 100;
const OF_EACH = 10;

const ADDRESS = '127.0.9.*';
/** What they do is not stopped by a password, where it needs none to be wrong. */
const USER = `user-1:${PASSWORD}`;

/** What the ten kinds of attackers do. @type {Readonly<Record<string, Omit<PlannedAttack, 'connections'>>>} */
const ATTACKERS = {
  bombs: { kind: 'bombs', path: '/echo', with: { everyMs: 3000 } },
  fragments: { kind: 'flood', path: '/echo', with: { frames: 'fragments' } },
  floods: { kind: 'flood', path: '/echo', with: { frames: 'text' } },
  'slow heads': { kind: 'slow-heads' },
  'half frames': { kind: 'half-messages', path: '/echo', with: { bytes: 1024 * 1024 } },
  'never reading': { kind: 'never-reading', path: '/echo' },
  resets: { kind: 'resets', path: '/echo' },
  'wrong passwords': { kind: 'logins', with: { perSecond: 100, hangUpMs: 5 } },
  'dead-name tokens': { kind: 'paths', with: { path: '/tokens?token=dead' } },
  'static ranges': { kind: 'ranges', with: { depth: 20 } },
};

/**
 * @param {string} name
 * @param {string} what
 * @param {readonly PlannedAttack[]} attacks
 * @returns {Row}
 */
function beside(name, what, attacks) {
  return {
    name: `crowd-${name.replaceAll(' ', '-')}`,
    group: 'crowd',
    what,
    isSlow: true,
    serve: ({ directory }) => [
      ...['--route', '/echo=echo', '--route', '/tokens=token'],
      ...['--auth-file', path.join(directory, 'passwords')],
      ...['--token-file', path.join(directory, 'tokens')],
      ...['--static', path.join(directory, 'public')],
    ],
    prepare: (place) => {
      prepareFile(place);
      writePasswords(place);
      writeFileSync(path.join(place.directory, 'tokens'), 'dead: no-such-host.invalid:5900\n');
    },
    seconds: 8,
    aloneSeconds: 2,
    attacks,
    good: {
      kind: 'quiet',
      path: '/echo',
      user: `user-0:${PASSWORD}`,
      connections: CROWD,
      everyMs: 100,
    },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  };
}

/** @type {readonly Row[]} */
export const CROWDS = [
  ...Object.entries(ATTACKERS).map(([name, attack]) =>
    beside(name, `${CROWD} attackers: ${name}`, [
      { ...attack, connections: CROWD, address: ADDRESS, user: USER },
    ]),
  ),
  beside(
    'all',
    `${OF_EACH} attackers of each kind at once`,
    Object.values(ATTACKERS).map((attack) => ({
      ...attack,
      connections: OF_EACH,
      address: ADDRESS,
    })),
  ),
];
