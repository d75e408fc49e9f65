/** Rows of the option table: the processes that serve. */
import { workerCount } from '../values/worker-values.js';
import type { OptionTable } from './option.js';

export const WORKER_OPTIONS = {
  workers: {
    group: 'Operation',
    type: workerCount(),
    default: '1',
    isLibraryKey: false,
    help: 'processes that share the work, or auto: one for each processor',
    docs:
      'With 1 a single process does everything. With more, a first process starts that many workers, gives each the next connection in turn, and replaces those that die. ' +
      '`maxConnections` and `maxConnectionsPerAddress` count for all of them together; limits of memory and of unfinished handshakes, and what a mode of your own remembers, are per process. ' +
      'Recordings need `%w` in their name: each process writes a file of its own. `docs/operations.md` says when it helps.',
  },
} as const satisfies OptionTable;
