import t from 'tap';
import { RecordReader, type NumberedRecord } from '../../../src/recording/format/record-reader.js';

interface Outcome {
  /** Line, offset, text of the line, and the payload of its record. */
  readonly records: readonly (readonly [number, number, string, unknown])[];
  readonly damage: readonly (readonly [line: number, reason: string])[];
}

function readAll(
  chunks: Iterable<Uint8Array>,
  start?: { line: number; offset: number },
  maxLineBytes?: number,
): Outcome {
  const damage: [number, string][] = [];
  const records: Outcome['records'][number][] = [];
  const reader = new RecordReader((...what) => damage.push(what), start, maxLineBytes);
  const take = ({ record, line, offset, bytes }: NumberedRecord): void => {
    const payload = record.ev === 'msg' ? (record.data ?? record.b64) : record.ev;
    records.push([line, offset, Buffer.from(bytes).toString(), payload]);
  };
  for (const chunk of chunks) {
    const given = Uint8Array.from(chunk);
    for (const one of reader.read(given)) take(one);
    // The caller may use the same memory for every chunk.
    given.fill(0x21);
  }
  for (const one of reader.finish()) take(one);
  return { records, damage };
}

function* split(bytes: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function message(data: string): string {
  const len = Buffer.byteLength(data);
  return JSON.stringify({ ev: 'msg', s: 'A', t: 1, dir: 'in', op: 1, len, wire: len, data });
}

/** Two messages around a line, as one chunk. */
const around = (line: Uint8Array | string): Uint8Array =>
  Buffer.concat([
    Buffer.from(`${message('a')}\n`),
    Buffer.from(line),
    Buffer.from(`\n${message('b')}\n`),
  ]);

t.test('the same for every split', async (t) => {
  const lines = [message('one'), message('zwö €'), '', '{"ev":"unknown"}', 'damaged', message('')];
  const text = lines.map((line, index) => `${line}${index % 2 === 0 ? '\r' : ''}\n`).join('');
  const bytes = Buffer.concat([
    Buffer.from(text),
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    Buffer.from(`${message('end')}\n{"ev":`),
  ]);
  const expected = readAll([bytes]);
  const offsetOf = (what: string): number => bytes.indexOf(what);
  t.strictSame(expected, {
    records: [
      [1, 0, lines[0], 'one'],
      [2, offsetOf(lines[1]!), lines[1], 'zwö €'],
      [6, offsetOf(lines[5]!), lines[5], ''],
      [8, offsetOf(message('end')), message('end'), 'end'],
    ],
    damage: [
      [5, 'it is not JSON'],
      [7, 'it is not UTF-8'],
      [9, 'it has no newline at its end'],
    ],
  });
  for (let size = 1; size <= bytes.length; size++) {
    t.strictSame(readAll(split(bytes, size)), expected, `pieces of ${size}`);
  }
});

t.test('nothing at all', async (t) => {
  t.strictSame(readAll([]), { records: [], damage: [] });
  t.strictSame(readAll([new Uint8Array(0), Buffer.from('\n\r\n\n')]), { records: [], damage: [] });
});

t.test('a part of a file', async (t) => {
  const { records, damage } = readAll([around('x')], { line: 10, offset: 1000 });
  const length = message('a').length + 1;
  t.match(records, [
    [10, 1000],
    [12, 1000 + length + 2],
  ]);
  t.match(damage, [[11]]);
});

t.test('invalid UTF-8 is damage, in one line only, wherever lines are cut', async (t) => {
  const bad = Buffer.from(message('x\u0080'));
  bad[bad.indexOf(0xc2)] = 0xff;
  for (const chunks of [[around(bad)], split(around(bad), 7)]) {
    const { records, damage } = readAll(chunks);
    t.match(records, [
      [1, 0, message('a'), 'a'],
      [3, 2 * message('a').length + 4, message('b'), 'b'],
    ]);
    t.strictSame(damage, [[2, 'it is not UTF-8']]);
  }
});

t.test('a line at the limit is read, one over it is passed over without being kept', async (t) => {
  const line = message('x'.repeat(5000));
  for (const [max, isRead] of [
    [line.length, true],
    [line.length - 1, false],
  ] as const) {
    for (const size of [1000, 4096, 1e6]) {
      const { records, damage } = readAll(split(around(line), size), undefined, max);
      t.same(
        records.map(([number]) => number),
        isRead ? [1, 2, 3] : [1, 3],
      );
      t.equal(records.at(-1)?.[1], 2 + line.length + message('a').length);
      t.match(damage, isRead ? [] : [[2, /^it is longer than [\d.]+ MiB$/]]);
      t.equal(damage.length, isRead ? 0 : 1);
    }
  }
  const { damage } = readAll([Buffer.from(line)], undefined, 100);
  t.equal(damage.length, 1, 'a last line is only reported once');
  t.match(readAll([Buffer.alloc(129 * 1024 ** 2, 0x20)]).damage, [
    [1, 'it is longer than 128 MiB'],
  ]);
});

t.test('bytes of all records of a chunk are there until the next', async (t) => {
  const reader = new RecordReader((line, reason) => t.fail(`${line}: ${reason}`));
  const text = `${message('long'.repeat(1000))}\n${message('b')}\n`;
  t.same(reader.read(Buffer.from(text.slice(0, 900))), []);
  const records = reader.read(Buffer.from(`${text.slice(900)}${text.slice(0, 900)}`));
  t.equal(records.map(({ bytes }) => `${Buffer.from(bytes).toString()}\n`).join(''), text);
});

t.test('a last line without a newline counts when it is whole', async (t) => {
  const start = `${message('a')}\n`;
  for (const size of [1, 7, 10_000]) {
    const whole = readAll(split(Buffer.from(start + message('b')), size));
    t.same(
      whole.records.map(([line, offset, , data]) => [line, offset, data]),
      [
        [1, 0, 'a'],
        [2, start.length, 'b'],
      ],
    );
    t.same(whole.damage, []);
  }
  t.same(readAll([Buffer.from('{"ev":"unknown"}')]), { records: [], damage: [] });
  t.same(readAll([Buffer.from([0x22, 0xff, 0x22])]).damage, [[1, 'it has no newline at its end']]);
});

t.test('half a line that is taken back is read again', async (t) => {
  const damage: number[] = [];
  const reader = new RecordReader((line) => damage.push(line));
  const text = message('a');
  t.same(reader.read(Buffer.from(text.slice(0, 10))), []);
  t.equal(reader.takeBack(9), 0, 'it is too long for that');
  t.equal(reader.takeBack(10), 10);
  t.equal(reader.takeBack(10), 0);
  t.match(reader.read(Buffer.from(`${text}\n`)), [{ line: 1, offset: 0, record: { data: 'a' } }]);
  t.same(damage, []);
});

t.test('a long line is looked at before it is parsed', async (t) => {
  const nested = `{"ev":"gap","a":${'['.repeat(5000)}`;
  const many = `{"ev":"gap","a":[${'[],'.repeat(30_000)}[]]}`;
  t.strictSame(readAll([around(nested)]).damage, [[2, 'it is nested deeper than a record is']]);
  t.strictSame(readAll([around(many)]).damage, [[2, 'it has more in it than a record has']]);
  t.equal(readAll([around(nested)]).records.length, 2, 'those around it are read');
  t.strictSame(readAll([Buffer.from(nested)]).damage, [[1, 'it has no newline at its end']]);
  const long = message('x"\\'.repeat(100_000));
  t.equal(readAll([around(long)]).records.length, 3);
});

t.test('a last line without a newline hides its secrets too', async (t) => {
  const open = {
    ...{ ev: 'open', s: 'A', t: 1, id: 1, remote: 'unix', local: 'unix', tls: null, mode: 'echo' },
    ...{ url: '/?token=secret', headers: {}, subprotocol: null, extensions: null },
  };
  const [record] = readAll([Buffer.from(JSON.stringify(open))]).records;
  t.match(record?.[2], /token=\[hidden:6\]/);
});

t.test('only a line that has begun takes memory', (t) => {
  const reader = new RecordReader(() => undefined);
  t.equal(reader.heldBytes, 0);
  reader.read(Buffer.from(`${message('a')}\n`));
  t.equal(reader.heldBytes, 0);
  reader.read(Buffer.from('x'.repeat(1000)));
  t.ok(reader.heldBytes >= 1000);
  t.end();
});
