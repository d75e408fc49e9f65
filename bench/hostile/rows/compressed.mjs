/** Compressed messages that cost more than they look. */
import {
  BOUNDED_MEMORY,
  MAX_MEMORY_MIB,
  MEMORY_FACTOR,
  NONE_FAILED,
  memory,
  p99,
} from './figures.mjs';

/** @typedef {import('../measure.mjs').Row} Row */

const MIB = 1024 * 1024;
const GOAL_MS = 50;

/**
 * @param {string} frames
 * @param {string} what
 * @param {number} connections
 * @returns {Row}
 */
function flood(frames, what, connections) {
  return {
    name: `${frames}-${connections}`,
    group: 'compressed',
    what: `${what}, ${connections} connection${connections === 1 ? '' : 's'}`,
    serve: () => ['--echo'],
    ws: ['--deflate'],
    attacks: [{ kind: 'flood', connections, with: { frames } }],
    good: { kind: 'quiet' },
    figures: [p99(GOAL_MS), NONE_FAILED, BOUNDED_MEMORY],
  };
}

/**
 * A limit that is small enough to be reached soon, and what may be resident above idle.
 * @param {import('../measure.mjs').Place} place
 */
function limited({ has }) {
  return has('--max-memory') ? ['--max-memory', '128m'] : [];
}

/** The most inflated messages. @type {Row} */
const ACCEPTED_BOMBS = {
  name: 'bombs',
  group: 'memory',
  what: '60 compressed messages of exactly 16 MiB (956 KiB sent), echoed',
  serve: () => ['--echo'],
  ws: ['--deflate'],
  seconds: 20,
  attacks: [{ kind: 'bombs', connections: 60, with: { each: 1 } }],
  good: { kind: 'quiet' },
  figures: [memory(MEMORY_FACTOR * MAX_MEMORY_MIB), NONE_FAILED, p99(GOAL_MS)],
};

/** @type {Row} */
const HALF_MESSAGES = {
  name: 'half-messages',
  group: 'memory',
  what: '40 messages of which 15 MiB came and no more',
  serve: () => ['--echo'],
  ws: [],
  seconds: 6,
  attacks: [{ kind: 'half-messages', connections: 40 }],
  good: { kind: 'quiet' },
  figures: [memory(MEMORY_FACTOR * MAX_MEMORY_MIB), NONE_FAILED, p99(GOAL_MS)],
};

/** @type {readonly Row[]} */
export const COMPRESSED = [
  flood('blocks', '120 KiB of empty dynamic Huffman blocks', 1),
  flood('blocks', '120 KiB of empty dynamic Huffman blocks', 10),
  flood('blocks', '120 KiB of empty dynamic Huffman blocks', 40),
  flood('deep-blocks', '120 KiB of empty blocks with long codes', 40),
  flood('empty-deflated', 'compressed messages of nothing', 10),
  flood('tiny-deflated', 'compressed messages of 1 byte', 10),
  flood('small-bombs', 'compressed messages of 64 KiB', 40),
  {
    ...flood('small-bombs', '', 20),
    name: 'deaf-bombs',
    what: 'compressed messages of 64 KiB from 20 clients that never read',
    attacks: [{ kind: 'never-reading', connections: 20, with: { frames: 'small-bombs' } }],
  },
  {
    ...flood('blocks', '', 20),
    name: 'blocks-in-step',
    what: 'a message of empty blocks from 20 connections in step, every 250 ms',
    attacks: [
      { kind: 'bursts', connections: 20, with: { frames: 'blocks', everyMs: 250, count: 1 } },
    ],
  },
  {
    ...flood('text', '', 2000),
    name: 'keepers',
    what: 'one compressed message from each of 2,000 connections that stay',
    attacks: [{ kind: 'keepers', connections: 2000, address: '127.0.9.*' }],
  },
  {
    name: 'beside-bombs',
    group: 'compressed',
    what: 'compressed messages of 16 MiB, 479 KiB/s from 60 connections; the good client sends 200 KiB, compressed',
    serve: () => ['--echo'],
    ws: ['--deflate'],
    seconds: 15,
    aloneSeconds: 4,
    attacks: [{ kind: 'bombs', connections: 60, with: { everyMs: 2000 } }],
    good: { kind: 'compressed' },
    figures: [
      {
        what: 'p50, times that alone',
        unit: 'x',
        goal: 5,
        isTime: true,
        // Who gets no answer waits for ever.
        read: ({ alone, beside }) =>
          beside.answered === 0 ? Infinity : beside.p50Ms / alone.p50Ms,
      },
      NONE_FAILED,
      BOUNDED_MEMORY,
    ],
  },
  ACCEPTED_BOMBS,
  {
    ...ACCEPTED_BOMBS,
    name: 'bombs-limited',
    what: 'the same with --max-memory 128m',
    serve: (place) => ['--echo', ...limited(place)],
    hasWs: false,
    figures: [memory(MEMORY_FACTOR * 128), NONE_FAILED],
  },
  HALF_MESSAGES,
  {
    ...HALF_MESSAGES,
    name: 'half-messages-limited',
    what: 'the same with --max-memory 128m',
    serve: (place) => ['--echo', ...limited(place)],
    hasWs: false,
    figures: [memory(MEMORY_FACTOR * 128), NONE_FAILED],
  },
  {
    ...ACCEPTED_BOMBS,
    name: 'bomb-and-empties',
    what: '20 connections: a message of 16 MiB compressed, and 40,000 empty ones behind it',
    hasWs: false,
    seconds: 8,
    attacks: [{ kind: 'bombs', connections: 20, with: { each: 1, behind: 40_000 } }],
    good: { kind: 'quiet' },
    figures: [BOUNDED_MEMORY, NONE_FAILED, p99(GOAL_MS)],
  },
  {
    name: 'record-bombs',
    group: 'memory',
    what: '--record: 10 compressed messages of 16 MiB of U+0001 (159 KiB sent)',
    serve: ({ directory }) => ['--echo', '--record', `${directory}/recording.ndjson`],
    seconds: 30,
    attacks: [{ kind: 'bombs', connections: 10, with: { each: 1, value: 1 } }],
    good: { kind: 'quiet', everyMs: 100 },
    figures: [
      {
        what: 'disk, of inflated bytes in and out',
        unit: 'x',
        goal: 2,
        read: ({ diskBytes, attack }) =>
          diskBytes / (16 * MIB * (attack.attempts + attack.answers)),
      },
      memory(MEMORY_FACTOR * MAX_MEMORY_MIB),
      NONE_FAILED,
    ],
  },
];
