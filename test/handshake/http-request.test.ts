import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import { demand, parseHttpRequest, valuesOf } from '../../src/handshake/http-request.js';
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
  t.strictSame(parseHttpRequest(headOf('HEAD http://H:1 HTTP/1.1', 'Host: h:1'), BOTH), {
    authority: 'H:1',
    path: '/',
    query: '',
    host: 'h:1',
  });
  t.equal(refusalOf(headOf('GET / HTTP/1.1', 'Host: h', 'Content-Length: 0')), null);
});

t.test('each rule, in the order in which they are looked at', async (t) => {
  const cases: readonly (readonly [rule: string, ...lines: [string, ...string[]]])[] = [
    ['http-version', 'POST / HTTP/1.0', 'Content-Length: 1'],
    ['method', 'POST / HTTP/1.1', 'Content-Length: 1'],
    ['host', 'GET / HTTP/1.1', 'Content-Length: 1'],
    ['host', 'GET / HTTP/1.1', 'Host: h', 'Host: h'],
    ['host', 'GET / HTTP/1.1', 'Host: h h'],
    ['host', 'GET / HTTP/1.1', 'Host:'],
    ['host-mismatch', 'GET http://other/ HTTP/1.1', 'Host: h', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Content-Length: 0', 'Content-Length: 0'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked'],
  ];
  for (const [rule, ...lines] of cases) t.equal(refusalOf(headOf(...lines))?.rule, rule, rule);
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
