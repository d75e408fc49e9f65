import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import {
  demand,
  includes,
  isOpeningHandshake,
  parseHttpRequest,
  valuesOf,
} from '../../src/handshake/http-request.js';
import type { RequestHead } from '../../src/handshake/request-head.js';
import { readHead } from '../fixtures/handshake.js';

const BOTH = ['GET', 'HEAD'];

function headOf(requestLine: string, ...lines: readonly string[]): RequestHead {
  const { head } = readHead([requestLine, ...lines, '', ''].join('\r\n'), Infinity);
  if (head === null) throw new Error('not a head');
  return head;
}

/** What refuses a request. */
function refusalOf(head: RequestHead, methods: readonly string[] = BOTH): HandshakeError | null {
  try {
    parseHttpRequest(head, methods);
    return null;
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
}

t.test('the parts of a good request', async (t) => {
  t.strictSame(parseHttpRequest(headOf('GET /a/b?c HTTP/1.1', 'Host: h'), BOTH), {
    authority: null,
    path: '/a/b',
    query: 'c',
    host: 'h',
  });
  t.strictSame(parseHttpRequest(headOf('HEAD http://H:1 HTTP/1.1', 'Host: other:2'), BOTH), {
    authority: 'H:1',
    path: '/',
    query: '',
    host: 'H:1',
  });

  t.equal(refusalOf(headOf('GET / HTTP/1.1', 'Host: h', 'Content-Length: 0')), null);
});

t.test('each rule, in the order in which they are looked at', async (t) => {
  const cases: readonly (readonly [rule: string, ...lines: [string, ...string[]]])[] = [
    ['http-version', 'POST / HTTP/1.2', 'Content-Length: 1'],
    ['http-version', 'POST / HTTP/1.0', 'Upgrade: WebSocket', 'Content-Length: 1'],
    ['http-version', 'GET / HTTP/1.0', 'Sec-WebSocket-Key:'],
    ['method', 'POST / HTTP/1.1', 'Content-Length: 1'],
    ['host', 'GET / HTTP/1.1', 'Content-Length: 1'],
    ['host', 'GET / HTTP/1.1', 'Host: h', 'Host: h'],
    ['host', 'GET / HTTP/1.1', 'Host: h h'],
    ['host', 'GET / HTTP/1.1', 'Host:'],
    ['host-zone', 'GET / HTTP/1.1', 'Host: [fe80::1%lo]', 'Content-Length: 1'],
    ['host-brackets', 'GET / HTTP/1.1', 'Host: ::1:9001', 'Content-Length: 1'],
    ['host', 'GET http://h/ HTTP/1.1'],
    ['host', 'GET http://h/ HTTP/1.1', 'Host: h h'],
    ['host', 'GET / HTTP/1.0', 'Host:'],
    ['host', 'GET / HTTP/1.0', 'Host: h', 'Host: h'],
    ['request-target', 'GET http://h:x/ HTTP/1.1', 'Host: h', 'Content-Length: 1'],
    ['request-target', 'GET http://::1/ HTTP/1.0', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.0', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Content-Length: 0', 'Content-Length: 0'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked'],
  ];
  for (const [rule, ...lines] of cases) t.equal(refusalOf(headOf(...lines))?.rule, rule, rule);
});

t.test('HTTP/1.0 is taken where no WebSocket connection is asked for', async (t) => {
  const host = (...lines: [string, ...string[]]): string =>
    parseHttpRequest(headOf(...lines), ['GET', 'OPTIONS']).host;
  t.equal(host('GET / HTTP/1.0', 'Host: h', 'Upgrade: h2c', 'Sec-WebSocket-Version: 13'), 'h');
  t.equal(host('OPTIONS / HTTP/1.0'), '');
  t.equal(host('GET http://h:1/ HTTP/1.0'), 'h:1');
});

t.test('what asks for a WebSocket connection, rightly or wrongly', async (t) => {
  for (const line of ['Upgrade: websocket', 'Upgrade: h2c, WebSocket', 'Sec-WebSocket-Key:'])
    t.equal(isOpeningHandshake(headOf('GET / HTTP/1.1', line)), true, line);
  for (const line of ['Upgrade: websockets', 'Sec-WebSocket-Version: 13', 'Connection: Upgrade'])
    t.equal(isOpeningHandshake(headOf('GET / HTTP/1.1', line)), false, line);
});

t.test('an element of a list', async (t) => {
  const { headers } = headOf('GET / HTTP/1.1', 'A: b', 'A: C , d');
  for (const element of ['b', 'c', 'd']) t.equal(includes(headers, 'a', element), true);
  for (const element of ['', 'e', 'c , d']) t.equal(includes(headers, 'a', element), false);
  t.equal(includes(headers, 'b', 'b'), false);
});

t.test('405 says which methods would do', async (t) => {
  const head = headOf('PUT / HTTP/1.1', 'Host: h');
  t.strictSame(refusalOf(head)?.headers, { Allow: 'GET, HEAD' });
  t.strictSame(refusalOf(head, ['GET'])?.headers, { Allow: 'GET' });
});

t.test('the values of a header', async (t) => {
  const { headers } = headOf('GET / HTTP/1.1', 'A: 1', 'B: 2', 'a: 3');
  t.strictSame(valuesOf(headers, 'a'), ['1', '3']);
  t.strictSame(valuesOf(headers, 'c'), []);
});

t.test('a demand', async (t) => {
  demand(true, 'host');
  t.throws(() => {
    demand(false, 'host');
  }, new HandshakeError('host'));
});
