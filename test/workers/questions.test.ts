import t from 'tap';
import { type Asked, Questions } from '../../src/workers/questions.js';

const ONE: Asked = { worker: 1, serial: 11 };
const TWO: Asked = { worker: 2, serial: 12 };

t.test('who answers, in whatever order', async (t) => {
  const questions = new Questions();
  let asked = 0;
  const replies = questions.ask([ONE, TWO], 60_000, (_, id) => (asked = id));
  questions.answered(12, asked, 'two');
  questions.answered(12, asked, 'once more');
  questions.answered(13, asked, 'nobody');
  questions.answered(11, 99, 'another question');
  questions.answered(11, asked, 'one');
  t.strictSame(await replies, [
    { worker: 1, value: 'one' },
    { worker: 2, value: 'two' },
  ]);
  questions.answered(11, asked, 'late');
  t.strictSame(await questions.ask([], 60_000, () => undefined), []);
});

t.test('whoever does not answer in time, or is gone, is left out', async (t) => {
  const questions = new Questions();
  let asked = 0;
  const late = questions.ask([ONE, TWO], 5, (_, id) => (asked = id));
  questions.answered(12, asked, 'two');
  t.strictSame(await late, [
    { worker: 1, value: null },
    { worker: 2, value: 'two' },
  ]);
  const gone = questions.ask([ONE, TWO], 60_000, (_, id) => (asked = id));
  questions.forget(11);
  questions.forget(13);
  questions.answered(12, asked, 'two');
  t.strictSame(await gone, [
    { worker: 1, value: null },
    { worker: 2, value: 'two' },
  ]);
});
