import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import t from 'tap';
import { TextCutter } from '../../../src/modes/tcp/text-cutter.js';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'utf8');

t.test('a character that spans reads comes with its last byte', async (t) => {
  const cutter = new TextCutter();
  const euro = bytesOf('a€b');
  t.same(cutter.cut(euro.subarray(0, 2)), { text: Buffer.from('a'), isValid: true });
  t.notOk(cutter.isBetweenCharacters);
  t.same(cutter.cut(euro.subarray(2, 3)), { text: new Uint8Array(0), isValid: true });
  t.same(Buffer.from(cutter.cut(euro.subarray(3)).text).toString(), '€b');
  t.ok(cutter.isBetweenCharacters);
});

t.test('every text, cut anywhere, comes out whole and in whole characters', async () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.integer({ min: 1, max: 7 })),
      (text, sizes) => {
        const bytes = bytesOf(text);
        const cutter = new TextCutter();
        let result = '';
        let position = 0;
        for (let turn = 0; position < bytes.length; turn++) {
          const end = position + (sizes[turn % Math.max(sizes.length, 1)] ?? 3);
          // In memory that is used again, as a read buffer is.
          const { text: piece, isValid } = cutter.cut(bytes.slice(position, end));
          if (!isValid) return false;
          const decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(piece);
          result += decoded;
          position = end;
        }
        return cutter.isBetweenCharacters && result === bytesOf(text).toString();
      },
    ),
  );
});

t.test('what comes before a wrong byte is still text', async (t) => {
  for (const [hex, text] of [
    ['6162ff6364', 'ab'],
    ['61e28263', 'a'],
    ['80', ''],
    ['c3a9f490', 'é'],
    ['eda080', ''],
  ] as const) {
    const cutter = new TextCutter();
    const cut = cutter.cut(Buffer.from(hex, 'hex'));
    t.equal(Buffer.from(cut.text).toString(), text, hex);
    t.notOk(cut.isValid);
  }
  const cutter = new TextCutter();
  cutter.cut(Buffer.from('e282', 'hex'));
  t.same(cutter.cut(Buffer.from('41', 'hex')), { text: new Uint8Array(0), isValid: false });
});
