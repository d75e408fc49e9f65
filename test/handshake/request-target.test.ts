import t from 'tap';
import {
  hasStrayPercent,
  normalPath,
  RequestTargetScanner,
  routePath,
  splitRequestTarget,
} from '../../src/handshake/request-target.js';

/** How many bytes are accepted, and whether they are a whole target. */
const scan = (target: string): { acceptedBytes: number; isComplete: boolean } => {
  const scanner = new RequestTargetScanner();
  for (let index = 0; index < target.length; index += 1) {
    if (!scanner.accept(target.charCodeAt(index))) {
      return { acceptedBytes: index, isComplete: false };
    }
  }
  return { acceptedBytes: target.length, isComplete: scanner.isComplete };
};

t.test('whole targets (RFC 9112 §3.2)', async (t) => {
  const table: readonly (readonly [
    target: string,
    authority: string | null,
    path: string,
    query: string,
  ])[] = [
    ['/', null, '/', ''],
    ['/chat', null, '/chat', ''],
    ['/chat?', null, '/chat', ''],
    ['/chat?a=b', null, '/chat', 'a=b'],
    ['/chat?a=b?c', null, '/chat', 'a=b?c'],
    ['/?/', null, '/', '/'],
    ['//', null, '/', ''],
    ['//other/x', null, '/other/x', ''],
    ['/other//', null, '/other/', ''],
    ['/a/../b/./c', null, '/a/../b/./c', ''],
    ['/http://x/', null, '/http:/x/', ''],
    ['/%20%aF%00', null, '/%20%aF%00', ''],
    ['/100%', null, '/100%', ''],
    ['/%%4?%', null, '/%%4', '%'],
    ['/a?100%', null, '/a', '100%'],
    ['/a?%zz', null, '/a', '%zz'],
    ['/a|b^c`{d}[e]\\"<>@:;,', null, '/a|b^c`{d}[e]\\"<>@:;,', ''],
    ['http://example.com', 'example.com', '/', ''],
    ['http://example.com/', 'example.com', '/', ''],
    ['http://example.com?x=1', 'example.com', '/', 'x=1'],
    ['https://example.com:8443/a?b', 'example.com:8443', '/a', 'b'],
    ['ws://[::1]:9001/a', '[::1]:9001', '/a', ''],
    ['wss://h/a//b?c//d', 'h', '/a/b', 'c//d'],
    ['WSS://H/', 'H', '/', ''],
    ['HttP://h/', 'h', '/', ''],
    ['ws://%41/', '%41', '/', ''],
  ];
  for (const [target, authority, path, query] of table) {
    t.strictSame(scan(target), { acceptedBytes: target.length, isComplete: true }, target);
    t.strictSame(splitRequestTarget(target), { authority, path, query }, target);
  }
});

t.test('targets that stop short', async (t) => {
  const short = ['', 'h', 'http', 'http:', 'http:/', 'http://', 'ws', 'wss'];
  for (const target of short) {
    t.strictSame(scan(target), { acceptedBytes: target.length, isComplete: false }, target);
  }
});

t.test('the first byte that no target has', async (t) => {
  const table: readonly (readonly [target: string, acceptedBytes: number])[] = [
    ['*', 0],
    ['?', 0],
    ['#', 0],
    [' ', 0],
    ['.', 0],
    ['%2f', 0],
    ['chat', 0],
    ['example.com:443', 0],
    ['hello', 1],
    ['http;', 4],
    ['http:x', 5],
    ['http:/x', 6],
    ['httpss://', 5],
    ['httpswss://', 5],
    ['ftp://h/', 0],
    ['wsx://', 2],
    ['wsss://', 3],
    ['w:', 1],
    ['http\x1a//', 4],
    ['http:\x0f/', 5],
    ['http:///', 7],
    ['http://?', 7],
    ['http://#', 7],
    ['http://user@h/', 11],
    ['http://h#', 8],
    ['http://h\\', 8],
    ['http://\xe4', 7],
    ['/#', 1],
    ['/a#b', 2],
    ['/a?b#c', 4],
    ['/\xe4', 1],
    ['/?\xe4', 2],
    ['/\x7f', 1],
    ['/\0', 1],
    ['/?\0', 2],
    ['/\t', 1],
    ['/?\t', 2],
  ];
  for (const [target, acceptedBytes] of table) {
    t.equal(scan(target).acceptedBytes, acceptedBytes, JSON.stringify(target));
    t.equal(scan(target).isComplete, false, JSON.stringify(target));
  }
});

t.test('every byte in path and query', async (t) => {
  for (let byte = 0; byte < 256; byte += 1) {
    const isVisible = byte > 0x20 && byte < 0x7f && byte !== 0x23;
    const character = String.fromCharCode(byte);
    t.equal(scan(`/${character}`).acceptedBytes, isVisible ? 2 : 1, `byte ${byte} in the path`);
    t.equal(scan(`/?${character}`).acceptedBytes, isVisible ? 3 : 2, `byte ${byte} in the query`);
  }
});

t.test('one form for paths that are the same', async (t) => {
  const table: readonly (readonly [path: string, normal: string, route: string])[] = [
    ['', '/', '/'],
    ['/', '/', '/'],
    ['//', '/', '/'],
    ['////', '/', '/'],
    ['/a', '/a', '/a'],
    ['//a', '/a', '/a'],
    ['///a//b', '/a/b', '/a/b'],
    ['/a/', '/a/', '/a'],
    ['/a//', '/a/', '/a'],
    ['//a///b///', '/a/b/', '/a/b'],
    // Nothing else is changed.
    ['/a/./../b', '/a/./../b', '/a/./../b'],
    ['/%2F/%2f', '/%2F/%2f', '/%2F/%2f'],
    ['/a\\/b', '/a\\/b', '/a\\/b'],
    ['/A;x=1', '/A;x=1', '/A;x=1'],
  ];
  for (const [path, normal, route] of table) {
    t.equal(normalPath(path), normal, path);
    t.equal(normalPath(normal), normal, 'which is its own form');
    t.equal(routePath(path), route, path);
    t.equal(routePath(route), route);
  }
});

t.test('a % that begins no escape', async (t) => {
  for (const path of ['/%', '/100%', '/%4', '/%4/', '/%4g', '/%g4', '/%%41', '/%41%', '/%41%4'])
    t.equal(hasStrayPercent(path), true, path);
  for (const path of ['', '/', '/%41', '/%aF%00', '/a%20b/', '/%2541'])
    t.equal(hasStrayPercent(path), false, path);
});
