import t from 'tap';
import { type TextOptions, textConverter } from '../../../../src/recording/convert/text/text.js';
import { printable } from '../../../../src/printable.js';
import type { AnyRecord } from '../../../../src/recording/format/record.js';

const S = '01JB0000000000000000000042';
const T = 1790000000.000137;

const OPEN: AnyRecord = {
  ev: 'open',
  s: S,
  t: T,
  id: 7,
  remote: '127.0.0.1:51234',
  local: '127.0.0.1:9001',
  tls: null,
  url: '/vnc?token=***',
  headers: {},
  subprotocol: null,
  extensions: null,
  mode: 'echo',
};
const TEXT = { ev: 'msg', s: S, t: T, dir: 'in', op: 1, len: 5, wire: 11, data: 'hello' } as const;
const BINARY = { ev: 'msg', s: S, t: T, dir: 'out', op: 2, len: 2, wire: 4, b64: 'SGk=' } as const;
const CONTROL = { ev: 'ctl', s: S, t: T, dir: 'in', op: 9, len: 2, b64: 'SGk=' } as const;
const CLOSE = {
  ev: 'close',
  s: S,
  t: T,
  by: 'client',
  code: 1000,
  reason: '',
  in: { msgs: 1, bytes: 5 },
  out: { msgs: 2, bytes: 1 },
  dur: 1.5,
} as const;

const PLAIN: TextOptions = {
  hasColor: false,
  maxCharacters: Infinity,
  maxBytes: 32,
  times: 'clock',
};

async function convert(
  records: readonly AnyRecord[],
  options: Partial<TextOptions> = {},
): Promise<string> {
  let written = '';
  const output = {
    write: (piece: string | Uint8Array): undefined => {
      written += Buffer.from(piece).toString();
    },
  };
  const converter = textConverter(output, { ...PLAIN, ...options });
  for (const record of records) converter.convert(record, new Uint8Array(0));
  await converter.finish();
  return written;
}

/** The line of one record, without the date, the time and the session. */
async function lineOf(record: AnyRecord, maxCharacters = Infinity): Promise<string> {
  const [date, line = '', ...rest] = (await convert([record], { maxCharacters })).split('\n');
  t.equal(date, '──── 2026-09-21 UTC');
  t.same(rest, ['']);
  const start = '14:13:20.000137 0042 ';
  t.ok(line.startsWith(start), line);
  return line.slice(start.length);
}

t.test('messages', async (t) => {
  for (const [record, line] of [
    [TEXT, '→ text           5  hello'],
    [{ ...TEXT, dir: 'out', len: 0, data: '' }, '← text           0  '],
    [{ ...TEXT, data: 'a\u001b[1m', len: 1_234_567 }, '→ text     1234567  a\\u001b[1m'],
    [{ ...TEXT, len: 123_456_789 }, '→ text     123456789  hello'],
    [BINARY, '← binary         2  4869  |Hi|'],
    [{ ...BINARY, len: 0, b64: '' }, '← binary         0  '],
    [{ ...BINARY, part: 'first' }, '← binary…        2  4869  |Hi|'],
    [{ ...BINARY, part: 'middle' }, '← …binary…       2  4869  |Hi|'],
    [{ ...TEXT, part: 'last' }, '→ …text          5  hello'],
    [{ ...BINARY, op: 1, len: 3, b64: 'AUhp' }, '← text           3  \\u0001Hi'],
    [{ ...BINARY, op: 1, part: 'first', len: 2, b64: 'SMM=' }, '← text…          2  48c3  |H.|'],
  ] as const) {
    t.equal(await lineOf(record), line);
  }
});

t.test('payloads that are not shown whole', async (t) => {
  for (const [record, line] of [
    [{ ...TEXT, len: 6, data: 'hellö' }, '→ text           6  hell… (+2 bytes)'],
    [{ ...TEXT, len: 4, data: 'hell' }, '→ text           4  hell'],
    [
      { ...TEXT, len: 9, data: 'hel', cut: true },
      '→ text           9  hel… (+6 bytes, not all recorded)',
    ],
    [{ ...TEXT, len: 3, data: 'hel', cut: true }, '→ text           3  hel'],
    [
      { ...BINARY, len: 3, cut: true },
      '← binary         3  4869  |Hi|… (+1 byte, not all recorded)',
    ],
    [
      { ...BINARY, len: 33, b64: Buffer.alloc(33).toString('base64') },
      `← binary        33  ${Array(8).fill('00000000').join(' ')}  |${'.'.repeat(32)}|… (+1 byte)`,
    ],
  ] as const) {
    t.equal(await lineOf(record, 4), line);
  }
});

