import { Buffer } from 'node:buffer';
import t from 'tap';
import { SentText } from '../../src/session/sent-text.js';
import { InvalidArgumentError } from '../../src/errors.js';

const EURO = Buffer.from('€');
const REFUSED = new InvalidArgumentError(
  'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary',
);

t.test('whole messages', async (t) => {
  const text = new SentText();
  for (const bytes of [Buffer.alloc(0), Buffer.from('abc'), EURO, Buffer.from('€'.repeat(1000))])
    text.check(bytes, 0, bytes.length, true, true);
  for (const [bytes, start, end] of [
    [Buffer.of(0xff), 0, 1],
    [EURO, 0, 2],
    [EURO, 1, 3],
    [Buffer.of(0xc0, 0x80), 0, 2],
    [Buffer.of(0xed, 0xa0, 0x80), 0, 3],
  ] as const) {
    t.throws(() => {
      text.check(bytes, start, end, true, true);
    }, REFUSED);
  }
  text.check(EURO, 0, 3, true, true);
});

t.test('pieces, which may end inside a character', async (t) => {
  const text = new SentText();
  text.check(EURO, 0, 1, true, false);
  text.check(EURO, 1, 2, false, false);
  t.throws(() => {
    text.check(EURO, 0, 0, false, true);
  }, REFUSED);
  t.throws(() => {
    text.check(EURO, 0, 1, false, false);
  }, REFUSED);
  text.check(EURO, 2, 3, false, true);
  text.check(EURO, 0, 3, true, true);
});
