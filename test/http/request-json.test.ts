import t from 'tap';
import { Redaction, STRICT_REDACTION } from '../../src/handshake/redaction/redaction.js';
import { type ToldRequest, requestJson } from '../../src/http/request-json.js';

const PEER = { remoteAddress: '192.0.2.1', remotePort: 1234 };

const REQUEST: ToldRequest = {
  method: 'GET',
  path: '/a/b',
  query: 'v=2&token=secret',
  httpVersion: '1.1',
  host: 'localhost:9001',
  scheme: 'http',
  tls: null,
  headers: [
    { name: 'host', value: 'localhost:9001' },
    { name: 'accept', value: '*/*' },
    { name: 'cookie', value: 'session=secret' },
    { name: 'via', value: '1.1 a' },
    { name: 'via', value: '1.1 b' },
  ],
};

const ALL = new Redaction({ headers: '*', query: '*' });

t.test('all there is to tell, with what may be secret hidden', async (t) => {
  const json = requestJson(REQUEST, PEER, STRICT_REDACTION);
  t.ok(json.endsWith('}\n'), 'for terminals');
  t.strictSame(JSON.parse(json), {
    method: 'GET',
    path: '/a/b',
    query: 'v=2&token=[hidden:6]',
    httpVersion: '1.1',
    host: 'localhost:9001',
    scheme: 'http',
    remoteAddress: '192.0.2.1',
    remotePort: 1234,
    tls: null,
    headers: {
      host: 'localhost:9001',
      accept: '*/*',
      cookie: '[hidden:14]',
      via: '1.1 a, 1.1 b',
    },
  });
});

t.test('or all of it', async (t) => {
  const tls = { version: 'TLSv1.3', cipher: 'X', serverName: 'a', certificate: null };
  const json = requestJson({ ...REQUEST, scheme: 'https', tls }, PEER, ALL);
  t.match(JSON.parse(json), {
    query: 'v=2&token=secret',
    scheme: 'https',
    tls,
    headers: { cookie: 'session=secret' },
  });
});

t.test('it is ASCII without markup, and says the same', async (t) => {
  const every = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
  const headers = [
    { name: 'x-text', value: every },
    { name: '__proto__', value: '<script>' },
  ];
  const json = requestJson({ ...REQUEST, path: "/<b>&'", headers }, PEER, ALL);
  t.match(json, /^[\n\x20-\x7e]*$/, 'nothing moves a cursor');
  t.notMatch(json, /[<>]/, 'nothing is markup');
  const told = JSON.parse(json) as { path: string; headers: Record<string, string> };
  t.equal(told.path, "/<b>&'");
  t.strictSame(Object.entries(told.headers), [
    ['x-text', every],
    ['__proto__', '<script>'],
  ]);
});

t.test('what was agreed on stands behind the request', async (t) => {
  const told: unknown = JSON.parse(
    requestJson(REQUEST, PEER, STRICT_REDACTION, { subprotocol: 'chat' }),
  );
  t.match(told, { path: '/a/b', subprotocol: 'chat' });
  t.equal(Object.keys(told as object).at(-1), 'subprotocol');
});
