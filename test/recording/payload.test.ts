import t from 'tap';
import { payloadOf } from '../../src/recording/payload.js';
import type { ControlRecord, MessageRecord } from '../../src/recording/record.js';

const KEYS = { s: 'A', t: 1, dir: 'in', len: 4 } as const;

t.test('text is UTF-8, everything else base64', async (t) => {
  const message: MessageRecord = { ...KEYS, ev: 'msg', op: 1, wire: 6, data: 'hé€' };
  t.same(payloadOf(message), Buffer.from('68c3a9e282ac', 'hex'));
  t.same(payloadOf({ ...message, data: '' }), Buffer.alloc(0));
  const control: ControlRecord = { ...KEYS, ev: 'ctl', op: 9, b64: 'AAEC/w==' };
  t.same(payloadOf(control), Buffer.from('000102ff', 'hex'));
  t.same(payloadOf({ ...control, b64: '' }), Buffer.alloc(0));
});
