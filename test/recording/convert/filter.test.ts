import t from 'tap';
import { RecordFilter, type FilterOptions } from '../../../src/recording/convert/filter.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';

const A = '01JBAAAAAAAAAAAAAAAAAAAAAA';
const B = '01JBBBBBBBBBBBBBBBBBBBBBBB';

const ALL: FilterOptions = {
  session: null,
  path: null,
  sinceTime: null,
  untilTime: null,
  maxMessages: null,
  direction: null,
  kinds: null,
  minLength: null,
  maxLength: null,
  payload: null,
};

const FILE: AnyRecord = { ev: 'file', v: 1, tool: 'twist', t: 0 };

function open(s: string, id: number, url = '/', t = 1): AnyRecord {
  const nothing = { tls: null, headers: {}, subprotocol: null, extensions: null, mode: 'echo' };
  return { ev: 'open', s, t, id, remote: 'unix', local: 'unix', url, ...nothing };
}

function message(s: string, dir: 'in' | 'out', data: string, t = 2): AnyRecord {
  return { ev: 'msg', s, t, dir, op: 1, len: data.length, wire: 2, data };
}

function control(s: string, dir: 'in' | 'out', payload: string): AnyRecord {
  const b64 = Buffer.from(payload, 'latin1').toString('base64');
  return { ev: 'ctl', s, t: 2, dir, op: 9, len: payload.length, b64 };
}

function frame(s: string, dir: 'in' | 'out'): AnyRecord {
  return { ev: 'frame', s, t: 2, dir, fin: true, rsv: 0, op: 1, masked: true, len: 1, wire: 7 };
}

function target(s: string): AnyRecord {
  return { ev: 'target', s, t: 2, state: 'connected', target: 'a:1' };
}

function close(s: string, t = 9): AnyRecord {
  const traffic = { msgs: 0, bytes: 0 };
  return {
    ev: 'close',
    s,
    t,
    by: 'client',
    code: 1000,
    reason: '',
    in: traffic,
    out: traffic,
    dur: 1,
  };
}

interface Outcome {
  /** The records that have passed, in short: `A open`. */
  readonly passed: readonly string[];
  readonly filter: RecordFilter;
}

async function run(
  records: readonly AnyRecord[],
  options: Partial<FilterOptions>,
  { maxKnownBytes, isSlow = false }: { maxKnownBytes?: number; isSlow?: boolean } = {},
): Promise<Outcome> {
  const passed: string[] = [];
  const next = {
    convert: (record: AnyRecord, line: Uint8Array) => {
      t.same(JSON.parse(Buffer.from(line).toString()), record, 'the line is that of the record');
      const session = 's' in record ? `${record.s.slice(-1)} ` : '';
      passed.push(`${session}${record.ev}${record.ev === 'msg' ? ` ${record.data!}` : ''}`);
      return isSlow ? Promise.resolve() : undefined;
    },
    finish: () => Promise.resolve(void passed.push('end')),
  };
  const filter = new RecordFilter(next, { ...ALL, ...options }, maxKnownBytes);
  for (const record of records) {
    const line = Buffer.from(JSON.stringify(record));
    const ready = filter.convert(record, line);
    if (isSlow) await ready;
    else t.equal(ready, undefined);
    line.fill(0);
  }
  await filter.finish();
  t.equal(passed.pop(), 'end');
  return { passed, filter };
}

const BOTH = [
  FILE,
  open(A, 1, '/chat?x=1'),
  open(B, 2, '/chatter'),
  message(A, 'in', 'a1'),
  message(B, 'in', 'b1'),
  control(A, 'out', 'ping'),
  close(A),
  close(B),
];

t.test('without a wish everything passes', async (t) => {
  const { passed, filter } = await run(BOTH, {});
  t.same(passed, [
    'file',
    'A open',
    'B open',
    'A msg a1',
    'B msg b1',
    'A ctl',
    'A close',
    'B close',
  ]);
  t.equal(filter.passedRecords, 7);
  t.equal(filter.strayRecords, 0);
});

t.test('sessions, by whatever names them', async (t) => {
  const own = ['file', 'B open', 'B msg b1', 'B close'];
  for (const session of [B, B.toLowerCase(), B.slice(0, 5), 'BBBB', 'bbbbb', '2']) {
    t.same((await run(BOTH, { session })).passed, own, session);
  }
  for (const session of ['BBB', '3', '01JC']) {
    t.same((await run(BOTH, { session })).passed, ['file'], session);
  }
  t.equal((await run(BOTH, { session: '01J' })).passed.length, 8);
});

