import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import type { OriginPolicy, SubprotocolPolicy } from '../../src/handshake/policy.js';
import { type WebScheme, checkOrigin, selectSubprotocol } from '../../src/handshake/upgrade.js';

/** Whether a request with this Origin for this host passes. */
const passes = (
  policy: OriginPolicy,
  origin: string | null,
  host = 'example.com',
  scheme: WebScheme | null = null,
): boolean => {
  try {
    checkOrigin(policy, { host, origin }, scheme);
    return true;
  } catch (error) {
    if (error instanceof HandshakeError && error.rule === 'origin') return false;
    throw error;
  }
};

t.test('a request without Origin passes every policy', async (t) => {
  for (const policy of ['any', 'same', [], ['https://example.com']] as const) {
    t.equal(passes(policy, null), true, JSON.stringify(policy));
  }
});

t.test('any', async (t) => {
  for (const origin of ['https://example.com', 'http://evil.example', 'null', '', 'a b c']) {
    t.equal(passes('any', origin), true, origin);
  }
});

t.test('same', async (t) => {
  const table: readonly (readonly [origin: string, host: string, isSame: boolean])[] = [
    ['http://example.com', 'example.com', true],
    ['https://example.com', 'example.com', true],
    ['HTTPS://Example.COM', 'eXample.com', true],
    ['http://example.com:9001', 'example.com:9001', true],
    ['http://127.0.0.1:9001', '127.0.0.1:9001', true],
    ['http://[::1]:9001', '[::1]:9001', true],
    ['http://[2001:DB8::1]', '[2001:db8::1]', true],
    // Default ports
    ['http://example.com', 'example.com:80', true],
    ['https://example.com', 'example.com:443', true],
    ['http://example.com:80', 'example.com', true],
    ['https://example.com:443', 'example.com', true],
    ['http://example.com', 'example.com:', true],
    ['http://example.com', 'example.com:443', false],
    ['https://example.com', 'example.com:80', false],
    ['http://example.com:443', 'example.com', false],
    ['https://example.com:80', 'example.com', false],
    ['http://example.com:9001', 'example.com', false],
    ['http://example.com', 'example.com:9001', false],
    ['http://example.com:9001', 'example.com:9002', false],
    // Another host
    ['https://evil.example', 'example.com', false],
    ['https://example.com.evil.example', 'example.com', false],
    ['https://evil-example.com', 'example.com', false],
    ['https://www.example.com', 'example.com', false],
    ['https://example.co', 'example.com', false],
    ['https://example.com.', 'example.com', false],
    ['https://localhost', '127.0.0.1', false],
    // No web origin
    ['null', 'example.com', false],
    ['null', 'null', false],
    ['', 'example.com', false],
    ['example.com', 'example.com', false],
    ['//example.com', 'example.com', false],
    ['https:example.com', 'example.com', false],
    ['https://', 'example.com', false],
    ['file://example.com', 'example.com', false],
    ['ws://example.com', 'example.com', false],
    ['chrome-extension://example', 'example', false],
    ['https://example.com/', 'example.com', false],
    ['https://example.com/path', 'example.com', false],
    ['https://user@example.com', 'example.com', false],
    ['https://evil.example https://example.com', 'example.com', false],
    ['https://example.com https://example.com', 'example.com', false],
    ['https://example.com, https://example.com', 'example.com', false],
    // A request that was never checked
    ['https://', '', false],
    ['https://example.com', '', false],
  ];
  for (const [origin, host, isSame] of table) {
    t.equal(passes('same', origin, host), isSame, `${origin} at ${host}`);
  }
});

t.test('same, where the scheme is known', async (t) => {
  const table: readonly (readonly [origin: string, scheme: WebScheme, isSame: boolean])[] = [
    ['http://example.com', 'http', true],
    ['https://example.com', 'https', true],
    ['HTTPS://example.com:443', 'https', true],
    ['http://example.com', 'https', false],
    ['https://example.com', 'http', false],
    ['https://evil.example', 'https', false],
  ];
  for (const [origin, scheme, isSame] of table)
    t.equal(passes('same', origin, 'example.com', scheme), isSame, `${origin} by ${scheme}`);
  t.equal(passes('same', 'http://example.com:8080', 'example.com:8080', 'https'), false);
  t.equal(
    passes(['http://example.com'], 'http://example.com', 'x', 'https'),
    true,
    'a list is exact',
  );
});

t.test('same in a list', async (t) => {
  const list = ['https://app.example.com', 'same'];
  t.equal(passes(list, 'https://app.example.com', 'desk.example.com'), true);
  t.equal(passes(list, 'https://desk.example.com', 'desk.example.com'), true);
  t.equal(passes(list, 'https://desk.example.com', 'desk.example.com', 'http'), false);
  t.equal(passes(list, 'https://evil.example', 'desk.example.com'), false);
  t.equal(passes(list, 'same', 'desk.example.com'), false);
});

