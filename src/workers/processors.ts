import os from 'node:os';

/** How many workers a setting asks for: `auto` is one for each processor that this process may use. */
export function workersOf(setting: number | 'auto'): number {
  return setting === 'auto' ? os.availableParallelism() : setting;
}
