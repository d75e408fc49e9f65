import t from 'tap';
import { bytesOf, cutTo, isSame, sizeOf, textOf } from '../../../../web/echo/model/payload.js';

t.test('sizes are those of the bytes', async (t) => {
  for (const text of ['', 'abc', 'ä', '€', '😀', 'a😀ä€'])
    t.equal(sizeOf(text), bytesOf(text).length, text);
  t.equal(sizeOf(Uint8Array.of(1, 2)), 2);
  t.strictSame(bytesOf(Uint8Array.of(1)), Uint8Array.of(1));
});

t.test('the same is the same kind with the same in it', async (t) => {
  t.ok(isSame('a', 'a'));
  t.notOk(isSame('a', 'b'));
  t.notOk(isSame('a', Uint8Array.of(0x61)), 'a text is no bytes');
  t.notOk(isSame(Uint8Array.of(0x61), 'a'));
  t.ok(isSame(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  t.notOk(isSame(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  t.notOk(isSame(Uint8Array.of(1), Uint8Array.of(1, 2)));
});

t.test('as text, if it is some', async (t) => {
  t.equal(textOf('a'), 'a');
  t.equal(textOf(Uint8Array.of(0xc3, 0xa4)), 'ä');
  t.equal(textOf(Uint8Array.of(0xff)), null);
});

t.test('its beginning', async (t) => {
  t.equal(cutTo('abc', 2), 'ab');
  const bytes = Uint8Array.of(1, 2, 3);
  const cut = cutTo(bytes, 2) as Uint8Array;
  t.strictSame(cut, Uint8Array.of(1, 2));
  t.not(cut.buffer, bytes.buffer, 'the rest can go');
});
