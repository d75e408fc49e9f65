/** All rows, in the order of the table. */
import { ACCESS, SLOW_READER } from './access.mjs';
import { COMPRESSED } from './compressed.mjs';
import { CROWDS } from './crowd.mjs';
import { FRAMES } from './frames.mjs';
import { FILES, TCP, TLS } from './paths.mjs';

/** @type {readonly import('../measure.mjs').Row[]} */
export const ROWS = [
  ...FRAMES,
  ...COMPRESSED,
  ...ACCESS,
  SLOW_READER,
  ...TCP,
  ...TLS,
  ...FILES,
  ...CROWDS,
];