t.test('sessions whose beginning is missing', async (t) => {
  const records = [message(A, 'in', 'a1'), message(B, 'in', 'b1'), target(B), close(B)];
  for (const [options, passed, stray] of [
    [{}, 4, 0],
    [{ session: B }, 3, 0],
    [{ session: '2' }, 0, 4],
    [{ path: '/' }, 0, 4],
    [{ payload: /b/ }, 3, 0],
    [{ sinceTime: 3 }, 1, 0],
  ] as const) {
    const outcome = await run(records, options);
    t.equal(outcome.passed.length, passed, JSON.stringify(options));
    t.equal(outcome.filter.strayRecords, stray);
    t.equal(outcome.filter.passedRecords, passed);
  }
});

t.test('paths', async (t) => {
  const a = ['file', 'A open', 'A msg a1', 'A ctl', 'A close'];
  t.same((await run(BOTH, { path: '/chat' })).passed, a);
  t.equal((await run(BOTH, { path: '/chat*' })).passed.length, 8);
  t.equal((await run(BOTH, { path: '*' })).passed.length, 8);
  t.same((await run(BOTH, { path: '/cha' })).passed, ['file']);
  const absolute = [open(A, 1, 'http://host/chat?x')];
  t.same((await run(absolute, { path: '/chat' })).passed, ['A open']);
});

t.test('times: the beginning of a session comes with the rest of it', async (t) => {
  const gap = (t: number): AnyRecord => ({ ev: 'gap', t, since: t, records: 1, error: 'EIO' });
  const records = [
    FILE,
    open(A, 1, '/', 1),
    open(B, 2, '/', 1),
    message(A, 'in', 'old', 2),
    gap(2),
    message(A, 'in', 'new', 3),
    gap(3),
    message(A, 'in', 'newer', 4),
    close(B, 2),
    close(A, 5),
    open(B, 3, '/', 6),
    close(B, 7),
  ];
  const expected = [
    'file',
    'A open',
    'A msg new',
    'gap',
    'A msg newer',
    'A close',
    'B open',
    'B close',
  ];
  t.same((await run(records, { sinceTime: 3 })).passed, expected);
  t.same((await run(records, { sinceTime: 3 }, { isSlow: true })).passed, expected);
});

t.test('directions', async (t) => {
  const records = [
    open(A, 1),
    target(A),
    frame(A, 'in'),
    message(A, 'in', '1'),
    frame(A, 'out'),
    message(A, 'out', '2'),
    control(A, 'out', ''),
    close(A),
  ];
  const shared = ['A open', 'A target'];
  t.same((await run(records, { direction: 'in' })).passed, [
    ...shared,
    'A frame',
    'A msg 1',
    'A close',
  ]);
  t.same((await run(records, { direction: 'out' })).passed, [
    ...shared,
    'A frame',
    'A msg 2',
    'A ctl',
    'A close',
  ]);
});

t.test('payloads', async (t) => {
  const records = [
    open(A, 1),
    open(B, 2),
    target(A),
    frame(A, 'in'),
    message(A, 'in', 'hello'),
    message(B, 'in', 'bye'),
    target(A),
    message(A, 'out', 'hello'),
    control(A, 'in', 'hell\xff'),
    close(B),
    close(A),
  ];
  const found = ['A open', 'A msg hello', 'A target', 'A msg hello', 'A ctl', 'A close'];
  for (const payload of [/hell/, /hell/g, /HELL/i]) {
    t.same((await run(records, { payload })).passed, found);
    t.same((await run(records, { payload }, { isSlow: true })).passed, found);
  }
  t.same((await run(records, { payload: /\xff$/ })).passed, ['A open', 'A ctl', 'A close']);
  t.same((await run(records, { payload: /hell/, direction: 'out' })).passed, [
    'A open',
    'A msg hello',
    'A close',
  ]);
  t.same((await run(records, { payload: /nothing/ })).passed, []);
});

t.test(
  'kinds: the beginning and the end of a session come with whatever passes of it',
  async (t) => {
    const gap: AnyRecord = { ev: 'gap', t: 3, since: 3, records: 1, error: 'EIO' };
    const records = [
      open(A, 1),
      target(A),
      frame(A, 'in'),
      message(A, 'in', 'hello'),
      control(A, 'out', 'ping'),
      gap,
      close(A),
      open(B, 2),
      control(B, 'in', ''),
      close(B),
    ];
    const cases = [
      [['text'], 'A open|A msg hello|A close'],
      [['text', 'target'], 'A open|A target|A msg hello|A close'],
      [['ping'], 'A open|A ctl|A close|B open|B ctl|B close'],
      [['frame', 'gap'], 'A open|A frame|gap|A close'],
      [['open'], 'A open|A close|B open|B close'],
      [['end'], 'A open|A close|B open|B close'],
      [['gap'], 'gap'],
      [['pong'], ''],
    ] as const;
    for (const [kinds, passed] of cases)
      t.equal(
        (await run(records, { kinds: new Set(kinds) })).passed.join('|'),
        passed,
        kinds.join(),
      );
    const chosen = { kinds: new Set(['text', 'target', 'end'] as const), payload: /hell/ };
    t.equal((await run(records, chosen)).passed.join('|'), 'A open|A msg hello|A close');
  },
);