t.test('control frames', async (t) => {
  const b64 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('base64');
  for (const [record, line] of [
    [CONTROL, '→ ping           2  4869  |Hi|'],
    [{ ...CONTROL, op: 10, dir: 'out', len: 0, b64: '' }, '← pong           0  '],
    [{ ...CONTROL, op: 8, len: 0, b64: '' }, '→ close          0  no code'],
    [{ ...CONTROL, op: 8, b64: b64('\x03\xe8') }, '→ close          2  1000'],
    [{ ...CONTROL, op: 8, len: 6, b64: b64('\x03\xe9bye\n') }, '→ close          6  1001 bye\\n'],
  ] as const) {
    t.equal(await lineOf(record), line);
  }
});

t.test('frames', async (t) => {
  const base = { ev: 'frame', s: S, t: T, len: 5, wire: 11 } as const;
  const frame = { ...base, dir: 'in', fin: true, rsv: 0, op: 1, masked: true } as const;
  for (const [record, line] of [
    [frame, '→ frame          5  text fin masked 11 on the wire'],
    [
      { ...frame, dir: 'out', fin: false, masked: false, op: 0, rsv: 7 },
      '← frame          5  more rsv1 rsv2 rsv3 11 on the wire',
    ],
    [{ ...frame, op: 3, rsv: 1 }, '→ frame          5  opcode 3 fin rsv3 masked 11 on the wire'],
  ] as const) {
    t.equal(await lineOf(record), line);
  }
});

t.test('what was only counted', async (t) => {
  const count = { ev: 'count', s: S, t: T, dir: 'in', of: 'ping', n: 2, len: 1, since: T } as const;
  for (const [record, line] of [
    [count, '• count    2 more pings from the client since 14:13:20.000137, 1 byte'],
    [
      { ...count, dir: 'out', of: 'frame', n: 1, len: 0 },
      '• count    1 more frame to the client since 14:13:20.000137, 0 bytes',
    ],
  ] as const) {
    t.equal(await lineOf(record), line);
  }
});

t.test('the life of a session', async (t) => {
  const target = { ev: 'target', s: S, t: T, state: 'connected', target: 'a:5900' } as const;
  const traffic = '→ 1 message 5 bytes  ← 2 messages 1 byte  1.500 s';
  for (const [record, line] of [
    [OPEN, `• open     127.0.0.1:51234  /vnc?token=***  echo  #7 ${S}`],
    [
      {
        ...OPEN,
        subprotocol: 'binary',
        extensions: 'permessage-deflate',
        tls: 'TLSv1.3',
        url: '/\n',
      },
      `• open     127.0.0.1:51234  /\\n  echo  subprotocol binary  permessage-deflate  TLSv1.3  #7 ${S}`,
    ],
    [target, '• target   connected a:5900'],
    [{ ...target, state: 'lost', error: 'ECONNRESET' }, '• target   lost a:5900 (ECONNRESET)'],
    [CLOSE, `• over     by client 1000  ${traffic}`],
    [
      { ...CLOSE, by: 'server', code: 1007, reason: 'no\u0007', rule: 'text-not-utf8' },
      `• over     by server 1007 no\\u0007 rule text-not-utf8  ${traffic}`,
    ],
    [{ ...CLOSE, by: 'lost', code: 1006 }, `• over     lost 1006  ${traffic}`],
  ] as const) {
    t.equal(await lineOf(record), line);
  }
});

t.test('what belongs to no session, and days', async (t) => {
  const records = [
    { ev: 'file', v: 1, tool: 'twist/1.0.0\u001b', t: T },
    { ev: 'gap', t: T + 86_400, since: T, records: 1, error: 'ENOSPC' },
    { ev: 'gap', t: T + 86_400, since: T, records: 2, error: 'EIO' },
    { ...TEXT, s: '7', t: T + 86_401 },
  ] as const;
  t.equal(
    await convert(records),
    [
      '──── 2026-09-21 UTC',
      '14:13:20.000137 ──── recorded by twist/1.0.0\\u001b',
      '──── 2026-09-22 UTC',
      '14:13:20.000137 ──── 1 record missing since 14:13:20.000137 (ENOSPC)',
      '14:13:20.000137 ──── 2 records missing since 14:13:20.000137 (EIO)',
      '14:13:21.000137    7 → text           5  hello',
      '',
    ].join('\n'),
  );
});

