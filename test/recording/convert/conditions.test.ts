import t from 'tap';
import {
  type ConditionOptions,
  Conditions,
  RECORD_KINDS,
  type RecordKind,
  type ShownRecord,
  factsOf,
  kindOf,
  literalExpression,
} from '../../../src/recording/convert/conditions.js';

const S = '01JBAAAAAAAAAAAAAAAAAAAAAA';

const NONE: ConditionOptions = {
  direction: null,
  kinds: null,
  minLength: null,
  maxLength: null,
  sinceTime: null,
  untilTime: null,
  payload: null,
};

const traffic = { msgs: 0, bytes: 0 };

/** One of each kind, each a second after the one before it. */
const RECORDS: Readonly<Record<RecordKind, ShownRecord>> = {
  open: {
    ...{ ev: 'open', s: S, t: 1, id: 1, remote: 'unix', local: 'unix', url: '/', headers: {} },
    ...{ tls: null, subprotocol: null, extensions: null, mode: 'echo' },
  },
  target: { ev: 'target', s: S, t: 2, state: 'connected', target: 'a:1' },
  frame: {
    ...{ ev: 'frame', s: S, t: 3, dir: 'in', fin: true, rsv: 0, op: 1, masked: true },
    ...{ len: 5, wire: 11 },
  },
  text: { ev: 'msg', s: S, t: 4, dir: 'in', op: 1, len: 5, wire: 11, data: 'hello' },
  binary: { ev: 'msg', s: S, t: 5, dir: 'out', op: 2, len: 4, wire: 6, b64: '/2hlbA==' },
  ping: { ev: 'ctl', s: S, t: 6, dir: 'out', op: 9, len: 0, data: '' },
  pong: { ev: 'ctl', s: S, t: 7, dir: 'in', op: 10, len: 0, data: '' },
  count: { ev: 'count', s: S, t: 8, dir: 'in', of: 'ping', n: 7, len: 70, since: 7 },
  close: { ev: 'ctl', s: S, t: 9, dir: 'in', op: 8, len: 5, b64: 'A+hieWU=' },
  end: {
    ...{ ev: 'close', s: S, t: 10, by: 'client', code: 1000, reason: 'bye' },
    ...{ in: traffic, out: traffic, dur: 9 },
  },
  gap: { ev: 'gap', t: 11, since: 10, records: 3, error: 'ENOSPC' },
};

/** The kinds of the records that meet the conditions, in order of time. */
function met(options: Partial<ConditionOptions>): string {
  const conditions = new Conditions({ ...NONE, ...options });
  return Object.values(RECORDS)
    .filter((record) => conditions.isMet(record))
    .map(kindOf)
    .join(' ');
}

const ALL = Object.keys(RECORDS).join(' ');

t.test('every record has its kind', async (t) => {
  for (const [kind, record] of Object.entries(RECORDS)) t.equal(kindOf(record), kind);
  t.strictSame([...RECORD_KINDS].sort(), Object.keys(RECORDS).sort());
  const piece = { ...RECORDS.text, part: 'middle' } as ShownRecord;
  t.equal(kindOf(piece), 'text', 'a piece has that of its message');
});

t.test('facts', async (t) => {
  t.strictSame(factsOf(RECORDS.text), { kind: 'text', t: 4, direction: 'in', length: 5 });
  t.strictSame(factsOf(RECORDS.count), { kind: 'count', t: 8, direction: 'in', length: 70 });
  t.strictSame(factsOf(RECORDS.gap), { kind: 'gap', t: 11, direction: null, length: null });
});

t.test('conditions', async (t) => {
  const cases: readonly [options: Partial<ConditionOptions>, kinds: string][] = [
    [{}, ALL],
    [{ direction: 'in' }, 'frame text pong count close'],
    [{ direction: 'out' }, 'binary ping'],
    [{ kinds: new Set(['text', 'binary']) }, 'text binary'],
    [{ kinds: new Set(['end', 'gap']) }, 'end gap'],
    [{ kinds: new Set() }, ''],
    [{ minLength: 5 }, 'frame text count close'],
    [{ maxLength: 4 }, 'binary ping pong'],
    [{ minLength: 4, maxLength: 5 }, 'frame text binary close'],
    [{ minLength: 0 }, 'frame text binary ping pong count close'],
    [{ sinceTime: 4, untilTime: 6 }, 'text binary ping'],
    [{ sinceTime: 11 }, 'gap'],
    [{ payload: /hel/ }, 'text binary'],
    [{ payload: /^\xff/ }, 'binary'],
    [{ payload: /bye/ }, 'close'],
    [{ payload: /(?:)/g }, 'text binary ping pong close'],
    [{ payload: /hel/, direction: 'in', maxLength: 5 }, 'text'],
    [{ payload: /hel/, maxLength: 4 }, 'binary'],
  ];
  for (const [options, kinds] of cases) t.equal(met(options), kinds, JSON.stringify(options));
});

t.test('whether a payload has to be looked at is known', async (t) => {
  t.equal(new Conditions(NONE).asksPayload, false);
  const conditions = new Conditions({ ...NONE, payload: /x/ });
  t.equal(conditions.asksPayload, true);
  t.equal(conditions.meets(factsOf(RECORDS.text)), true, 'the facts are met');
  t.equal(conditions.meetsPayload(RECORDS.text), false);
});

t.test('a text is taken word for word', async (t) => {
  for (const text of ['a.b', '[x]', '$1', '\\d', '(', 'a-b/c', '😀+'])
    t.ok(literalExpression(text, true).test(`<${text}>`), text);
  t.notOk(literalExpression('a.b', true).test('axb'));
  t.notOk(literalExpression('Hello', true).test('hello'));
  t.ok(literalExpression('Hello', false).test('say HELLO'));
});
