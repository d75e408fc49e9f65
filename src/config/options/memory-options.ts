/** Rows of the option table: what the process may hold. */
import { sizeOrAuto } from '../values/memory-values.js';
import type { OptionTable } from './option.js';

const MIB = 1024 ** 2;

export const MEMORY_OPTIONS = {
  maxMemory: {
    group: 'Limits',
    type: sizeOrAuto(MIB, 1024 ** 2 * MIB),
    default: 'auto',
    help: 'most that is held for all clients together; 1013 for whoever holds most',
    docs:
      'Bytes that one process holds for its clients: messages that are not complete, output that waits, work of extensions, lines for the recording, and something for each connection. ' +
      'From 80 % on newcomers get 503, and whoever holds more than 64k is not read from; at 100 % those who hold most are closed with 1013 until there is room, and so they are when nothing is given back for a second. It is over below 75 %. ' +
      '`auto` is a quarter of the memory that the machine has, or that its control group may use if that is less, and at most 512m. What a process takes by itself, some 60 MiB, comes on top, and so does what Node has not given back yet. ' +
      'At least four times `maxMessage`: a message, what it inflates to, its answer, and room beside it.',
  },
} as const satisfies OptionTable;