t.test('in colour it is the same text', async (t) => {
  const records = [
    OPEN,
    TEXT,
    { ...TEXT, s: '01JB0000000000000000000043' },
    { ...CLOSE, by: 'lost', code: 1006 },
    { ev: 'gap', t: T, since: T, records: 1, error: 'ENOSPC' },
  ] as const;
  const styled = await convert(records, { hasColor: true });
  t.equal(styled.replace(/\u001b\[\d+m/g, ''), await convert(records)); // eslint-disable-line no-control-regex
  const colors = [...styled.matchAll(/\u001b\[(\d+)m004[23]\u001b\[0m/g)].map(([, color]) => color); // eslint-disable-line no-control-regex
  t.equal(colors.length, 4);
  t.equal(new Set(colors).size, 2, 'each session has its own');
  t.match(styled, '\u001b[31mlost 1006\u001b[0m');
});

t.test('waits for an output that is full', async (t) => {
  const ready = Promise.resolve();
  const converter = textConverter({ write: () => ready }, { ...PLAIN, maxCharacters: 1 });
  t.equal(converter.convert(TEXT, new Uint8Array(0)), ready);
});

t.test('times since the first record, and since the message before', async (t) => {
  const at = (record: AnyRecord, seconds: number): AnyRecord => ({ ...record, t: T + seconds });
  const records = [
    at(OPEN, 0),
    at(TEXT, 1),
    at(CONTROL, 1.25),
    at(TEXT, 1.5),
    at(TEXT, 100.000001),
    at(TEXT, 99),
  ];
  const times = async (which: TextOptions['times']): Promise<string[]> => {
    const lines = (await convert(records, { times: which })).split('\n').slice(1, -1);
    return lines.map((line) => line.slice(0, 15).trim());
  };
  t.same(await times('relative'), [
    '0.000000',
    '1.000000',
    '1.250000',
    '1.500000',
    '100.000001',
    '99.000000',
  ]);
  t.same(await times('delta'), [
    '0.000000',
    '1.000000',
    '0.250000',
    '0.500000',
    '98.500001',
    '-1.000001',
  ]);
});

t.test('binary payloads, whole when asked for', async (t) => {
  const record: AnyRecord = { ...BINARY, len: 40, b64: Buffer.alloc(40, 'a').toString('base64') };
  t.match(await convert([record]), '(+8 bytes)');
  const whole = await convert([record], { maxBytes: Infinity });
  t.match(whole, `|${'a'.repeat(40)}|`);
  t.notMatch(whole, '(+');
});

t.test('a large payload is written in pieces, and what is not a payload is cut', async (t) => {
  const text = `${'\u0001é😀'.repeat(20_000)}!`;
  const b64 = Buffer.from(text).toString('base64');
  const len = Buffer.byteLength(text);
  const shown = '\\u0001é😀'.repeat(20_000);
  const hex = Buffer.from(text)
    .toString('hex')
    .match(/.{1,8}/g)!
    .join(' ');
  const bytes = Buffer.from(text)
    .toString('latin1')
    .replace(/[^ -~]/g, '.');
  const rest = '… (+1 byte, not all recorded)';
  for (const [record, options, end] of [
    [{ ...TEXT, len, data: text }, {}, `${shown}!`],
    [{ ...TEXT, len, data: undefined, b64 }, {}, `${shown}!`],
    [{ ...TEXT, len: len + 1, data: text, cut: true }, {}, `${shown}!${rest}`],
    [{ ...TEXT, len, data: text }, { maxCharacters: 79_999 }, `${shown.slice(0, -2)}… (+5 bytes)`],
    [{ ...BINARY, len, b64 }, { maxBytes: Infinity }, `${hex}  |${bytes}|`],
    [{ ...BINARY, len, b64 }, { maxBytes: 10_000 }, `|… (+${len - 10_000} bytes)`],
    [{ ...OPEN, url: text }, {}, `${printable(text.slice(0, 16_384))}…  echo  #7 ${S}`],
  ] as [AnyRecord, Partial<TextOptions>, string][]) {
    const pieces: string[] = [];
    const output = {
      write: (piece: string | Uint8Array): undefined => {
        pieces.push(Buffer.from(piece).toString());
      },
    };
    await textConverter(output, { ...PLAIN, ...options }).convert(record, new Uint8Array(0));
    const all = pieces.join('');
    t.ok(all.endsWith(`${end}\n`), all.slice(-100));
    t.ok(all.startsWith('──── 2026-09-21 UTC\n14:13:20.000137 0042 '));
    t.ok(pieces.every(({ length }) => length < 128 * 1024));
  }
});
