import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { FileStore } from '../../../src/inspect/store/file-store.js';
import { JsonBudget } from '../../../src/inspect/views/preview.js';
import { Rows } from '../../../src/inspect/views/rows.js';
import type { Row } from '../../../src/inspect/page-protocol.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { liveStore, smallMessage } from '../../fixtures/inspected.js';
import { RecordedLines, closePayload, recordingText } from '../../fixtures/recorded-lines.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const A = new RecordedLines('A');

const KEYS = ['ev', 's', 't', 'dir', 'op', 'len', 'wire', 'part', 'cut', 'data', 'b64'];

/** Order and time as our writer has them, so that the line is scanned, and as others may have them. */
const STYLES: readonly (readonly [what: string, line: (record: AnyRecord) => string])[] = [
  ['scanned', (record) => JSON.stringify(record, KEYS).replace(/"t":(\d+),/, '"t":$1.000000,')],
  ['parsed', (record) => JSON.stringify(record).replace('{', '{ ')],
];

function rowOf(record: AnyRecord, style: (record: AnyRecord) => string): Row {
  return new Rows(liveStore([style(record)])).row(0);
}

t.test('rows of messages and control frames, however their lines are written', async (t) => {
  const long = 'x'.repeat(300);
  const bytes = Buffer.from(Array.from({ length: 100 }, (_, at) => at));
  const base64 = (text: string | Buffer): { b64: string } => ({
    b64: Buffer.from(text as string).toString('base64'),
  });
  const cases: readonly (readonly [record: AnyRecord, expected: Partial<Row>])[] = [
    [
      A.in('hello'),
      { kind: 'text', dir: 'in', op: 1, len: 5, wire: 7, preview: 'hello', t: 1000, s: 'A', n: 0 },
    ],
    [A.out('a\n\u202e"é\u{1f600}'), { dir: 'out', preview: 'a\\n\\u202e"é\u{1f600}' }],
    [A.in(long), { preview: 'x'.repeat(256), isLonger: true }],
    [
      A.in(`${'\u0001'.repeat(20)}${long}`),
      { preview: `${'\\u0001'.repeat(20)}${'x'.repeat(236)}`, isLonger: true },
    ],
    [A.in('é'.repeat(300)), { preview: 'é'.repeat(256), isLonger: true }],
    [A.in('\u{1f600}'.repeat(200)), { preview: '\u{1f600}'.repeat(128), isLonger: true }],
    [A.in('x'.repeat(256)), { preview: 'x'.repeat(256) }],
    [A.in('{"a":[1]}'), { isJson: true }],
    [A.in(' [1,"\\n"]\n'), { isJson: true }],
    [A.in('{"a":}'), {}],
    [A.in('"text"'), {}],
    [A.in('[1]', { part: 'first' }), { part: 'first' }],
    [A.in('[1', { cut: true, len: 9 }), { isCut: true, len: 9 }],
    [A.in('[1]', { cut: true, len: 9 }), { isCut: true, len: 9 }],
    [
      A.message({ op: 2, ...base64(bytes) }),
      {
        kind: 'binary',
        op: 2,
        isLonger: true,
        preview: bytes.subarray(0, 64).toString('hex').match(/../g)!.join(' '),
      },
    ],
    [A.message({ op: 2, ...base64('abc') }), { preview: '61 62 63' }],
    [
      A.message({ op: 1, ...base64('\u0001\u0002é') }),
      { kind: 'text', preview: '\\u0001\\u0002é' },
    ],
    [A.message({ op: 1, ...base64(Buffer.from([0xff])) }), { preview: 'ff' }],
    [
      A.message({ op: 1, ...base64('é'.repeat(2000)) }),
      { preview: 'é'.repeat(256), isLonger: true },
    ],
    [
      A.message({ op: 1, ...base64(`x${'é'.repeat(2000)}`) }),
      { preview: `x${'é'.repeat(255)}`, isLonger: true },
    ],
    [
      A.message({ op: 1, ...base64('z'.repeat(2000)) }),
      { preview: 'z'.repeat(256), isLonger: true },
    ],
    [A.control('in', 9, Buffer.from('hi')), { kind: 'ping', op: 9, preview: 'hi' }],
    [A.control('out', 10, Buffer.from([1, 255])), { kind: 'pong', preview: '01 ff' }],
    [A.control('in', 8, closePayload(1000, 'bye')), { kind: 'close', preview: '1000 bye' }],
    [A.control('in', 8), { preview: 'no code' }],
    [
      { ...A.control('in', 9), b64: undefined, data: 'é' } as never,
      { preview: /^c3 a9|é$/ as never },
    ],
  ];
  for (const [what, style] of STYLES) {
    for (const [record, expected] of cases) {
      const row = rowOf(record, style);
      t.match(row, expected, `${what}: ${JSON.stringify(record).slice(0, 80)}`);
      for (const key of ['isLonger', 'isJson', 'isCut', 'part'] as const)
        t.equal(row[key], expected[key], `${what}: ${key}`);
    }
  }
});

