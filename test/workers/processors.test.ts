import os from 'node:os';
import t from 'tap';
import { workersOf } from '../../src/workers/processors.js';

t.test('auto is one worker for each processor', async (t) => {
  t.equal(workersOf(3), 3);
  t.equal(workersOf('auto'), os.availableParallelism());
});
