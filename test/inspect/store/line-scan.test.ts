import { Buffer, isUtf8 } from 'node:buffer';
import t, { type Test } from 'tap';
import { LineScan, Part, Way, parseLine } from '../../../src/inspect/store/line-scan.js';
import { RECORD_KINDS } from '../../../src/recording/convert/conditions.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import { RecordEncoder, lineStartsOf } from '../../../src/recording/write/record-encoder.js';
import { RecordingClock } from '../../../src/recording/write/recording-clock.js';
import { RecordedLines } from '../../fixtures/recorded-lines.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';

const lines = new RecordedLines('01K5N0T1ME0000000000000001');

/** What an index keeps. */
const factsOf = (scan: LineScan) => {
  const { kind, way, time, length, wire, part, isCut } = scan;
  return { kind, way, time, length, wire, part, isCut };
};

const parsedFacts = (record: AnyRecord) => {
  const scan = new LineScan();
  scan.take(record as Exclude<AnyRecord, { ev: 'file' }>);
  return { ...factsOf(scan), name: scan.name };
};

const textOf = (line: Buffer, { payloadStart, payloadEnd }: LineScan): string =>
  line.toString('utf8', payloadStart, payloadEnd);

/** Scans a line; where that is enough, a parser must say the same. @returns whether it was enough */
function scanAsParsed(t: Test, line: Buffer, isChecked = true): boolean {
  const scan = new LineScan();
  if (!scan.scan(line, 0, line.length, isChecked)) return false;
  if (!isUtf8(line)) return true;
  const record = parseLine(line);
  if (record === null || typeof record === 'string' || record.ev === 'gap' || !('s' in record)) {
    t.fail(`parsed as ${JSON.stringify(record)}: ${line.toString()}`);
    return true;
  }
  const name = line.toString('latin1', scan.nameStart, scan.nameEnd);
  t.strictSame({ ...factsOf(scan), name }, parsedFacts(record), line.toString());
  if (record.ev === 'msg' || record.ev === 'ctl') {
    const text: unknown = JSON.parse(`"${textOf(line, scan)}"`);
    t.equal(text, scan.isBase64 ? record.b64 : record.data);
  }
  return true;
}

/** Lines as our writer makes them. */
function written(maxPayloadBytes = 1000): Buffer[] {
  const buffer = new RecordBuffer();
  const encoder = new RecordEncoder(buffer, new RecordingClock(), maxPayloadBytes);
  const start = lineStartsOf('01K5N0T1ME0000000000000001', 0);
  const payloads = ['', 'hello', 'a"b\\c\n', '\u20ac\u{1f600}', '{"a":[1,2]}', '\u0001'.repeat(80)];
  for (const payload of [...payloads.map((one) => Buffer.from(one)), Buffer.from([0xff, 0, 1])]) {
    for (const opcode of [1, 2] as const) {
      for (const [isFirst, isLast] of [
        [true, true],
        [true, false],
        [false, false],
        [false, true],
      ] as const) {
        const isText = opcode === 2 || isUtf8(payload) || !isFirst;
        if (isText)
          encoder.message(start, isFirst, opcode, payload, 0, payload.length, isFirst, isLast, 7);
      }
    }
  }
  for (const opcode of [8, 9, 10])
    encoder.control(start, opcode === 9, opcode, Buffer.from('\u0003\u00e8bye'), 0, 5);
  const { chunks } = buffer.take();
  const text = Buffer.concat(chunks).toString();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Buffer.from(line));
}

t.test('lines of our writer are scanned', async (t) => {
  const all = [...written(), ...written(3)];
  t.ok(all.length > 80);
  for (const line of all) {
    t.ok(scanAsParsed(t, line), line.toString());
    t.ok(scanAsParsed(t, line, false), 'without a look at the payload');
  }
});

t.test('what others write is left to the parser', async (t) => {
  const message = JSON.stringify(lines.in('hello'));
  const written = message.replace('"t":1000,', '"t":1790000000.000001,');
  t.ok(scanAsParsed(t, Buffer.from(written)));
  const changes: readonly (readonly [from: string, to: string])[] = [
    ['{"ev"', '{ "ev"'],
    ['{"ev":"msg"', '{"ev":"gap"'],
    ['"s":"01K5N0T1ME0000000000000001"', '"s":""'],
    ['"s":"01K5N0T1ME0000000000000001"', `"s":"${'A'.repeat(65)}"`],
    ['"s":"01K5N0T1ME0000000000000001"', String.raw`"s":"\u0041"`],
    ['1790000000.000001', '1000'],
    ['1790000000.000001', '1790000000.00001'],
    ['1790000000.000001', '01790000000.000001'],
    ['1790000000.000001', '17900000000000.000001'],
    ['1790000000.000001', '.000001'],
    ['"dir":"in"', '"dir":"up"'],
    ['"op":1', '"op":3'],
    ['"op":1', '"op":x'],
    ['"len":5', '"len":05'],
    ['"len":5', '"length":5'],
    ['"len":5', '"len":-5'],
    ['"wire":7', '"wire":1e3'],
    ['"wire":7', '"wired":7'],
    ['"data":"hello"', '"datum":"hello"'],
    ['"data":"hello"', '"data":5'],
    ['"data":"hello"', '"data":"hello","x":1'],
    ['"data":"hello"', String.raw`"data":"hello\"`],
    ['"data":"hello"', String.raw`"data":"hel\qlo"`],
    ['"data":"hello"', String.raw`"data":"hel\u12x4lo"`],
    ['"data":"hello"', '"data":"hel"lo"'],
    ['"data":"hello"', '"data":"hel\tlo"'],
    ['"data":"hello"}', '"data":"'],
    ['"data":"hello"', '"data":"'],
  ];
  for (const [from, to] of changes) {
    const line = Buffer.from(written.replace(from, to));
    t.not(line.toString(), written, `${from} is there`);
    const scan = new LineScan();
    t.notOk(scan.scan(line, 0, line.length, true), to);
  }
  t.notOk(scanAsParsed(t, Buffer.from(JSON.stringify(lines.control('in', 9, Buffer.alloc(200))))));
  const long = JSON.stringify({ ...lines.control('in', 9, Buffer.alloc(200)), t: 5 });
  const control = long.replace('"t":5', '"t":5.000000');
  t.notOk(scanAsParsed(t, Buffer.from(control)), 'no control frame is so long');
});

