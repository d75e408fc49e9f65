import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import type { OriginPolicy, SubprotocolPolicy } from '../../src/handshake/policy.js';
import { checkOrigin, selectSubprotocol } from '../../src/handshake/upgrade-decision.js';
import type { UpgradeRequest } from '../../src/handshake/upgrade-request.js';
import { KEY } from '../fixtures/handshake.js';

/** Whether a request with this Origin and Host passes. */
const passes = (policy: OriginPolicy, origin: string | null, host = 'example.com'): boolean => {
  const request: UpgradeRequest = {
    target: '/',
    path: '/',
    query: '',
    host,
    origin,
    key: KEY,
    subprotocols: [],
    extensionOffers: [],
    headers: [],
  };
  try {
    checkOrigin(policy, request);
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
