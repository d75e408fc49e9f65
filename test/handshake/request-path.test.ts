import t from 'tap';
import { hasStrayPercent, normalPath, routePath } from '../../src/handshake/request-path.js';

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

t.test('the work grows with the length and not faster', async (t) => {
  for (const unit of ['/', '%', '%41', 'a/', '//a', '%4']) {
    const cost = (length: number): number => {
      const text = unit.repeat(length);
      const start = process.cpuUsage();
      for (let round = 0; round < 20; round++) {
        normalPath(text);
        routePath(text);
        hasStrayPercent(text);
      }
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    cost(20_000);
    const once = cost(20_000);
    const four = cost(80_000);
    t.ok(four <= 12 * once + 20_000, `${unit}: ${once} us, and ${four} us for four times as much`);
  }
});
