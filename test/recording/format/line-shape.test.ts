import { Buffer } from 'node:buffer';
import t from 'tap';
import { shapeFault } from '../../../src/recording/format/line-shape.js';

const DEEP = 'it is nested deeper than a record is';
const MUCH = 'it has more in it than a record has';

t.test('what a record is made of', async (t) => {
  const escapes = '"\\\\\\"[{'.repeat(20_000);
  for (const value of [
    { ev: 'open', headers: { via: ['a', { b: 1 }] } },
    { ev: 'msg', data: 'x'.repeat(1_000_000) },
    { ev: 'msg', data: '[[[[[[{{{{{{' },
    { ev: 'msg', data: escapes, more: escapes },
    { ev: 'msg', data: '\\' },
    { '': '' },
  ])
    t.equal(shapeFault(Buffer.from(JSON.stringify(value))), null);
  // The parser says what is wrong with these.
  for (const text of ['"no end', '"no end\\', '"\\"', '', ']]]]{}', '{"a'])
    t.equal(shapeFault(Buffer.from(text)), null);
});

t.test('nested to the limit, and one deeper', async (t) => {
  t.equal(shapeFault(Buffer.from('[{[{}]}]')), null);
  t.equal(shapeFault(Buffer.from('[{[{[]}]}]')), DEEP);
  t.equal(shapeFault(Buffer.from('{"a":'.repeat(5))), DEEP);
  t.equal(shapeFault(Buffer.from('[],'.repeat(1000))), null, 'beside each other');
});

t.test('as much outside of texts as a record may have, and one more', async (t) => {
  const text = `"${'x'.repeat(100_000)}"`;
  const limit = 64 * 1024;
  // The opening quote counts.
  t.equal(shapeFault(Buffer.from(`${text}${' '.repeat(limit - 1)}`)), null);
  t.equal(shapeFault(Buffer.from(`${text}${' '.repeat(limit)}`)), MUCH);
  for (const piece of ['[],', '1,', '"",', '"a":1,', '1', ' '])
    t.equal(shapeFault(Buffer.from(piece.repeat(limit + 1))), MUCH, piece);
});
