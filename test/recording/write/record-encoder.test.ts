import { Buffer } from 'node:buffer';
import t from 'tap';
import type { DataOpcode } from '../../../src/protocol/frame.js';
import { RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import {
  RecordEncoder,
  lineOf,
  lineStartsOf,
} from '../../../src/recording/write/record-encoder.js';
import { RecordingClock } from '../../../src/recording/write/recording-clock.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';

const FIXED = new RecordingClock({ monotonicMs: () => 0.001, wallMs: () => 1_790_000_000_000 });
const STARTS = lineStartsOf('01JB0000000000000000000000', FIXED.currentOffsetMs());

class Bench {
  readonly buffer = new RecordBuffer();
  readonly encoder: RecordEncoder;

  constructor(maxPayloadBytes = Infinity) {
    this.encoder = new RecordEncoder(this.buffer, FIXED, maxPayloadBytes);
  }

  message(
    opcode: DataOpcode,
    payload: string | Uint8Array,
    { isReceived = true, isFirst = true, isLast = true, wire = 11 } = {},
  ): string {
    const bytes = Buffer.concat([Buffer.from('<'), Buffer.from(payload), Buffer.from('>')]);
    const end = bytes.length - 1;
    this.encoder.message(STARTS, isReceived, opcode, bytes, 1, end, isFirst, isLast, wire);
    return this.take();
  }

  take(): string {
    const batch = this.buffer.take();
    t.equal(batch.records, 1);
    return Buffer.concat(batch.chunks).toString();
  }
}

const START = '{"ev":"msg","s":"01JB0000000000000000000000","t":1790000000.000000';

t.test('messages', async (t) => {
  const bench = new Bench();
  t.equal(
    bench.message(1, 'hello'),
    `${START},"dir":"in","op":1,"len":5,"wire":11,"data":"hello"}\n`,
  );
  t.equal(
    bench.message(2, Buffer.from('000102ff', 'hex'), { isReceived: false, wire: 6 }),
    `${START},"dir":"out","op":2,"len":4,"wire":6,"b64":"AAEC/w=="}\n`,
  );
  t.match(bench.message(1, ''), ',"len":0,"wire":11,"data":""}\n');
  t.match(bench.message(2, ''), ',"len":0,"wire":11,"b64":""}\n');
  t.match(bench.message(1, '"\n\u2028'), '"len":5,"wire":11,"data":"\\"\\n\\u2028"}\n');
});

t.test('text that would be more than twice as long in JSON is base64', async (t) => {
  const bench = new Bench();
  const controls = '\u0001'.repeat(20);
  t.match(
    bench.message(1, `${controls}${'a'.repeat(16)}`),
    '"len":36,"wire":11,"data":"\\u0001',
    'at the limit',
  );
  const past = `${controls}${'a'.repeat(15)}`;
  const b64 = Buffer.from(past).toString('base64');
  t.match(bench.message(1, past), `"op":1,"len":35,"wire":11,"b64":"${b64}"}`, 'one past it');
  for (const [name, character] of [
    ['control characters', '\u0001'],
    ['of two bytes', '\u0085'],
    ['line ends of Unicode', '\u2028'],
    ['quotes', '"'],
    ['plain', 'a'],
  ] as const) {
    const text = character.repeat(100_000);
    const bytes = Buffer.byteLength(text);
    t.ok(
      bench.message(1, text).length < 2 * bytes + 400,
      `${name}: no record is more than twice as large`,
    );
  }
});

t.test('a text that is cut is base64 for the part that is there', async (t) => {
  const text = '\u0001'.repeat(100);
  const b64 = Buffer.from(text.slice(0, 50)).toString('base64');
  t.match(new Bench(50).message(1, text), `"len":100,"wire":11,"cut":true,"b64":"${b64}"}`);
});

t.test('pieces say which they are; text that is cut inside a character is base64', async (t) => {
  const bench = new Bench();
  const part = (payload: string | Uint8Array, isFirst: boolean, isLast: boolean): string =>
    bench.message(1, payload, { isFirst, isLast }).slice(START.length);
  t.equal(
    part('a', true, false),
    ',"dir":"in","op":1,"len":1,"wire":11,"part":"first","data":"a"}\n',
  );
  t.match(part(Buffer.from('e2', 'hex'), false, false), ',"part":"middle","b64":"4g=="}\n');
  t.match(part('', false, true), ',"part":"last","data":""}\n');
});

t.test('a payload over the limit is cut, and no character with it', async (t) => {
  t.match(new Bench(3).message(1, 'abc'), '"len":3,"wire":11,"data":"abc"}');
  t.match(new Bench(3).message(1, 'abcd'), '"len":4,"wire":11,"cut":true,"data":"abc"}');
  t.match(new Bench(3).message(1, 'a€'), '"len":4,"wire":11,"cut":true,"data":"a"}');
  t.match(new Bench(3).message(2, 'abcd'), '"cut":true,"b64":"YWJj"}');
  t.match(new Bench(0).message(1, 'abcd'), '"cut":true,"data":""}');
  t.match(new Bench(0).message(1, ''), '"len":0,"wire":11,"data":""}');
});

t.test('control frames', async (t) => {
  const bench = new Bench();
  const payload = Buffer.from('03e8', 'hex');
  bench.encoder.control(STARTS, false, 8, payload, 0, 2);
  t.equal(
    bench.take(),
    '{"ev":"ctl","s":"01JB0000000000000000000000","t":1790000000.000000,"dir":"out","op":8,"len":2,"b64":"A+g="}\n',
  );
});

t.test('other records have no line end in them either', async (t) => {
  const bench = new Bench();
  const reason = 'a\n\u2028\u2029\u0085\u009b\u007f\ud800"';
  const record = { ev: 'gap', t: 1.5, since: 1, records: 2, error: reason } as const;
  bench.encoder.record(record);
  const line = bench.take();
  t.equal(
    line,
    '{"ev":"gap","t":1.5,"since":1,"records":2,"error":"a\\n\\u2028\\u2029\\u0085\\u009b\\u007f\\ud800\\""}\n',
  );
  t.strictSame(JSON.parse(line), record);
  t.equal(lineOf(record).toString(), line);
});

t.test('a fuzz of payloads: every line is read back as what it was', async (t) => {
  const random = new SeededRandom(20);
  const pieces = [
    '"',
    '\\',
    '\n',
    '\r\n',
    '\u2028',
    '\u0085',
    '\u001b[2J',
    'é',
    '日',
    '\u{1f600}',
    '\0',
    'plain',
    '\\u0000',
    '}\n{',
  ];
  for (let round = 0; round < 2000; round++) {
    const bench = new Bench();
    const isText = random.below(2) === 0;
    let text = '';
    for (let count = random.below(12); count > 0; count--) text += random.pick(pieces);
    const payload = isText ? Buffer.from(text) : Buffer.from(random.bytes(random.below(300)));
    const line = bench.message(isText ? 1 : 2, payload);
    if (
      // Nothing but the last newline is one of Unicode's control characters, or ends a line.
      /[\p{Cc}\u2028\u2029]/u.exec(line)?.index !==
      line.length - 1
    )
      t.fail(`a line end inside a line: ${JSON.stringify(line)}`);
    const { data, b64, len } = JSON.parse(line) as { data?: string; b64?: string; len: number };
    const back = data === undefined ? Buffer.from(b64!, 'base64') : Buffer.from(data);
    const gap = { ev: 'gap', t: 1, since: 1, records: 1 } as const;
    const jsonBytes = lineOf({ ...gap, error: text }).length - lineOf({ ...gap, error: '' }).length;
    const isLong = jsonBytes > 2 * len + 64;
    if (
      !back.equals(payload) ||
      len !== payload.length ||
      (data === undefined) === (isText && !isLong)
    )
      t.fail(`${payload.toString('hex')} became ${line}`);
  }
  t.pass('2000 payloads');
});

t.test('what a mode sends as text and is none is base64', async (t) => {
  const latin1 = Buffer.from('e9', 'hex');
  t.match(new Bench().message(1, latin1, { isReceived: false }), '"b64":"6Q=="}');
  t.match(new Bench().message(1, 'é', { isReceived: false }), '"data":"é"}');
});
