import t from 'tap';
import { HandshakeError, type HandshakeRule } from '../../src/errors.js';
import { type PlainRequest, parsePlainRequest } from '../../src/handshake/plain-request.js';
import type { RequestHead } from '../../src/handshake/request-head.js';
import { KEY, readHead, upgradeText } from '../fixtures/handshake.js';

/** What a server with files makes of it. */
const parse = (head: RequestHead): PlainRequest | null => parsePlainRequest(head, true);
const textOf = (head: RequestHead): string | null | undefined => parse(head)?.text;

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
    ['GET //a//b/?c//d HTTP/1.1', 'GET /a/b/?c//d HTTP/1.1'],
  ];
  for (const [line, request] of cases)
    t.equal(textOf(headOf(line)), `${request}\r\nHost: twist\r\n\r\n`, line);
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
    textOf(head),
    'GET / HTTP/1.1\r\nHost: twist\r\nrange: bytes=0-1\r\nif-none-match: "a"\r\n' +
      'if-none-match: "\xe4"\r\nif-match: *\r\nif-modified-since: x\r\nif-unmodified-since: y\r\n' +
      'if-range: z\r\ncache-control: no-cache\r\n\r\n',
  );
});

t.test('a client may want the connection closed behind the answer', async (t) => {
  const closing = 'GET / HTTP/1.1\r\nHost: twist\r\nConnection: close\r\n\r\n';
  for (const value of ['close', 'Close', 'keep-alive, close'])
    t.equal(textOf(headOf('GET / HTTP/1.1', `Connection: ${value}`)), closing, value);
  for (const value of ['keep-alive', '', 'closed'])
    t.not(textOf(headOf('GET / HTTP/1.1', `Connection: ${value}`)), closing, value);
  for (const line of ['Connection: keep-alive', 'Accept: */*'])
    t.equal(textOf(headOf('GET / HTTP/1.0', line)), closing, 'HTTP/1.0 has no other way');
});

t.test('what asks for a WebSocket connection is none, done rightly or wrongly', async (t) => {
  const { head } = readHead(upgradeText(), Infinity);
  t.equal(parse(head!), null);
  for (const line of ['Upgrade: websocket', 'Upgrade: h2c, WebSocket', `Sec-WebSocket-Key: ${KEY}`])
    t.equal(parse(headOf('GET / HTTP/1.1', line)), null, line);
  t.type(textOf(headOf('GET / HTTP/1.1', 'Upgrade: websockets')), 'string');
  t.type(textOf(headOf('HEAD / HTTP/1.1', 'Upgrade: websocket')), 'string');
});

t.test('the rules of HTTP hold', async (t) => {
  const cases: readonly (readonly [rule: HandshakeRule, line: string, ...lines: string[]])[] = [
    ['http-version', 'GET / HTTP/2.0'],
    ['request-escape', 'GET /100% HTTP/1.1'],
    ['request-escape', 'GET /a/%2x HTTP/1.1'],
    ['body', 'GET / HTTP/1.1', 'Content-Length: 5'],
    ['host', 'GET / HTTP/1.1', 'Host: again'],
  ];
  for (const [rule, line, ...lines] of cases)
    t.throws(() => parse(headOf(line, ...lines)), new HandshakeError(rule), rule);
  t.throws(
    () => parse(headOf('POST / HTTP/1.1')),
    new HandshakeError('method', { Allow: 'GET, HEAD' }),
  );
});

t.test('OPTIONS wants to know whether we are there, with files or without', async (t) => {
  for (const hasFiles of [true, false]) {
    for (const [line, host] of [
      ['OPTIONS / HTTP/1.1', 'h'],
      ['OPTIONS /100%?a HTTP/1.0', 'h'],
      ['OPTIONS http://other/ HTTP/1.1', 'other'],
    ] as const)
      t.strictSame(parsePlainRequest(headOf(line), hasFiles), { host, text: null }, line);
    t.throws(
      () => parsePlainRequest(headOf('OPTIONS / HTTP/1.1', 'Content-Length: 1'), hasFiles),
      new HandshakeError('body'),
    );
  }
  const { head } = readHead(upgradeText({}, 'OPTIONS / HTTP/1.1'), Infinity);
  t.equal(
    parsePlainRequest(head!, false),
    null,
    'an opening handshake is told that it has to be GET',
  );
  t.throws(() => parse(head!), new HandshakeError('method', { Allow: 'GET, HEAD' }));
});

t.test('without files everybody else is told that this is a WebSocket server', async (t) => {
  for (const line of ['GET / HTTP/1.1', 'POST / HTTP/1.1', 'GET /% HTTP/1.1', 'GET / HTTP/2.0'])
    t.equal(parsePlainRequest(headOf(line), false), null, line);
});

t.test('whom a request is for', async (t) => {
  t.equal(parse(headOf('GET / HTTP/1.1'))?.host, 'h');
  t.equal(parse(headOf('GET http://other:1/ HTTP/1.1'))?.host, 'other:1');
});