t.test('sizes', async (t) => {
  const records = [
    open(A, 1),
    target(A),
    frame(A, 'in'),
    message(A, 'in', 'a'),
    message(A, 'in', 'hello'),
    close(A),
    open(B, 2),
    message(B, 'in', 'hi'),
    close(B),
  ];
  const cases = [
    [{ minLength: 3 }, 'A open|A msg hello|A close'],
    [{ maxLength: 1 }, 'A open|A frame|A msg a|A close'],
    [{ minLength: 2, maxLength: 4 }, 'B open|B msg hi|B close'],
    [{ minLength: 6 }, ''],
  ] as const;
  for (const [options, passed] of cases)
    t.equal((await run(records, options)).passed.join('|'), passed, JSON.stringify(options));
});

t.test('text in base64 is looked at as text; counts have a direction and no payload', async (t) => {
  const text = 'hellö\u0001';
  const b64 = Buffer.from(text).toString('base64');
  const count: AnyRecord = {
    ev: 'count',
    s: A,
    t: 2,
    dir: 'in',
    of: 'ping',
    n: 1,
    len: 1,
    since: 2,
  };
  const records: AnyRecord[] = [
    open(A, 1),
    { ev: 'msg', s: A, t: 2, dir: 'in', op: 1, len: 7, wire: 9, b64 },
    count,
  ];
  t.same((await run(records, { payload: /hellö/ })).passed.length, 2);
  t.same((await run(records, { payload: /hellÃ/ })).passed, []);
  t.same((await run(records, { direction: 'in' })).passed.at(-1), 'A count');
  t.same((await run(records, { direction: 'out' })).passed, ['A open']);
});

t.test('a session that begins twice is forgotten in between', async (t) => {
  const records = [open(A, 1, '/a'), open(A, 2, '/b'), message(A, 'in', 'x'), close(A)];
  t.same((await run(records, { path: '/a' })).passed, ['A open']);
  t.same((await run(records, { path: '/b' })).passed, ['A open', 'A msg x', 'A close']);
});

t.test('what is known of sessions is bounded: the oldest are forgotten', async (t) => {
  const maxKnownBytes = 1000;
  const records = [open(A, 1), open(B, 2), message(A, 'in', 'x'), message(B, 'in', 'x')];
  t.same((await run(records, { payload: /x/ })).passed, ['A open', 'A msg x', 'B open', 'B msg x']);
  t.same((await run(records, { payload: /x/ }, { maxKnownBytes: 700 })).passed, [
    'A msg x',
    'B open',
    'B msg x',
  ]);
  t.same(
    (await run([open(A, 1), message(A, 'in', 'x')], { payload: /x/ }, { maxKnownBytes: 1 })).passed,
    ['A open', 'A msg x'],
    'one is always known',
  );
  const many = Array.from({ length: 100 }, (_, index) => [
    open(`${A}${index}`, 1, '/a'),
    message(`${A}${index}`, 'in', 'x'),
    close(`${A}${index}`),
  ]).flat();
  const { passed, filter } = await run(
    [open(B, 1, '/a'), ...many, message(B, 'in', 'y')],
    { path: '/a' },
    { maxKnownBytes },
  );
  t.equal(passed.length, 302, 'those that are over count no more');
  t.equal(filter.strayRecords, 0);
});

t.test('after so many messages nothing passes', async (t) => {
  const records = [FILE, open(A, 1), message(A, 'in', 'a'), message(A, 'out', 'b'), close(A)];
  const { passed, filter } = await run(records, { maxMessages: 1 });
  t.same(passed, ['file', 'A open', 'A msg a']);
  t.equal(filter.isFull, true);
  t.equal((await run(records, { maxMessages: 3 })).filter.isFull, false);
});

t.test('what waits is written when the next converter says so', async (t) => {
  let flushes = 0;
  const next = {
    convert: () => undefined,
    flush: () => {
      flushes++;
      return Promise.resolve();
    },
    finish: () => Promise.resolve(),
  };
  await new RecordFilter(next, ALL).flush();
  t.equal(flushes, 1);
  await new RecordFilter({ convert: next.convert, finish: next.finish }, ALL).flush();
});

t.test('what is newer does not pass', async (t) => {
  const records = [open(A, 1), message(A, 'in', 'a', 2), message(A, 'in', 'b', 3), close(A)];
  t.same((await run(records, { untilTime: 2 })).passed, ['A open', 'A msg a']);
});

t.test('what the next converter has given up is told', (t) => {
  const next = { convert: () => undefined, finish: () => Promise.resolve() };
  t.equal(new RecordFilter({ ...next, givenUp: 3 }, ALL).givenUp, 3);
  t.equal(new RecordFilter(next, ALL).givenUp, undefined);
  t.end();
});
