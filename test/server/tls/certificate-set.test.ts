import t from 'tap';
import { EXPIRY_WARNING_MS, sessionIdContextOf } from '../../../src/server/tls/certificate-set.js';
import { selfSigned } from '../../fixtures/self-signed.js';
import { certificateSet } from '../../fixtures/tls.js';

const DAY_MS = 86_400_000;

t.test('the certificate for a name', async (t) => {
  const set = certificateSet({
    own: [
      selfSigned('a.example'),
      selfSigned('b.example', { names: ['b.example', '*.b.example'] }),
      selfSigned('x.b.example'),
      selfSigned('again', { names: ['b.example', 'c.example'] }),
    ],
  });
  const [a, b, x, again] = set.certificates.map(({ context }) => context);
  for (const [name, context] of [
    ['a.example', a],
    ['B.Example', b],
    ['y.b.example', b],
    ['x.b.example', x],
    ['c.example', again],
    ['y.x.b.example', a],
    ['.b.example', b],
    ['elsewhere', a],
    ['', a],
    ['__proto__', a],
  ] as const)
    t.equal(set.find(name), context, name);
  t.equal(set.default.context, a);
});

t.test('what is told from another set', async (t) => {
  const [one, two] = [selfSigned(), selfSigned()];
  const ca = two.cert;
  const digests = [
    certificateSet({ own: [one] }),
    certificateSet({ own: [two] }),
    certificateSet({ own: [one, two] }),
    certificateSet({ own: [one], ca }),
    certificateSet({ own: [one], ca, auth: 'request' }),
  ].map(({ digest }) => digest);
  t.equal(new Set(digests).size, digests.length);
  t.equal(certificateSet({ own: [one] }).digest, digests[0], 'whatever the keys of tickets');
});

t.test('sessions are resumed only where the same clients are let in', async (t) => {
  const contexts = [
    null,
    { ca: 'a', auth: 'require' },
    { ca: 'a', auth: 'request' },
    { ca: 'b', auth: 'require' },
  ].map((trust) => sessionIdContextOf(trust as Parameters<typeof sessionIdContextOf>[0]));
  t.equal(new Set(contexts).size, contexts.length);
  for (const context of contexts) t.match(context, /^[0-9a-f]{32}$/);
});

t.test('when certificates end', async (t) => {
  const set = certificateSet({
    own: [
      selfSigned('fine', { toMs: EXPIRY_WARNING_MS + DAY_MS }),
      selfSigned('soon', { toMs: EXPIRY_WARNING_MS - DAY_MS }),
      selfSigned('over', { toMs: -DAY_MS, fromMs: -2 * DAY_MS }),
      selfSigned('early', { fromMs: DAY_MS, toMs: 99 * DAY_MS }),
    ],
  });
  const nowMs = Date.now();
  t.match(set.problems(nowMs), [
    /^the TLS certificate of soon expires on \d{4}-\d\d-\d\d$/,
    /^the TLS certificate of over expired on \d{4}-\d\d-\d\d$/,
    /^the TLS certificate of early is not valid before \d{4}-\d\d-\d\d$/,
  ]);
  t.strictSame(
    set.expired(nowMs).map(({ title }) => title),
    ['over'],
  );
  t.match(set.summary, /^4, the first one for fine until \d{4}-\d\d-\d\d$/);
  t.match(certificateSet().summary, /^for localhost until \d{4}-\d\d-\d\d$/);
});
