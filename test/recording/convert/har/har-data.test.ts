import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  HarBase64,
  type HarData,
  HarText,
  jsonInside,
} from '../../../../src/recording/convert/har/har-data.js';

/** All ways to cut bytes into pieces, none of them empty but one. */
function allCuts(bytes: Buffer): Buffer[][] {
  return Array.from({ length: 2 ** (bytes.length - 1) }, (_, cuts) => {
    const pieces: Buffer[] = [Buffer.alloc(0)];
    let start = 0;
    for (let at = 1; at <= bytes.length; at++) {
      const isCut = at === bytes.length || (cuts & (1 << (at - 1))) !== 0;
      if (!isCut) continue;
      pieces.push(bytes.subarray(start, at));
      start = at;
    }
    return pieces;
  });
}

function taken(data: HarData, pieces: readonly Buffer[], isWhole = true): string {
  return pieces.map((piece) => data.take(piece)).join('') + data.finish(isWhole);
}

t.test('base64 is the same for all cuts', async (t) => {
  for (const length of [1, 2, 3, 7, 8, 9]) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => 251 * (index + 1)));
    const different = new Set(allCuts(bytes).map((pieces) => taken(new HarBase64(), pieces)));
    t.strictSame([...different], [bytes.toString('base64')], `${length} bytes`);
  }
  t.equal(new HarBase64().finish(), '', 'no bytes');
});

t.test('text is the same for all cuts', async (t) => {
  for (const text of ['a"\\\n😀', '\ufeffé水', '\u2028\u0000x']) {
    const different = new Set(
      allCuts(Buffer.from(text)).map((pieces) => taken(new HarText(), pieces)),
    );
    t.equal(different.size, 1, 'one result');
    t.equal(JSON.parse(`"${[...different].join('')}"`), text, `${text.length} units`);
  }
});

t.test('text that ends inside a character', async (t) => {
  const pieces = [Buffer.from('é').subarray(0, 1)];
  t.equal(taken(new HarText(), pieces), '\ufffd', 'what is not UTF-8 is marked');
  t.equal(taken(new HarText(), pieces, false), '', 'what is missing is not');
});

t.equal(jsonInside('a"b'), String.raw`a\"b`);
