import { Buffer } from 'node:buffer';
import t from 'tap';
import { MAX_RESERVE_BYTES, RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';

/** What was appended, as text. */
function taken(buffer: RecordBuffer): string {
  const batch = buffer.take();
  const text = Buffer.concat(batch.chunks).toString();
  t.equal(batch.bytes, Buffer.byteLength(text));
  buffer.recycle(batch);
  return text;
}

/** Text as it stands in JSON, checked to be read back as the same. */
function jsonOf(text: string | Uint8Array, shift = 0): string {
  const bytes = Buffer.concat([Buffer.alloc(shift, '"'), Buffer.from(text), Buffer.from('"\\')]);
  const buffer = new RecordBuffer();
  t.ok(buffer.appendJsonText(bytes, shift, bytes.length - 2));
  const json = taken(buffer);
  t.equal(JSON.parse(`"${json}"`), Buffer.from(text).toString());
  return json;
}

t.test('numbers, times and bytes', async (t) => {
  const buffer = new RecordBuffer();
  buffer.reserve(1000);
  const numbers = [0, 9, 10, 12_345, 0x3fff_ffff, 0x4000_0000, 9_999_999_999, 2 ** 53 - 1];
  for (const number of numbers) {
    buffer.appendNumber(number);
    buffer.append(Buffer.from(','));
  }
  t.equal(taken(buffer), numbers.map((number) => `${number},`).join(''));
  for (const micros of [1_790_000_000_000_001, 1_790_000_000_999_999, 1_790_000_001_000_000]) {
    buffer.appendMicroseconds(micros);
    buffer.append(Buffer.from(' '));
  }
  t.equal(taken(buffer), '1790000000.000001 1790000000.999999 1790000001.000000 ');
  buffer.append(Buffer.from('a piece that is longer than the others'));
  t.equal(taken(buffer), 'a piece that is longer than the others');
});

t.test('RFC 8259 §7: what must not stand in a string, and what readers trip over', async (t) => {
  t.equal(jsonOf('plain text, ~ and all'), 'plain text, ~ and all');
  t.equal(jsonOf('"\\/'), '\\"\\\\/');
  t.equal(jsonOf('\n\r\t\b\u0000\u001b[31m\u007f'), '\\n\\r\\t\\u0008\\u0000\\u001b[31m\\u007f');
  t.equal(jsonOf('\u0085\u009b\u00a0é'), '\\u0085\\u009b\u00a0é', 'controls of Latin-1');
  t.equal(jsonOf('\u2028\u2029\u2027\u202a\u20ac'), '\\u2028\\u2029\u2027\u202a\u20ac');
  t.equal(jsonOf('日本語 text \u{1f600}"'), '日本語 text \u{1f600}\\"');
  t.equal(jsonOf(''), '');
});

t.test('a character that ends after the payload is not looked at', async (t) => {
  const buffer = new RecordBuffer();
  const bytes = Buffer.from('e280a8', 'hex');
  for (const end of [1, 2]) buffer.appendJsonText(bytes, 0, end);
  buffer.appendJsonText(Buffer.from('c285', 'hex'), 0, 1);
  const batch = buffer.take();
  t.equal(Buffer.concat(batch.chunks).toString('hex'), 'e2e280c2');
});

t.test('every byte at every place in a word', async () => {
  for (let shift = 0; shift < 4; shift++) {
    for (let place = 0; place < 9; place++) {
      for (let code = 0; code < 128; code++) {
        const text = `${'x'.repeat(place)}${String.fromCharCode(code)}${'é'.repeat(place % 3)}yz`;
        if (jsonOf(text, shift).length < text.length) t.fail(`${shift} ${place} ${code}`);
      }
    }
  }
});

t.test('long texts, whatever is in them', async () => {
  const random = new SeededRandom(6);
  const alphabet = [
    'a',
    'bcdefgh',
    '"',
    '\\',
    '\n',
    '\u0085',
    'é',
    '\u2028',
    '日',
    '\u{1f600}',
    '\u0001',
  ];
  for (const length of [100, 5000, 20_000, 100_000]) {
    let text = '';
    while (text.length < length) text += alphabet[random.below(alphabet.length)]!;
    jsonOf(text, length % 4);
  }
  jsonOf('a'.repeat(1_000_000));
  jsonOf('"\\'.repeat(300_000));
});

t.test(
  'text that is more than twice as long in JSON is given up, and its memory used again',
  async (t) => {
    const buffer = new RecordBuffer();
    buffer.reserve(10);
    buffer.append(Buffer.from('before'));
    // Five sixths of it are plain, so much is appended before it turns out.
    const text = Buffer.from('a'.repeat(1_000_000) + '\u0001'.repeat(500_000));
    t.notOk(buffer.appendJsonText(text, 0, text.length));
    t.ok(buffer.bytes > 1_000_000);
    t.ok(buffer.bytes <= 2 * text.length + 64 + 6 * 8192, 'and no more');
    buffer.takeBack(6);
    t.equal(buffer.bytes, 6);
    buffer.appendBase64(text, 0, text.length);
    t.equal(taken(buffer), `before${text.toString('base64')}`);
    t.notOk(buffer.appendJsonText(text, 1_000_000, text.length), 'at once where it begins so');
    t.ok(buffer.bytes < 60_000);
    buffer.takeBack(0);
    t.equal(taken(buffer), '');
  },
);

t.test('RFC 4648 §4: base64 of every length', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) % 256));
  for (const length of [0, 1, 2, 3, 4, 100, 190, 191, 192, 193, 194, 49_152, 49_153, 199_000]) {
    const buffer = new RecordBuffer();
    buffer.appendBase64(bytes, 3, 3 + length);
    t.equal(taken(buffer), bytes.toString('base64', 3, 3 + length), `${length}`);
  }
});

t.test('lines that were made elsewhere', async (t) => {
  const buffer = new RecordBuffer();
  buffer.appendLine(Buffer.from('a\n'));
  const long = Buffer.alloc(600_000, 'b');
  buffer.appendLine(long);
  t.equal(buffer.records, 2);
  t.equal(buffer.bytes, 600_002);
  const batch = buffer.take();
  t.equal(batch.records, 2);
  t.equal(buffer.records, 0);
  t.equal(buffer.bytes, 0);
  t.ok(Buffer.concat(batch.chunks).equals(Buffer.concat([Buffer.from('a\n'), long])));
});

t.test('a batch keeps its memory until it is recycled', async (t) => {
  const buffer = new RecordBuffer();
  buffer.appendLine(Buffer.from('first\n'));
  const first = buffer.take();
  buffer.appendLine(Buffer.from('other\n'));
  const second = buffer.take();
  t.equal(Buffer.concat(first.chunks).toString(), 'first\n');
  buffer.recycle(first);
  buffer.recycle(first);
  buffer.recycle(second);
  t.strictSame(buffer.take().chunks, [], 'nothing was appended since');
});

t.test('room that is reserved is in one piece', async (t) => {
  const buffer = new RecordBuffer();
  buffer.reserve(10);
  buffer.append(Buffer.from('1234567890'));
  buffer.reserve(MAX_RESERVE_BYTES);
  buffer.append(Buffer.from('x'));
  t.strictSame(
    buffer.take().chunks.map((chunk) => chunk.length),
    [10, 1],
  );
});
