import t from 'tap';
import { HttpCounters } from '../../src/http/http-counters.js';

t.test('each answer is counted by who gave it and by its status, from 0 on', async (t) => {
  const counters = new HttpCounters();
  t.ok([...counters.counts].every(({ count }) => count === 0));
  const { length } = [...counters.counts];
  counters.answered('file', 200);
  counters.answered('page', 200);
  counters.answered('page', 200);
  counters.answered('page', null);
  const counted = [...counters.counts].filter(({ count }) => count > 0);
  t.strictSame(counted, [
    { by: 'file', status: '200', count: 1 },
    { by: 'page', status: '200', count: 2 },
    { by: 'page', status: 'cut', count: 1 },
  ]);
  t.equal([...counters.counts].length, length);
  counters.answered('file', 400);
  t.match([...counters.counts].at(-1), { by: 'file', status: '400', count: 1 });
});
