import t from 'tap';
import { payloadOf } from '../../../../web/inspect/model/payload.js';

t.test('what a record holds', async (t) => {
  t.equal(payloadOf({ record: { ev: 'open' } }), null);
  t.match(payloadOf({ record: { data: 'grüße', len: 7 } }), {
    text: 'grüße',
    isText: true,
    missing: 0,
  });
  const binary = payloadOf({ record: { b64: 'AP8Q', len: 5 } });
  t.strictSame([...(binary?.bytes ?? [])], [0, 255, 16]);
  t.match(binary, { isText: false, missing: 2 });
  t.equal(payloadOf({ record: { b64: 'aGVsbG8=' } })?.text, 'hello');
  t.equal(payloadOf({ record: { data: '' } })?.bytes.length, 0);
});

t.test('base64 that was cut anywhere', async (t) => {
  for (const [text, length] of [
    ['aGVs', 3],
    ['aGV', 2],
    ['aG', 1],
    ['a', 0],
    ['', 0],
  ] as const)
    t.equal(payloadOf({ record: { b64: text } })?.bytes.length, length, text);
});
