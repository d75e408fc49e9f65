import t from 'tap';
import { closeSentence } from '../../../../web/echo/model/close-codes.js';

t.test('every code says something', async (t) => {
  for (const code of [0, 1000, 1004, 1006, 1015, 2000, 3000, 3999, 4000, 4999, 5000])
    t.match(closeSentence(code), /^[A-Z].*\.$/, String(code));
  t.not(closeSentence(3000), closeSentence(4000));
  t.equal(closeSentence(5000), closeSentence(2000));
});
