import t from 'tap';
import { HandshakeError, type HandshakeRule } from '../../src/errors.js';
import { parsePlainRequest } from '../../src/handshake/plain-request.js';
import type { RequestHead } from '../../src/handshake/request-head.js';
import { KEY, readHead, upgradeText } from '../fixtures/handshake.js';

function headOf(requestLine: string, ...lines: readonly string[]): RequestHead {
  const { head } = readHead([requestLine, 'Host: h', ...lines, '', ''].join('\r\n'), Infinity);
  if (head === null) throw new Error('not a head');
  return head;
}

t.test('a request is written anew', async (t) => {
  const cases: readonly (readonly [line: string, request: string])[] = [
    ['GET / HTTP/1.1', 'GET / HTTP/1.1'],
    ['HEAD /a%20b?c=%zz HTTP/1.1', 'HEAD /a%20b?c=%zz HTTP/1.1'],
    ['GET http://h/a?b HTTP/1.1', 'GET /a?b HTTP/1.1'],
    ['GET http://h HTTP/1.1', 'GET / HTTP/1.1'],
    ['GET /? HTTP/1.1', 'GET / HTTP/1.1'],
  ];
  for (const [line, request] of cases)
    t.equal(parsePlainRequest(headOf(line)), `${request}\r\nHost: twist\r\n\r\n`, line);
});

t.test('of its headers only those that a file depends on are handed on', async (t) => {
  const head = headOf(
    'GET / HTTP/1.1',
    'Authorization: Basic c2VjcmV0',
    'Cookie: secret',
    'Range:  bytes=0-1 ',
    'IF-NONE-MATCH: "a"',
    'If-None-Match: "\xe4"',
    'If-Match: *',
    'If-Modified-Since: x',
    'If-Unmodified-Since: y',
    'If-Range: z',
    'Cache-Control: no-cache',
    'Expect: 100-continue',
    'Upgrade: h2c',
    'Connection: Upgrade, HTTP2-Settings',
    'Content-Length: 0',
    'Trailer: x',
    'X-Forwarded-For: 192.0.2.1',
  );
  t.equal(
    parsePlainRequest(head),
    'GET / HTTP/1.1\r\nHost: twist\r\nrange: bytes=0-1\r\nif-none-match: "a"\r\n' +
      'if-none-match: "\xe4"\r\nif-match: *\r\nif-modified-since: x\r\nif-unmodified-since: y\r\n' +
      'if-range: z\r\ncache-control: no-cache\r\n\r\n',
  );
});

t.test('a client may want the connection closed behind the answer', async (t) => {
  const closing = 'GET / HTTP/1.1\r\nHost: twist\r\nConnection: close\r\n\r\n';
  for (const value of ['close', 'Close', 'keep-alive, close'])
    t.equal(parsePlainRequest(headOf('GET / HTTP/1.1', `Connection: ${value}`)), closing, value);
  for (const value of ['keep-alive', '', 'closed'])
    t.not(parsePlainRequest(headOf('GET / HTTP/1.1', `Connection: ${value}`)), closing, value);
});

t.test('what asks for a WebSocket connection is none, done rightly or wrongly', async (t) => {
  const { head } = readHead(upgradeText(), Infinity);
  t.equal(parsePlainRequest(head!), null);
  for (const line of ['Upgrade: websocket', 'Upgrade: h2c, WebSocket', `Sec-WebSocket-Key: ${KEY}`])
    t.equal(parsePlainRequest(headOf('GET / HTTP/1.1', line)), null, line);
  t.type(parsePlainRequest(headOf('GET / HTTP/1.1', 'Upgrade: websockets')), 'string');
  t.type(parsePlainRequest(headOf('HEAD / HTTP/1.1', 'Upgrade: websocket')), 'string');
});

t.test('the rules of HTTP hold', async (t) => {
  const cases: readonly (readonly [rule: HandshakeRule, line: string, ...lines: string[]])[] = [
    ['http-version', 'GET / HTTP/1.0'],
    ['body', 'GET / HTTP/1.1', 'Content-Length: 5'],
    ['host', 'GET / HTTP/1.1', 'Host: again'],
  ];
  for (const [rule, line, ...lines] of cases)
    t.throws(() => parsePlainRequest(headOf(line, ...lines)), new HandshakeError(rule), rule);
  t.throws(
    () => parsePlainRequest(headOf('POST / HTTP/1.1')),
    new HandshakeError('method', { Allow: 'GET, HEAD' }),
  );
});
