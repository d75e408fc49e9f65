import t from 'tap';
import { parseRecord } from '../../../src/recording/format/parse-record.js';

const FILE = { v: 1, ev: 'file', tool: 'twist/1.0.0', t: 1790000000.000001 };
const OPEN = {
  ev: 'open',
  s: '01JB0000000000000000000000',
  t: 1790000000.1,
  id: 1,
  remote: '127.0.0.1:51234',
  local: '127.0.0.1:9001',
  tls: null,
  url: '/vnc?token=***',
  headers: { host: 'a', via: ['b', 'c'] },
  subprotocol: 'binary',
  extensions: null,
  mode: 'tcp:10.0.0.5:5900',
};
const MESSAGE = { ev: 'msg', s: 'A', t: 2, dir: 'in', op: 1, len: 5, wire: 11, data: 'hello' };
const CONTROL = { ev: 'ctl', s: 'A', t: 2, dir: 'out', op: 9, len: 0, b64: '' };
const FRAME = {
  ev: 'frame',
  s: 'A',
  t: 2,
  dir: 'in',
  fin: true,
  rsv: 4,
  op: 2,
  masked: true,
  len: 5,
  wire: 11,
};
const COUNT = { ev: 'count', s: 'A', t: 3, of: 'ping', dir: 'in', n: 7, len: 8, since: 2 };
const TARGET = { ev: 'target', s: 'A', t: 2, state: 'connected', target: 'localhost:5900' };
const CLOSE = {
  ev: 'close',
  s: 'A',
  t: 2,
  by: 'client',
  code: 1000,
  reason: '',
  in: { msgs: 1, bytes: 5 },
  out: { msgs: 1, bytes: 4 },
  dur: 1.5,
};
const GAP = { ev: 'gap', t: 2, since: 1, records: 7, error: 'ENOSPC' };

const binary = (op: number, rest: object = {}): object => ({
  ...{ ev: 'msg', s: 'A', t: 2, dir: 'in', op, len: 4, wire: 10, b64: 'AAEC/w==' },
  ...rest,
});

t.test('every kind of record', async (t) => {
  for (const record of [
    FILE,
    OPEN,
    { ...OPEN, tls: 'TLSv1.3', subprotocol: null, extensions: 'permessage-deflate', headers: {} },
    MESSAGE,
    { ...MESSAGE, cut: true },
    binary(2),
    binary(2, { part: 'first' }),
    binary(1, { part: 'middle', dir: 'out' }),
    binary(2, { part: 'last' }),
    CONTROL,
    { ...CONTROL, op: 8 },
    { ...CONTROL, op: 10, dir: 'in' },
    FRAME,
    { ...FRAME, fin: false, rsv: 0, masked: false },
    COUNT,
    { ...COUNT, of: 'pong', dir: 'out' },
    { ...COUNT, of: 'frame' },
    TARGET,
    { ...TARGET, state: 'ended' },
    { ...TARGET, state: 'lost', error: 'ECONNRESET' },
    CLOSE,
    { ...CLOSE, by: 'server', rule: 'utf8' },
    { ...CLOSE, by: 'lost' },
    GAP,
    { ...MESSAGE, more: 'keys', that: ['nobody', 'knows'] },
  ]) {
    t.same(parseRecord(JSON.stringify(record)), record);
  }
});

t.test('kinds that are not known', async (t) => {
  t.equal(parseRecord('{"ev":"pause","s":1}'), null);
  t.equal(parseRecord('{"ev":""}'), null);
});

t.test('only a message is long', async (t) => {
  const data = 'x'.repeat(1024 * 1024);
  t.type(parseRecord(JSON.stringify({ ...MESSAGE, data })), 'object');
  const open = (length: number): string => {
    const { length: rest } = JSON.stringify({ ...OPEN, url: '' });
    return JSON.stringify({ ...OPEN, url: 'x'.repeat(length - rest) });
  };
  t.type(parseRecord(open(1024 * 1024)), 'object', 'at the limit');
  t.equal(parseRecord(open(1024 * 1024 + 1)), 'it is longer than a record of its kind');
});

t.test('a control frame is short', async (t) => {
  const b64 = Buffer.alloc(125).toString('base64');
  t.type(parseRecord(JSON.stringify({ ...CONTROL, len: 125, b64 })), 'object');
  t.equal(
    parseRecord(JSON.stringify({ ...CONTROL, len: 127, b64: `${b64}AAAA` })),
    'its payload is longer than that of a control frame',
  );
  t.type(parseRecord(JSON.stringify({ ...CONTROL, len: 2, b64: undefined, data: 'ab' })), 'object');
});

t.test('no record at all', async (t) => {
  for (const text of [
    '',
    '{',
    '{"ev":"msg"',
    '\0\0',
    'x',
    '{"ev":"gap"}{"ev":"gap"}',
    '\ufeff{}',
  ]) {
    t.equal(parseRecord(text), 'it is not JSON');
  }
  for (const text of ['1', '"msg"', 'null', '[]', 'true']) {
    t.equal(parseRecord(text), 'it is not a JSON object');
  }
  for (const text of ['{}', '{"ev":1}', '{"ev":null}', '{"ev":["msg"]}']) {
    t.equal(parseRecord(text), '"ev" is not a text');
  }
});

