import t from 'tap';
import { hexRow, hexRowCount, hexText, parseHex } from '../../../../web/shared/model/hex.js';

const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);

t.test('rows of a dump', async (t) => {
  t.equal(hexRowCount(0, 16), 0);
  t.equal(hexRowCount(16, 16), 1);
  t.equal(hexRowCount(300, 16), 19);
  t.strictSame(hexRow(bytes, 18, 16), {
    offset: '00000120',
    pairs: ['20', '21', '22', '23', '24', '25', '26', '27', '28', '29', '2a', '2b'],
    characters: ' !"#$%&\'()*+',
  });
  t.equal(hexRow(bytes, 7, 16).characters, 'pqrstuvwxyz{|}~.');
  t.equal(hexRow(bytes, 1, 8).pairs.join(''), '08090a0b0c0d0e0f');
});

t.test('text of hex digits, and back', async (t) => {
  t.equal(hexText(Uint8Array.of(0, 255, 16)), '00 ff 10');
  t.equal(hexText(Uint8Array.of(0, 255, 16), ''), '00ff10');
  const cases: readonly [string, number[] | null][] = [
    ['', []],
    ['00ff10', [0, 255, 16]],
    ['00 FF\n10', [0, 255, 16]],
    ['0x00, 0xff, 0x10', [0, 255, 16]],
    ['00:ff', [0, 255]],
    ['0', null],
    ['0g', null],
  ];
  for (const [text, expected] of cases) {
    const parsed = parseHex(text);
    t.strictSame(parsed === null ? null : [...parsed], expected, text);
  }
});