t.test('rows of other records', async (t) => {
  const at = { s: 'A', t: 5 };
  const cases: readonly (readonly [record: AnyRecord, kind: Row['kind'], preview: string])[] = [
    [A.open(), 'open', '/ from 127.0.0.1:51234: echo'],
    [A.open({ subprotocol: 'chat\u0007' }), 'open', '/ from 127.0.0.1:51234: echo, chat\\u0007'],
    [A.close(), 'end', 'closed by the client, 1000, after 0.000 ms'],
    [A.close('lost', { code: 1006, dur: 2 }), 'end', 'connection lost, 1006, after 2.000 s'],
    [
      A.close('server', { code: 1002, reason: 'no', rule: 'frame-unmasked' }),
      'end',
      'closed by the server, 1002 no, rule frame-unmasked, after 0.000 ms',
    ],
    [
      { ev: 'frame', ...at, dir: 'in', fin: true, rsv: 5, op: 1, masked: true, len: 1, wire: 7 },
      'frame',
      'text, fin, rsv1, rsv3, masked, 7 on the wire',
    ],
    [
      { ev: 'frame', ...at, dir: 'out', fin: false, rsv: 2, op: 5, masked: false, len: 1, wire: 3 },
      'frame',
      'opcode 5, rsv2, 3 on the wire',
    ],
    [
      { ev: 'count', ...at, of: 'ping', dir: 'in', n: 1, len: 0, since: 1 },
      'count',
      '1 more ping from the client, 0 bytes',
    ],
    [
      { ev: 'count', ...at, of: 'pong', dir: 'out', n: 2, len: 1, since: 1 },
      'count',
      '2 more pongs to the client, 1 byte',
    ],
    [{ ev: 'target', ...at, state: 'connected', target: 'a:1' }, 'target', 'a:1 connected'],
    [
      { ev: 'target', ...at, state: 'lost', target: 'a:1', error: 'ECONNRESET' },
      'target',
      'a:1 lost: ECONNRESET',
    ],
    [{ ev: 'gap', t: 5, since: 1, records: 1, error: 'ENOSPC' }, 'gap', '1 record missing: ENOSPC'],
    [
      { ev: 'gap', t: 5, since: 1, records: 2, error: 'inspector-behind' },
      'gap',
      '2 records missing: the inspector was too slow',
    ],
    [{ ev: 'gap', t: 5, since: 1, records: 0, error: 'worker-died' }, 'gap', 'a worker has died'],
    [{ ev: 'gap', t: 5, since: 1, records: 0, error: 'other' }, 'gap', 'other'],
    [
      { ev: 'target', ...at, state: 'ended', target: 'y'.repeat(400) },
      'target',
      `${'y'.repeat(256)}…`,
    ],
  ];
  for (const [record, kind, preview] of cases) {
    const row = rowOf(record, STYLES[1]![1]);
    t.match(row, { kind, preview, s: record.ev === 'gap' ? '' : 'A' });
    t.equal(row.op, record.ev === 'frame' ? record.op : undefined);
    t.equal(row.wire, record.ev === 'frame' ? record.wire : undefined);
  }
});

t.test('time between, ordinals and pairs', async (t) => {
  const store = liveStore([
    A.open({ t: 1 }),
    A.in('a', { t: 1.5 }),
    A.control('in', 9, undefined, 1.6),
    A.out('b', { t: 1.7000001 }),
  ]);
  const rows = new Rows(store);
  t.match(rows.row(1), { ordinal: 1, pair: { n: 3, seconds: 0.2 } });
  t.notOk('gap' in rows.row(1), 'nothing is before it');
  t.match(rows.row(2), { gap: 0.1 });
  t.notOk('ordinal' in rows.row(2));
  t.match(rows.row(3), { gap: 0.1, ordinal: 1, pair: { n: 1, seconds: 0.2 } });
});