t.test('names below one, by whole labels', async (t) => {
  const list = ['https://*.example.com', 'http://*.Example.org:8080', 'app://*.example'];
  for (const origin of [
    'https://a.example.com',
    'HTTPS://a.B.example.COM',
    'http://a.example.org:8080',
    'app://a.example',
  ])
    t.equal(passes(list, origin), true, origin);
  for (const origin of [
    'https://example.com',
    'https://.example.com',
    'https://badexample.com',
    'https://a.example.com.evil.example',
    'https://evil.example/.example.com',
    'https://evil.example#.example.com',
    'https://evil.example@a.example.com',
    'https://a.example.com:443',
    'https://a.example.com:8443',
    'http://a.example.com',
    'http://a.example.org',
    'http://a.example.org:80',
    'https://a.example.com https://a.example.com',
    'xhttps://a.example.com',
    'a.example.com',
    '://a.example.com',
    'null',
    '',
  ])
    t.equal(passes(list, origin), false, origin);
  t.equal(passes(['https://*.a b'], 'https://c.a b'), false, 'what is no host');
});

t.test('pages of programs with a browser inside', async (t) => {
  for (const origin of ['file://', 'null', 'capacitor://localhost']) {
    t.equal(passes([origin], origin), true, origin);
    t.equal(passes(['https://example.com'], origin), false, origin);
  }
  t.equal(passes(['file://'], 'file:///'), false);
});

t.test('the log is told what was compared', async (t) => {
  const refusal = (scheme: WebScheme | null): unknown => {
    try {
      checkOrigin('same', { origin: 'https://evil\xe4', host: 'a'.repeat(300) }, scheme);
      return null;
    } catch (error) {
      return (error as HandshakeError).notes;
    }
  };
  const notes = { origin: 'https://evil\\xe4', host: `${'a'.repeat(200)}...` };
  t.strictSame(refusal(null), notes);
  t.strictSame(refusal('https'), { ...notes, scheme: 'https' });
});

t.test('a list', async (t) => {
  const list = ['https://example.com', 'http://Localhost:8080'];
  for (const origin of [
    'https://example.com',
    'HTTPS://EXAMPLE.COM',
    'http://localhost:8080',
    'http://LOCALHOST:8080',
  ]) {
    t.equal(passes(list, origin), true, origin);
  }
  for (const origin of [
    '',
    'null',
    'example.com',
    'http://example.com',
    'https://example.com:443',
    'https://example.com/',
    'https://example.co',
    'https://example.comm',
    'xhttps://example.com',
    'https://www.example.com',
    'https://example.com.evil.example',
    'http://localhost',
    'http://localhost:80',
    'http://localhost:80801',
    'https://example.com http://localhost:8080',
  ]) {
    t.equal(passes(list, origin), false, origin);
  }
  t.equal(passes([], 'https://example.com'), false, 'an empty list lets no page in');
  t.equal(passes(['null'], 'null'), true, 'null must be listed by name');
});

t.test('selectSubprotocol', async (t) => {
  const table: readonly (readonly [
    policy: SubprotocolPolicy,
    offered: string[],
    selected: string | null,
  ])[] = [
    ['first', [], null],
    ['first', ['a'], 'a'],
    ['first', ['b', 'a'], 'b'],
    ['none', [], null],
    ['none', ['a', 'b'], null],
    [[], ['a'], null],
    [['a'], [], null],
    [['a'], ['a'], 'a'],
    [['a'], ['b'], null],
    [['a'], ['A'], null],
    [['a', 'b'], ['b', 'a'], 'a'],
    [['a', 'b'], ['c', 'b'], 'b'],
    [['first'], ['a', 'first'], 'first'],
    [['none'], ['none'], 'none'],
  ];
  for (const [policy, offered, selected] of table) {
    const what = `${JSON.stringify(policy)} of ${JSON.stringify(offered)}`;
    t.equal(selectSubprotocol(policy, offered), selected, what);
  }
});

t.test('selectSubprotocol: what cannot be spoken is never selected', async (t) => {
  const select = (policy: SubprotocolPolicy, ...offered: string[]): string | null =>
    selectSubprotocol(policy, offered, ['base64']);
  t.equal(select('first', 'base64', 'binary'), 'binary');
  t.equal(select('first'), null);
  t.equal(select(['base64', 'binary'], 'base64', 'binary'), 'binary');
  t.equal(select('none', 'base64', 'binary'), null);
  for (const policy of ['first', 'none', ['base64']] as const) {
    t.throws(() => select(policy, 'base64'), new HandshakeError('subprotocol-unsupported'));
  }
});
