import t from 'tap';
import {
  TOKEN_IN_HOST,
  TOKEN_IN_QUERY,
  type TokenBearer,
  tokenInPath,
  tokenPlace,
} from '../../../../src/modes/tcp/tokens/token-place.js';

const asked = (part: Partial<TokenBearer>): TokenBearer => ({
  path: '/',
  query: '',
  host: 'localhost',
  ...part,
});

t.test('in the query', async (t) => {
  const find = (query: string): readonly string[] => TOKEN_IN_QUERY.find(asked({ query }));
  t.strictSame(find('token=a%20b+c%0A'), ['a b c']);
  t.strictSame(find('token=&token=b'), ['b']);
  for (const query of ['', 'token', 'token=', 'Token=a', 'token=%ff'])
    t.strictSame(find(query), [], query);
});

t.test('in the path: its last segment', async (t) => {
  const find = (path: string): readonly string[] =>
    tokenInPath(['/vnc', '/']).find(asked({ path }));
  for (const [path, token] of [
    ['/vnc/desk-7', 'desk-7'],
    ['/vnc/desk-7/', 'desk-7'],
    ['/desk-7', 'desk-7'],
    ['/a/b/c', 'c'],
    ['/vnc/a%20b', 'a b'],
    ['/vnc/a+b&c=d;e==', 'a+b&c=d;e=='],
    ['/vnc/a%2Fb%3F%0A', 'a/b?'],
    ['/vnc/100%', '100%'],
    ['/vnc/%zz', '%zz'],
    ['/vnc/..', '..'],
    ['/vnc/%C3%BC', 'ü'],
    ['/VNC', 'VNC'],
  ] as const)
    t.strictSame(find(path), [token], path);
  for (const path of ['/', '//', '/vnc', '/vnc/', '/vnc/%ff', '/vnc/%0A'])
    t.strictSame(find(path), [], path);
});

t.test('in the host: its first label, or the whole name', async (t) => {
  const find = (host: string): readonly string[] => TOKEN_IN_HOST.find(asked({ host }));
  t.strictSame(find('desk-7.example.com'), ['desk-7', 'desk-7.example.com']);
  t.strictSame(find('DESK-7.Example.com.:8080'), ['desk-7', 'desk-7.example.com']);
  t.strictSame(find('desk-7'), ['desk-7']);
  for (const host of ['192.0.2.1', '[::1]:80', '', 'a@b', 'a b'])
    t.strictSame(find(host), [], host);
  t.ok(TOKEN_IN_HOST.isCaseless);
});

t.test('where it stands, as it was sent', async (t) => {
  const request = { path: '/a/b', query: 'c=d', host: 'e.f' };
  for (const [from, text] of [
    ['query', 'c=d'],
    ['path', '/a/b'],
    ['host', 'e.f'],
  ] as const) {
    const place = tokenPlace(from, []);
    t.equal(place.from, from);
    t.equal(place.textOf(request), text);
  }
});
