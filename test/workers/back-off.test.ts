import t from 'tap';
import { backOffMs } from '../../src/workers/back-off.js';

t.test('the first death is followed by another start at once, the next ones later', async (t) => {
  t.strictSame(
    [1, 2, 3, 4, 5, 6, 7, 8, 2000].map(backOffMs),
    [0, 100, 200, 400, 800, 1600, 3000, 3000, 3000],
  );
});
