import t from 'tap';
import {
  textWithoutSecrets,
  valueWithoutSecrets,
} from '../../../src/handshake/redaction/secrets-in-text.js';
import { cpuMs } from '../../fixtures/cpu-time.js';
import { SECRET } from '../../fixtures/telling-requests.js';

const NO_PROTOTYPE = Object.create(null) as object;

t.test('words stay, and the secrets of URLs go', async (t) => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ['', ''],
    ['ECONNRESET', 'ECONNRESET'],
    ['really? yes/no', 'really? yes/no'],
    ['is it a/b?', 'is it a/b?'],
    [
      'connect to https://u:p@h:1/a/b?token=x failed',
      'connect to https://[hidden:3]@h:1/a/b?token=[hidden:1] failed',
    ],
    ['Invalid URL: "wss://h/?abc"', 'Invalid URL: "wss://h/?[hidden:3]"'],
    ['(see https://h/a), or not', '(see https://h/a), or not'],
    ['(see https://u:p@h) and more', '(see https://[hidden:3]@[hidden:2] and more'],
    ['url=wss://h/?a=1', 'url=wss://h/?a=[hidden:1]'],
    ['/ws?token=x&tty=1', '/ws?token=[hidden:1]&tty=1'],
    ['/a;jsessionid=x#y', '/a;jsessionid=[hidden:3]'],
    ['got ?token=x', 'got ?token=[hidden:1]'],
    ['at file:///a/b.mjs?v=a/b:10:5', 'at file:///a/b.mjs?v=a/b:10:5'],
    ['at node:internal/process:1:2', 'at node:internal/process:1:2'],
    ['Authorization: Bearer abc, and more', 'Authorization: Bearer abc, and more'],
    ['Authorization: Bearer aB1', 'Authorization: Bearer [hidden:3]'],
    ['basic  dTpw bearer Bearer x9', 'basic  [hidden:4] bearer [hidden:6] [hidden:2]'],
    ['token eyJhbGciOiJIUzI1NiJ9.e30.x', 'token [hidden:26]'],
    ['://a', '://a'],
  ];
  for (const [text, shown] of cases) t.equal(textWithoutSecrets(text), shown, text);
});

t.test('plain values, whatever their texts stand in', async (t) => {
  const date = new Date(0);
  const url = `wss://h/?token=${SECRET}`;
  const shown = 'wss://h/?token=[hidden:25]';
  t.strictSame(
    valueWithoutSecrets({
      a: 1,
      b: null,
      c: url,
      d: [url, { e: url }],
      date,
      n: NO_PROTOTYPE,
    }),
    { a: 1, b: null, c: shown, d: [shown, { e: shown }], date, n: {} },
  );
  t.equal(valueWithoutSecrets(undefined), undefined);
  const circle: Record<string, unknown> = { url };
  circle['self'] = circle;
  t.match(valueWithoutSecrets(circle), { url: shown, self: { url: shown } });
});

t.test('its cost grows with the text', async (t) => {
  for (const unit of ['a://', 'a ', '/?a=', 'Bearer ', '"', 'a']) {
    const small = cpuMs(() => textWithoutSecrets(unit.repeat(20_000)));
    const large = cpuMs(() => textWithoutSecrets(unit.repeat(80_000)));
    t.ok(large < 12 * small + 40, `${unit}: ${small} ms, then ${large} ms`);
  }
});
