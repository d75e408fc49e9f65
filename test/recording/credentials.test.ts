import t from 'tap';
import { publicHeaders, publicSubprotocol, publicTarget } from '../../src/recording/credentials.js';

t.test('no value of a parameter that may be a secret', async (t) => {
  const cases: readonly [target: string, expected: string][] = [
    ['/vnc', '/vnc'],
    ['/vnc?', '/vnc?'],
    ['/vnc?token=abc', '/vnc?token=***'],
    ['/vnc?room=1&access_token=a=b&x', '/vnc?room=1&access_token=***&x'],
    ['/?Token=a&TOKEN=b', '/?Token=***&TOKEN=***'],
    ['/?%74oken=abc', '/?%74oken=***'],
    [
      '/?%zz=1&api_key=2&apikey=3&key=4&monkey=5',
      '/?%zz=1&api_key=***&apikey=***&key=***&monkey=5',
    ],
    [
      '/?password=1&client_secret=2&sig=3&X-Amz-Signature=4',
      '/?password=***&client_secret=***&sig=***&X-Amz-Signature=***',
    ],
    ['/?a=1?token=2', '/?a=1?token=2'],
    ['/?token', '/?token'],
    ['/?token=', '/?token=***'],
  ];
  for (const [target, expected] of cases) t.equal(publicTarget(target), expected, target);
});

t.test('no header that holds credentials', async (t) => {
  const fields = [
    ['host', 'a'],
    ['authorization', 'Basic secret'],
    ['proxy-authorization', 'Basic secret'],
    ['cookie', 'session=secret'],
    ['x-api-key', 'secret'],
    ['x-auth-token', 'secret'],
    ['x-amz-security-token', 'secret'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ['referer', 'https://example.com/?token=secret&a=1'],
    ['sec-websocket-protocol', 'chat, base64url.bearer.authorization.k8s.io.secret'],
    ['x-forwarded-for', '192.0.2.1'],
    ['x-forwarded-for', '192.0.2.2'],
    ['__proto__', 'x'],
  ].map(([name, value]) => ({ name: name!, value: value! }));
  const headers = publicHeaders(fields);
  t.strictSame(Object.entries(headers), [
    ['host', 'a'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ['referer', 'https://example.com/?token=***&a=1'],
    ['sec-websocket-protocol', '***, ***'],
    ['x-forwarded-for', ['192.0.2.1', '192.0.2.2']],
    ['__proto__', 'x'],
  ]);
  t.notMatch(JSON.stringify(headers), /secret/);
});

t.test('no subprotocol that tells a token', async (t) => {
  t.equal(publicSubprotocol('mqtt'), 'mqtt');
  t.equal(publicSubprotocol('Bearer.abc'), '***');
});

t.test('what proxies and browsers put elsewhere', async (t) => {
  const one = (name: string, value: string): unknown => publicHeaders([{ name, value }])[name];
  for (const name of ['cf-access-jwt-assertion', 'x-goog-iap-jwt-assertion', 'x-amzn-oidc-data'])
    t.equal(one(name, 'secret'), undefined, name);
  for (const name of ['x-original-uri', 'x-original-url', 'x-forwarded-uri', 'x-rewrite-url'])
    t.equal(one(name, '/?token=secret'), '/?token=***', name);
  for (const offers of ['access_token, secret', 'eyJhbGciOi.secret, chat'])
    t.equal(one('sec-websocket-protocol', offers), '***, ***', offers);
  t.equal(one('sec-websocket-protocol', 'mqtt, binary'), 'mqtt, binary');
  for (const name of ['bearer', 'passphrase', 'user_pass', 'otp', 'jwt', 'pwd', 'pass'])
    t.equal(publicTarget(`/?${name}=secret`), `/?${name}=***`, name);
});
