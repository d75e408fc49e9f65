import t from 'tap';
import { isBrokenText, payloadOf, textOf } from '../../../src/recording/format/payload.js';
import type { ControlRecord, MessageRecord } from '../../../src/recording/format/record.js';

const KEYS = { s: 'A', t: 1, dir: 'in', len: 4 } as const;

t.test('text is UTF-8, everything else base64', async (t) => {
  const message: MessageRecord = { ...KEYS, ev: 'msg', op: 1, wire: 6, data: 'hé€' };
  t.same(payloadOf(message), Buffer.from('68c3a9e282ac', 'hex'));
  t.same(payloadOf({ ...message, data: '' }), Buffer.alloc(0));
  const control: ControlRecord = { ...KEYS, ev: 'ctl', op: 9, b64: 'AAEC/w==' };
  t.same(payloadOf(control), Buffer.from('000102ff', 'hex'));
  t.same(payloadOf({ ...control, b64: '' }), Buffer.alloc(0));
});

t.test('text is text, whichever way it is written', async (t) => {
  const message: MessageRecord = { ...KEYS, ev: 'msg', op: 1, wire: 6, data: 'hé€' };
  t.equal(textOf(message), 'hé€');
  const rest = { ...KEYS, ev: 'msg', op: 1, wire: 6 } as const;
  t.equal(textOf({ ...rest, b64: 'aMOpAQ==' }), 'hé\u0001');
  t.equal(textOf({ ...rest, b64: 'aMM=' }), null, 'a character is cut');
  t.equal(textOf({ ...rest, op: 2, b64: 'aGk=' }), null);
  t.equal(textOf({ ...KEYS, ev: 'ctl', op: 9, b64: 'aGk=' }), null);
});

t.test('whole texts of the server that are not UTF-8', async (t) => {
  const broken = {
    ev: 'msg',
    s: 'A',
    t: 1,
    dir: 'out',
    op: 1,
    len: 1,
    wire: 3,
    b64: '/w==',
  } as const;
  t.equal(isBrokenText(broken), true);
  for (const fields of [
    { dir: 'in' },
    { op: 2 },
    { part: 'first' },
    { cut: true },
    { b64: 'YQ==' },
  ] as const)
    t.equal(isBrokenText({ ...broken, ...fields }), false);
  t.equal(isBrokenText({ ...KEYS, ev: 'msg', op: 1, wire: 3, dir: 'out', data: 'a' }), false);
});
