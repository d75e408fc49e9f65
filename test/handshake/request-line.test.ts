import t from 'tap';
import { RequestLineScanner } from '../../src/handshake/request-line.js';

/** The rule broken and the bytes before it, or the line's parts. */
const scan = (line: string): unknown => {
  const scanner = new RequestLineScanner();
  for (let index = 0; index < line.length; index += 1) {
    const rule = scanner.accept(line.charCodeAt(index));
    if (rule !== null) return [rule, index];
  }
  return scanner.isComplete ? scanner.split(line) : 'incomplete';
};

t.test('whole request lines (RFC 9112 §3)', async (t) => {
  const table: readonly (readonly [string, string, string, string])[] = [
    ['GET / HTTP/1.1', 'GET', '/', '1.1'],
    ['GET /chat?x=1 HTTP/1.0', 'GET', '/chat?x=1', '1.0'],
    ['G / HTTP/0.9', 'G', '/', '0.9'],
    ['GET /100% HTTP/1.1', 'GET', '/100%', '1.1'],
    ["a!#$%&'*+-.^_`|~9 / HTTP/9.9", "a!#$%&'*+-.^_`|~9", '/', '9.9'],
    ['GET ws://h HTTP/2.0', 'GET', 'ws://h', '2.0'],
  ];
  for (const [line, method, target, version] of table) {
    t.strictSame(scan(line), { method, target, version }, line);
    for (let length = 0; length < line.length; length += 1) {
      t.equal(scan(line.slice(0, length)), 'incomplete', line.slice(0, length));
    }
  }
});

t.test('the first byte that no request line has', async (t) => {
  const table: readonly (readonly [line: string, rule: string, index: number])[] = [
    [' GET / HTTP/1.1', 'request-line', 0],
    ['\tGET / HTTP/1.1', 'request-line', 0],
    ['\0', 'request-line', 0],
    ['\x16\x03\x01', 'request-line', 0],
    ['GE\xff', 'request-line', 2],
    ['GET\t/ HTTP/1.1', 'request-line', 3],
    ['GET: / HTTP/1.1', 'request-line', 3],
    ['"GET" / HTTP/1.1', 'request-line', 0],
    ['GET  / HTTP/1.1', 'request-line', 4],
    ['GET \t/ HTTP/1.1', 'request-target', 4],
    ['GET * HTTP/1.1', 'request-target', 4],
    ['GET /a#b HTTP/1.1', 'request-target', 6],
    ['GET http:// HTTP/1.1', 'request-target', 11],
    ['GET http HTTP/1.1', 'request-target', 8],
    ['GET /\t HTTP/1.1', 'request-target', 5],
    ['GET /a b HTTP/1.1', 'request-line', 7],
    ['GET /  HTTP/1.1', 'request-line', 6],
    ['GET / http/1.1', 'request-line', 6],
    ['GET / HTTQ/1.1', 'request-line', 9],
    ['GET / HTTP 1.1', 'request-line', 10],
    ['GET / HTTP/x.1', 'request-line', 11],
    ['GET / HTTP/11.1', 'request-line', 12],
    ['GET / HTTP/1,1', 'request-line', 12],
    ['GET / HTTP/1.x', 'request-line', 13],
    ['GET / HTTP/1.10', 'request-line', 14],
    ['GET / HTTP/1.1 ', 'request-line', 14],
    ['GET / HTTP/1.1\t', 'request-line', 14],
    ['GET / HTTP/1.1\0', 'request-line', 14],
  ];
  for (const [line, rule, index] of table) t.strictSame(scan(line), [rule, index], line);
});
