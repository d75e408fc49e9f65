/** Connections, requests, passwords and the log. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { BOUNDED_MEMORY, NONE_FAILED, p99 } from './figures.mjs';

/** @typedef {import('../measure.mjs').Row} Row */
/** @typedef {import('../measure.mjs').Figure} Figure */

const GOAL_MS = 50;
const KIB = 1024;

/** `right`, as `htpasswd -nbB -C 10` hashes it. */
const HASH = '$2y$10$KBCwKxOzLha2MUDgW0PjXeWcUEvUOaqSwR/.oaK8GiQP/x2h76Xdm';
export const PASSWORD = 'right';
const USERS = 200;

/**
 * @param {string} kind
 * @param {string} what
 * @param {number} connections
 * @param {Readonly<Record<string, unknown>>} [more]
 * @returns {Row}
 */
function crowd(kind, what, connections, more = {}) {
  return {
    name: kind,
    group: 'connections',
    what,
    serve: () => ['--echo'],
    ws: [],
    attacks: [{ kind, connections, address: '127.0.9.*', with: more }],
    good: { kind: 'opening', everyMs: 20 },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  };
}

/**
 * How much the log tells: a line, or in place of many lines one with their number.
 * @param {readonly string[]} log
 * @param {RegExp} isAbout
 */
function told(log, isAbout) {
  let sum = 0;
  for (const line of log) {
    if (!isAbout.test(line)) continue;
    const leftOut = line.includes('more like this') ? /"lines":(\d+)/.exec(line) : null;
    sum += leftOut === null ? 1 : Number(leftOut[1]);
  }
  return sum;
}

/** @type {Figure} */
const LOG_RATE = {
  what: 'log a second',
  unit: 'KiB',
  goal: 64,
  read: ({ logBytes, seconds }) => logBytes / seconds / KIB,
};

/** @type {Figure} */
const LOG_COUNTED = {
  what: 'told, of what happened',
  unit: '%',
  goal: 90,
  isAtLeast: true,
  // Of a connection that is still there when the attack ends nothing is told yet.
  read: ({ log, attack }) => (100 * told(log, /./)) / Math.min(attack.answers, attack.ended),
};

/** @param {import('../measure.mjs').Place} place */
export function writePasswords({ directory }) {
  const lines = Array.from({ length: USERS }, (_, number) => `user-${number}:${HASH}\n`);
  writeFileSync(path.join(directory, 'passwords'), lines.join(''), { mode: 0o600 });
}

/** @type {Row} */
const PASSWORDS = {
  name: 'passwords',
  group: 'access',
  what: '60 wrong passwords a second from clients that hang up after 5 ms; the good client logs in',
  serve: ({ directory }) => ['--echo', '--auth-file', path.join(directory, 'passwords')],
  prepare: writePasswords,
  seconds: 8,
  aloneSeconds: 2,
  attacks: [{ kind: 'logins', connections: 1, address: '127.0.9.1' }],
  good: { kind: 'login', everyMs: 500, password: PASSWORD },
  figures: [
    NONE_FAILED,
    {
      what: 'attempts in the log, %',
      unit: '',
      goal: 90,
      isAtLeast: true,
      // Those that leave before their password is verified are in the metrics only.
      isOpen: true,
      read: ({ log, attack }) => (100 * told(log, /unauthorized|login/)) / attack.attempts,
    },
    BOUNDED_MEMORY,
  ],
};

/** @type {Row} */
const LOG_REQUESTS = {
  name: 'log-requests',
  group: 'log',
  what: 'refused requests with a path of 8 KB, as fast as they go, from one client',
  serve: () => ['--echo'],
  attacks: [{ kind: 'requests', connections: 8, address: '127.0.9.1' }],
  good: { kind: 'quiet' },
  figures: [LOG_RATE, LOG_COUNTED, NONE_FAILED, p99(GOAL_MS)],
};

/** @type {readonly Row[]} */
export const ACCESS = [
  PASSWORDS,
  {
    ...PASSWORDS,
    name: 'passwords-many',
    what: 'the same from 250 addresses',
    attacks: [{ kind: 'logins', connections: 1, address: '127.0.9.*' }],
  },
  {
    ...PASSWORDS,
    name: 'passwords-waiting',
    what: '60 wrong passwords a second from clients of one address that wait for the answer',
    attacks: [{ kind: 'logins', connections: 1, address: '127.0.9.1', with: { hangUpMs: 8000 } }],
    figures: [NONE_FAILED, BOUNDED_MEMORY],
  },
  {
    ...PASSWORDS,
    name: 'early-frames',
    what: 'frames without end behind 200 handshakes with a wrong password, from one address',
    attacks: [{ kind: 'early', connections: 200, processes: 1, address: '127.0.9.1' }],
    figures: [NONE_FAILED, BOUNDED_MEMORY],
  },
  LOG_REQUESTS,
  {
    ...LOG_REQUESTS,
    name: 'log-many',
    what: 'the same from 250 addresses',
    attacks: [{ kind: 'requests', connections: 250, processes: 1, address: '127.0.9.*' }],
    figures: [{ ...LOG_RATE, goal: 256 }, LOG_COUNTED, NONE_FAILED, p99(GOAL_MS)],
  },
  {
    name: 'log-sessions',
    group: 'log',
    what: 'sessions with a path of 7 KB that end at once, as fast as they go, from one client',
    serve: () => ['--echo'],
    attacks: [{ kind: 'sessions', connections: 8, address: '127.0.9.1' }],
    good: { kind: 'quiet' },
    figures: [LOG_RATE, LOG_COUNTED, NONE_FAILED, p99(GOAL_MS)],
  },
  crowd('connects', '2,000 connections that say nothing', 2000),
  crowd('half-heads', '2,000 connections with half a request', 2000),
  crowd('slow-heads', '500 requests that come byte by byte', 500),
  crowd('resets', 'handshakes and a message, then a reset, as fast as they go', 16),
  {
    ...crowd('paths', 'handshakes as fast as they go', 16),
    name: 'handshakes',
  },
  {
    ...crowd('proxy-headers', 'PROXY headers of 15 KB with 5,000 parts', 8),
    hasWs: false,
    serve: () => [
      '--echo',
      '--trust-proxy',
      '127.0.9.0/24',
      '--trust-proxy-header',
      'proxy-protocol',
    ],
  },
];

/** @type {Row} */
export const SLOW_READER = {
  name: 'slow-reader',
  group: 'rates',
  what: 'nobody attacks: a client reads 16 KiB a second, for 90 seconds',
  serve: () => ['--echo'],
  seconds: 90,
  attacks: [],
  good: { kind: 'slow-reader' },
  figures: [
    {
      what: 'dropped',
      unit: '',
      goal: 0,
      // What the system takes from a slow reader is seen in large pieces only.
      isOpen: true,
      // The client reads on what the system has kept, and does not see the end.
      read: ({ log }) => log.filter((line) => line.includes('"closedBy":"server"')).length,
    },
  ],
};