t.test('long JSON is believed by its beginning and its end', async (t) => {
  const [, style] = STYLES[0]!;
  const json = JSON.stringify(Array.from({ length: 30_000 }, (_, at) => at));
  t.equal(rowOf(A.in(json), style).isJson, true);
  t.equal(rowOf(A.in(json.slice(0, -1)), style).isJson, undefined);
  const rows = new Rows(
    liveStore(Array.from({ length: 30 }, () => style(A.in(json.slice(0, 60_000))))),
  );
  const budget = new JsonBudget();
  budget.left = 100_000;
  const all = Array.from({ length: 3 }, (_, n) => rows.row(n, budget).isJson);
  t.strictSame(all, [undefined, undefined, undefined]);
  t.ok(budget.left < 60_000, 'what is parsed has a bound');
});

t.test('records whole, and large ones in part', async (t) => {
  const size = 3 * 1024 * 1024;
  const b64 = Buffer.alloc(size).toString('base64');
  const records = [A.open(), A.in('é'), A.in('y'.repeat(size)), A.message({ op: 2, b64 })];
  const rows = new Rows(liveStore(records, { memoryBytes: 64 * 1024 ** 2 }));
  t.strictSame(rows.record(0), { record: records[0], isShortened: false });
  t.strictSame(rows.record(1), { record: records[1], isShortened: false });
  const text = rows.record(2);
  t.ok(text.isShortened);
  t.equal((text.record['data'] as string).length, 1024 ** 2);
  const binary = rows.record(3);
  t.ok(binary.isShortened);
  t.equal(Buffer.from(binary.record['b64'] as string, 'base64').length, 1024 ** 2 - 1);
});

const GAP: AnyRecord = { ev: 'gap', t: 6, since: 3, records: 1, error: 'ENOSPC' };

t.test('a file that has changed since', async (t) => {
  const file = path.join(makeTempDir(t), 'changed.ndjson');
  const message = smallMessage('A', 'in', 1, 'a'.repeat(40)).replace('aaaa"', 'a\\n"');
  const lines = [message, recordingText([A.open(), A.in('x'), GAP])].join('');
  writeFileSync(file, lines);
  const store = new FileStore(file);
  t.teardown(() => {
    store.close();
  });
  while (!store.work(() => false));
  // As long as it was, and no record any more.
  const [first, ...others] = lines.replace('a\\n"', 'a\\q"').split('\n');
  writeFileSync(file, [first, ...others.map((line) => 'x'.repeat(line.length))].join('\n'));
  const rows = new Rows(store);
  t.match(rows.row(0).preview, /^a+\\\\?q/);
  for (const n of [1, 2]) {
    t.match(rows.row(n), { s: 'A', preview: /the file has changed/ });
    t.strictSame(rows.record(n), { record: {}, isShortened: false });
  }
  t.match(rows.row(3), { s: '', kind: 'gap', preview: /the file has changed/ });
});

t.test(
  'no answer parses more texts than its budget allows, whoever has written them',
  async (t) => {
    const bomb = '['.repeat(30_000) + ']'.repeat(30_000);
    const { parse } = JSON;
    t.teardown(() => {
      JSON.parse = parse;
    });
    for (const [what, style] of STYLES) {
      const line = style(A.in(bomb));
      const counts = [10, 20, 40, 80].map((count) => {
        const rows = new Rows(liveStore(Array.from({ length: count }, () => line)));
        const budget = new JsonBudget();
        let characters = 0;
        JSON.parse = (text: string, ...rest: []): unknown => {
          // Whole lines have a bound of their own: what they may have in them.
          if (text.startsWith('[')) characters += text.length;
          return parse(text, ...rest) as unknown;
        };
        const shown = Array.from({ length: count }, (_, n) => rows.row(n, budget).isJson);
        JSON.parse = parse;
        t.ok(
          shown.every((isJson) => isJson === true),
          `${what}: the rest by beginning and end`,
        );
        return characters;
      });
      t.strictSame(counts, [600_000, 1_020_000, 1_020_000, 1_020_000], what);
      // One that is long by itself is not parsed at all.
      const long = rowOf(A.in(`[${'['.repeat(100_000)}]`), style);
      t.equal(long.isJson, true, `${what}: believed`);
      t.equal(rowOf(A.in('['.repeat(100_000)), style).isJson, undefined);
    }
  },
);
