import t from 'tap';
import { ownBeginning } from '../../src/inspect/own-beginning.js';

t.test('the beginning of a text, and all of a short one', async (t) => {
  t.equal(ownBeginning('abc', 3), 'abc');
  t.equal(ownBeginning('abcd', 3), 'abc');
  t.equal(ownBeginning('é\ud800xx', 3), 'é\ud800x', 'halves of pairs as they are');
  t.equal(ownBeginning('a\u{1f600}b', 2), 'a', 'no pair is cut in two');
});
