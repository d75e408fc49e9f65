/** The mode of a server that only records: it takes every message, and sends nothing. */
import type { BuiltInMode } from './built-in.js';
import type { Mode } from '../session/mode.js';

export const collectorMode: Mode = { name: 'record', delivery: 'messages' };

export const record: BuiltInMode<'record'> = { filesEach: 1, prepare: () => () => collectorMode };