t.test('each key that is missing or wrong is named', async (t) => {
  const count = 'a whole number';
  const time = 'seconds since 1970';
  const name = 'a text that is not empty';
  for (const [record, key, values, what] of [
    [FILE, 'v', ['1', -1, 1.5], count],
    [FILE, 'tool', [1, null], 'a text'],
    [FILE, 't', ['1', -1, null], time],
    [OPEN, 's', ['', 1, null], name],
    [OPEN, 't', ['', 253402300800], time],
    [OPEN, 'id', [1.5, -1, '1'], count],
    [OPEN, 'remote', [1], 'a text'],
    [OPEN, 'local', [null], 'a text'],
    [OPEN, 'tls', [1, {}], 'a text or null'],
    [OPEN, 'url', [{}], 'a text'],
    [OPEN, 'headers', [null, [], 'a', { a: 1 }, { a: [1] }, { a: null }], 'an object of texts'],
    [OPEN, 'subprotocol', [false], 'a text or null'],
    [OPEN, 'extensions', [0], 'a text or null'],
    [OPEN, 'mode', [0], 'a text'],
    [MESSAGE, 's', ['', 1], name],
    [MESSAGE, 't', [-1, '1'], time],
    [MESSAGE, 'dir', ['IN', 1], 'in or out'],
    [MESSAGE, 'op', [0, 3, 8, '1'], '1 or 2'],
    [MESSAGE, 'wire', [-1], count],
    [MESSAGE, 'len', [0.5, 2 ** 53], count],
    [CONTROL, 's', [null], name],
    [CONTROL, 't', [null], time],
    [CONTROL, 'dir', [null], 'in or out'],
    [CONTROL, 'op', [1, 11], '8 or 9 or 10'],
    [CONTROL, 'len', ['5'], count],
    [FRAME, 's', [[]], name],
    [FRAME, 't', [[]], time],
    [FRAME, 'dir', [[]], 'in or out'],
    [FRAME, 'fin', [1], 'true or false'],
    [FRAME, 'rsv', [8], '0 or 1 or 2 or 3 or 4 or 5 or 6 or 7'],
    [
      FRAME,
      'op',
      [16],
      '0 or 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 10 or 11 or 12 or 13 or 14 or 15',
    ],
    [FRAME, 'masked', ['true'], 'true or false'],
    [FRAME, 'len', [-1], count],
    [FRAME, 'wire', [-1], count],
    [COUNT, 'of', ['text'], 'ping or pong or frame'],
    [COUNT, 'dir', [1], 'in or out'],
    [COUNT, 'n', [-1], count],
    [COUNT, 'len', [0.5], count],
    [COUNT, 'since', [''], time],
    [TARGET, 'state', ['gone'], 'connected or ended or lost'],
    [TARGET, 'target', [1], 'a text'],
    [CLOSE, 'by', ['me'], 'client or server or lost'],
    [CLOSE, 'code', ['1000'], count],
    [CLOSE, 'reason', [null], 'a text'],
    [CLOSE, 'in', [null, { msgs: 1 }, { bytes: 1 }, 1], 'an object with msgs and bytes'],
    [CLOSE, 'out', [[]], 'an object with msgs and bytes'],
    [CLOSE, 'dur', [-1], 'a number of seconds'],
    [GAP, 't', ['now'], time],
    [GAP, 'since', ['now'], time],
    [GAP, 'records', ['many'], count],
    [GAP, 'error', [28], 'a text'],
  ] as const) {
    const fault = `"${key}" is not ${what}`;
    for (const value of [undefined, ...values]) {
      t.equal(
        parseRecord(JSON.stringify({ ...record, [key]: value })),
        fault,
        JSON.stringify([value]),
      );
    }
  }
  for (const [record, key, values, what] of [
    [FILE, 'redacted', [false, 1, null], 'true'],
    [MESSAGE, 'part', ['all', null], 'first or middle or last'],
    [MESSAGE, 'cut', [false, 1], 'true'],
    [MESSAGE, 'data', [1, null], 'a text'],
    [CONTROL, 'cut', [false], 'true'],
    [CONTROL, 'b64', [1], 'a text'],
    [TARGET, 'error', [1], 'a text'],
    [CLOSE, 'rule', [1], 'a text'],
  ] as const) {
    for (const value of values) {
      const text = JSON.stringify({ ...record, [key]: value });
      t.equal(parseRecord(text), `"${key}" is not ${what}`);
    }
  }
  t.equal(parseRecord('{"ev":"gap","t":1e999}'), `"t" is not ${time}`, 'Infinity');
});

t.test('exactly one payload', async (t) => {
  const reason = 'it must have either "data" or "b64"';
  for (const record of [
    { ...MESSAGE, b64: '' },
    { ...MESSAGE, data: undefined },
    { ...CONTROL, data: '' },
    { ...CONTROL, b64: undefined },
  ]) {
    t.equal(parseRecord(JSON.stringify(record)), reason);
  }
});

t.test('the number of a process may be there, and is a number then', async (t) => {
  t.same(parseRecord(JSON.stringify({ ...OPEN, worker: 2 })), { ...OPEN, worker: 2 });
  for (const worker of ['2', -1, 1.5, null])
    t.equal(parseRecord(JSON.stringify({ ...OPEN, worker })), '"worker" is not a whole number');
});
