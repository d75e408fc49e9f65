import t from 'tap';
import { beginningOf, hexPreview } from '../../../../src/recording/convert/text/one-line.js';

t.test('a beginning has whole characters', async (t) => {
  t.equal(beginningOf('abc', 3), 'abc');
  t.equal(beginningOf('abcd', 3), 'abc');
  t.equal(beginningOf('ab😀', 3), 'ab');
  t.equal(beginningOf('ab😀', 4), 'ab😀');
  t.equal(beginningOf('ab😀c', 4), 'ab😀');
  t.equal(beginningOf('ab\uffffc', 3), 'ab\uffff');
  t.equal(beginningOf('abc', Infinity), 'abc');
});

t.test('binary payloads by their first bytes', async (t) => {
  const preview = (bytes: Uint8Array): object =>
    hexPreview(Buffer.from(bytes).toString('base64'), 32);
  t.same(preview(Buffer.alloc(0)), { text: '  ||', bytes: 0 });
  t.same(preview(Buffer.from('Hi\r\n\xff', 'latin1')), { text: '48690d0a ff  |Hi...|', bytes: 5 });
  t.same(preview(Buffer.from(' ~\x7f\x1f', 'latin1')), { text: '207e7f1f  | ~..|', bytes: 4 });
  for (const length of [32, 33, 1000]) {
    t.same(preview(Buffer.alloc(length, 'a')), {
      text: `${Array(8).fill('61616161').join(' ')}  |${'a'.repeat(32)}|`,
      bytes: 32,
    });
  }
  t.equal(hexPreview(Buffer.alloc(1000).toString('base64'), Infinity).bytes, 1000);
});
