/** The mode of a server that only records: it takes every message, and sends nothing. */
import type { Mode } from '../session/mode.js';

export const collectorMode: Mode = { name: 'record', delivery: 'messages' };
