/** Floods of small frames, which cost far more than their bytes. */
import { NONE_FAILED, BOUNDED_MEMORY, p99 } from './figures.mjs';

/** @typedef {import('../measure.mjs').Row} Row */

const GOAL_BESIDE_ONE = 20;
const GOAL_BESIDE_TEN = 50;

/**
 * @param {string} frames
 * @param {string} what
 * @param {number} connections
 * @returns {Row}
 */
function flood(frames, what, connections) {
  return {
    name: `${frames}-${connections}`,
    group: 'frames',
    what: `${what}, ${connections} connection${connections === 1 ? '' : 's'}`,
    serve: () => ['--echo'],
    ws: [],
    attacks: [{ kind: 'flood', connections, with: { frames } }],
    good: { kind: 'quiet' },
    figures: [
      p99(connections === 1 ? GOAL_BESIDE_ONE : GOAL_BESIDE_TEN),
      NONE_FAILED,
      BOUNDED_MEMORY,
    ],
  };
}

/** @type {readonly Row[]} */
export const FRAMES = [
  flood('text', 'text frames of 1 byte', 1),
  flood('text', 'text frames of 1 byte', 10),
  flood('empty', 'empty binary frames', 1),
  flood('empty', 'empty binary frames', 10),
  flood('pong', 'pongs that nobody asked for', 1),
  flood('pong', 'pongs that nobody asked for', 10),
  flood('ping', 'empty pings', 1),
  flood('ping', 'empty pings', 10),
  flood('fragments', 'messages of 200,000 fragments of 1 byte', 1),
  flood('fragments', 'messages of 200,000 fragments of 1 byte', 10),
  {
    ...flood('text', 'text frames of 1 byte', 200),
    what: 'text frames of 1 byte, 200 connections that take little each',
  },
  {
    ...flood('large', 'messages of 8 MiB', 10),
    what: 'messages of 8 MiB, 10 connections',
  },
  {
    ...flood('text', '', 20),
    name: 'bursts',
    what: '256 KiB of text frames of 1 byte at once from 20 connections in step, every 250 ms',
    attacks: [
      { kind: 'bursts', connections: 20, with: { frames: 'text', everyMs: 250, count: 1 } },
    ],
  },
  {
    ...flood('text', '', 20),
    name: 'never-reading',
    what: 'messages of 64 KiB to 20 clients that never read',
    attacks: [{ kind: 'never-reading', connections: 20, with: { frames: 'binary' } }],
  },
];