t.test('scanned in the middle of other lines', async (t) => {
  const [first] = written();
  const all = Buffer.concat([Buffer.from('xx'), first!, Buffer.from('\n{"ev":"msg"')]);
  const scan = new LineScan();
  t.ok(scan.scan(all, 2, 2 + first!.length, true));
  t.equal(all.toString('latin1', scan.nameStart, scan.nameEnd), '01K5N0T1ME0000000000000001');
});

t.test('mutated lines: if it is enough to scan, a parser says the same', async (t) => {
  const random = new SeededRandom(16);
  const all = written();
  const pieces = ['"', '\\', '\\u', '}', ',', '0', '9', '.', '\t', 'é', '"part":"first"', ':', '{'];
  let scanned = 0;
  for (let round = 0; round < 30_000; round++) {
    let text = random.pick(all).toString('latin1');
    for (let change = random.between(1, 2); change > 0; change--) {
      const at = random.below(text.length);
      const end = random.pick([at, at + 1, at + random.below(6)]);
      text = `${text.slice(0, at)}${random.pick(pieces)}${text.slice(end)}`;
    }
    if (scanAsParsed(t, Buffer.from(text, 'latin1'))) scanned++;
  }
  t.ok(scanned > 1000, `${scanned} were scanned`);
});

t.test('records that were parsed', async (t) => {
  const records: readonly [record: Exclude<AnyRecord, { ev: 'file' }>, expected: object][] = [
    [lines.open(), { kind: 'open', way: Way.None, length: 0 }],
    [lines.close(), { kind: 'end', way: Way.None }],
    [lines.in('a', { op: 2 }), { kind: 'binary', way: Way.In, length: 1 }],
    [
      lines.out('abc', { part: 'middle', cut: true }),
      { kind: 'text', way: Way.Out, part: Part.Middle, isCut: true },
    ],
    [lines.in('', { part: 'first' }), { part: Part.First, isCut: false }],
    [lines.in('', { part: 'last' }), { part: Part.Last, wire: 2 }],
    [lines.control('out', 8), { kind: 'close' }],
    [lines.control('out', 9), { kind: 'ping' }],
    [lines.control('in', 10), { kind: 'pong', way: Way.In }],
    [
      {
        ev: 'frame',
        s: 'A',
        t: 1,
        dir: 'in',
        fin: true,
        rsv: 0,
        op: 1,
        masked: true,
        len: 1,
        wire: 7,
      },
      { kind: 'frame', length: 1, wire: 7, name: 'A' },
    ],
    [
      { ev: 'count', s: 'A', t: 1, of: 'ping', dir: 'in', n: 3, len: 9, since: 0 },
      { kind: 'count', length: 9, wire: 0 },
    ],
    [{ ev: 'target', s: 'A', t: 1, state: 'lost', target: 'x' }, { kind: 'target' }],
    [
      { ev: 'gap', t: 1, since: 0, records: 1, error: 'ENOSPC' },
      { kind: 'gap', name: '' },
    ],
  ];
  for (const [record, expected] of records) {
    const facts = parsedFacts(record);
    t.match({ ...facts, kind: RECORD_KINDS[facts.kind] }, expected, record.ev);
  }
});

t.test('any line is parsed, or it is said what is wrong', async (t) => {
  const cases: readonly [line: Buffer, expected: unknown][] = [
    [Buffer.from([0x22, 0xff]), 'it is not UTF-8'],
    [Buffer.from('['.repeat(5000)), 'it is nested deeper than a record is'],
    [Buffer.from('{"ev":"new"}'), null],
    [Buffer.from('{'), 'it is not JSON'],
    [Buffer.from(JSON.stringify(lines.in('é'))), lines.in('é')],
  ];
  for (const [line, expected] of cases) t.strictSame(parseLine(line), expected);
});
