import t from 'tap';
import { statsOf } from '../../src/app/stats-of.js';

t.test('what is there, what is not, and what cannot be looked at', async (t) => {
  t.equal(statsOf('package.json')?.isFile(), true);
  t.equal(statsOf('no such file'), undefined);
  t.throws(() => statsOf('package.json/a'), { code: 'ENOTDIR' });
});
