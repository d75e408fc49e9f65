import t from 'tap';
import { doubtsAbout } from '../../src/config/doubts.js';
import type { Provided } from '../../src/config/settings.js';

const given = <Value>(value: Value, from = '--deflate-client-window-bits'): Provided<Value> => ({
  value,
  source: 'flag',
  from,
});

t.test('a window of 8 bits for clients, where clients may compress', async (t) => {
  for (const deflate of ['auto', true] as const) {
    const doubts = doubtsAbout({ deflate: given(deflate), deflateClientWindowBits: given(8) });
    t.equal(doubts.length, 1);
    t.match(doubts[0], /^--deflate-client-window-bits is 8: .*; 9 suits them$/);
  }
});

t.test('nothing else is doubted', async (t) => {
  const eight = { deflate: given(false), deflateClientWindowBits: given(8) };
  t.strictSame(doubtsAbout(eight), [], 'nobody compresses');
  for (const bits of [9, 12, 15]) {
    const other = { deflate: given('auto' as const), deflateClientWindowBits: given(bits) };
    t.strictSame(doubtsAbout(other), [], `${bits}`);
  }
});
