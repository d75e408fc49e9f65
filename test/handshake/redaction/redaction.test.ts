import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  type KnownHarmless,
  Redaction,
  STRICT_REDACTION,
  hidden,
  publicAuthority,
  withoutLengths,
} from '../../../src/handshake/redaction/redaction.js';
import { cpuMs } from '../../fixtures/cpu-time.js';
import { SECRET, TELLING_REQUESTS } from '../../fixtures/telling-requests.js';

const strict = STRICT_REDACTION;

/** A table of texts, and what comes out; what came out comes out again. */
function checkTexts(
  t: Test,
  show: (text: string) => string,
  cases: readonly (readonly [text: string, shown: string])[],
): void {
  for (const [text, shown] of cases) {
    t.equal(show(text), shown, text);
    t.equal(show(shown), shown, `${text}, a second time`);
  }
}

t.test('what is hidden has a length, once', async (t) => {
  checkTexts(t, hidden, [
    ['', ''],
    ['abc', '[hidden:3]'],
    ['***', '***'],
    ['[hidden:]', '[hidden:9]'],
    ['[hidden:x]', '[hidden:10]'],
    ['[hidden:1]x', '[hidden:11]'],
    ['x[hidden:1]', '[hidden:11]'],
    ['[hidden:1234567890]', '[hidden:19]'],
  ]);
});

t.test('parameters of a URL: a value is shown when its name is harmless', async (t) => {
  checkTexts(t, (url) => strict.url(url), [
    ['/vnc', '/vnc'],
    ['/vnc?', '/vnc?'],
    ['/vnc?token=abc', '/vnc?token=[hidden:3]'],
    ['/vnc?room=1&access_token=a=b&x', '/vnc?room=[hidden:1]&access_token=[hidden:3]&[hidden:1]'],
    ['/?EIO=4&transport=websocket', '/?EIO=4&transport=websocket'],
    ['/?%45IO=4', '/?%45IO=4'],
    ['/?debug', '/?debug'],
    ['/?debug=', '/?debug='],
    ['/?v=1.2.3&v=eyJhbGciOiJIUzI1NiJ9', '/?v=1.2.3&v=[hidden:20]'],
    ['/?v=a/b', '/?v=[hidden:3]'],
    [`/?v=${'a-'.repeat(40)}`, '/?v=[hidden:80]'],
    ['/?v=1?token=abc', '/?v=[hidden:11]'],
    ['/?%74oken=abc', '/?%74oken=[hidden:3]'],
    ['/?eyJhbGciOiJIUzI1NiJ9', '/?[hidden:20]'],
    ['/?c2VjcmV0==', '/?[hidden:8]=='],
    ['/?token=', '/?[hidden:5]='],
    ['/?=abc', '/?=[hidden:3]'],
    ['/?a=1;token=abc', '/?a=[hidden:1];token=[hidden:3]'],
    ['/?a=1&&b=2&', '/?a=[hidden:1]&&b=[hidden:1]&'],
    ['/?0f8fad5b-d9cb-469f-a165-70867728950e=1', '/?[hidden:36]=[hidden:1]'],
    ['/?https://u:p@h/?token=1', '/?[hidden:20]=[hidden:1]'],
    [`/?${'n'.repeat(30).concat('-').repeat(3)}=1`, '/?[hidden:93]=[hidden:1]'],
    ['/?a=1#access_token=abc', '/?a=[hidden:1]#[hidden:16]'],
    ['/#?debug', '/#[hidden:6]'],
  ]);
});

t.test('paths: names are shown, parameters in them are parameters', async (t) => {
  checkTexts(t, (path) => strict.path(path), [
    ['/', '/'],
    ['//websockify', '//websockify'],
    ['/api/v1/rooms/blue%20room/', '/api/v1/rooms/blue%20room/'],
    ['/@scope/name', '/@scope/name'],
    ['/100%', '/100%'],
    ['/room;jsessionid=abc/x', '/room;jsessionid=[hidden:3]/x'],
    ['/room;v=1', '/room;v=1'],
    ['/room;abc', '/room;[hidden:3]'],
    ['/ws&token=abc', '/ws&token=[hidden:3]'],
    ['/token=abc/x', '/token=[hidden:3]/x'],
    ['/ws%3Ftoken%3Dabc', '/[hidden:16]'],
    ['/ws%253Ftoken%253Dabc', '/[hidden:20]'],
    ['/user:pass@host/x', '/[hidden:14]/x'],
    ['/u%40h', '/[hidden:5]'],
    ['/ws/eyJhbGciOiJIUzI1NiJ9/x', '/ws/[hidden:20]/x'],
    ['/ws\\0f8fad5b-d9cb-469f-a165-70867728950e', '/ws\\[hidden:36]'],
  ]);
});

t.test('absolute URLs: no user, no password', async (t) => {
  checkTexts(t, (url) => strict.url(url), [
    ['', ''],
    ['https://example.com:8443/a?tty=1', 'https://example.com:8443/a?tty=1'],
    ['https://user:pass@example.com/', 'https://[hidden:9]@example.com/'],
    ['https://a@b@example.com', 'https://[hidden:3]@example.com'],
    ['https://[::1]:9001/', 'https://[::1]:9001/'],
    ['https://a b/', 'https://[hidden:3]/'],
    ['https://h\\u@p', 'https://h\\[hidden:3]'],
    ['https://h?token=abc', 'https://h?token=[hidden:3]'],
    ['https://h#abc', 'https://h#[hidden:3]'],
    ['example.com/?token=abc', '[hidden:22]'],
    ['user:pass@host', '[hidden:14]'],
    ['data:text/plain,abc', '[hidden:19]'],
    ['://host/', '[hidden:8]'],
    ['eyJhbGciOiJIUzI1NiJ9://host/', '[hidden:28]'],
  ]);
  t.equal(publicAuthority('host:1'), 'host:1');
});

t.test('origins have no path', async (t) => {
  checkTexts(t, (origin) => strict.origin(origin), [
    ['null', 'null'],
    ['https://example.com', 'https://example.com'],
    ['file://', 'file://'],
    [
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    ],
    ['https://u:p@example.com', 'https://[hidden:3]@example.com'],
    ['https://example.com/?token=a', 'https://example.com/?token=[hidden:1]'],
    ['https://a, https://t@b', 'https://[hidden:9]//[hidden:3]'],
    ['abc', '[hidden:3]'],
  ]);
});

t.test('headers: a value is shown when the name is harmless', async (t) => {
  const cases: readonly (readonly [name: string, value: string, shown: string])[] = [
    ['user-agent', 'curl/8', 'curl/8'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ['authorization', 'Basic abc', '[hidden:9]'],
    ['x-anything', 'abc', '[hidden:3]'],
    ['x-empty', '', ''],
    ['host', 'example.com:1', 'example.com:1'],
    ['x-forwarded-host', 'u:p@h', '[hidden:5]'],
    ['referer', 'https://u:p@h/?a=1', 'https://[hidden:3]@h/?a=[hidden:1]'],
    ['x-envoy-original-path', '/a?token=b', '/a?token=[hidden:1]'],
    ['origin', 'https://h', 'https://h'],
    ['sec-websocket-protocol', 'chat,abc', 'chat, [hidden:3]'],
    [
      'forwarded',
      'for=192.0.2.1;proto=https, By="[::1]:80"',
      'for=192.0.2.1;proto=https, By="[::1]:80"',
    ],
    [
      'forwarded',
      'for=a@b;secret=abc;abc;@x=y',
      'for=[hidden:3];secret=[hidden:3];[hidden:3];[hidden:2]=[hidden:1]',
    ],
    [
      'sec-websocket-extensions',
      'permessage-deflate; client_max_window_bits; server_max_window_bits="10"',
      'permessage-deflate; client_max_window_bits; server_max_window_bits="10"',
    ],
    [
      'sec-websocket-extensions',
      'x-own; key=abc; abc; client_max_window_bits=12345, eyJhbGciOiJIUzI1NiJ9',
      'x-own; key=[hidden:3]; [hidden:3]; client_max_window_bits=[hidden:5], [hidden:20]',
    ],
    ['sec-websocket-extensions', 'a b; "=1', '[hidden:3]; [hidden:1]=1'],
    [
      'sec-websocket-extensions',
      'x-own; min_bytes=1000; level="9"; pin=12345; empty=',
      'x-own; min_bytes=1000; level="9"; pin=[hidden:5]; empty=',
    ],
  ];
  for (const [name, value, shown] of cases) {
    t.equal(strict.header(name, value), shown, `${name}: ${value}`);
    t.equal(strict.header(name, shown), shown, `${name}: ${value}, a second time`);
  }
});

t.test('all headers: each has one value, whatever its name is', async (t) => {
  const headers = strict.headers([
    { name: 'x-forwarded-for', value: '192.0.2.1' },
    { name: 'cookie', value: 'abc' },
    { name: 'x-forwarded-for', value: '192.0.2.2, 192.0.2.3' },
    { name: '__proto__', value: 'x' },
    { name: 'cookie', value: 'defg' },
  ]);
  t.strictSame(Object.entries(headers), [
    ['x-forwarded-for', '192.0.2.1, 192.0.2.2, 192.0.2.3'],
    ['cookie', '[hidden:9]'],
    ['__proto__', '[hidden:1]'],
  ]);
});

t.test('the operator shows more', async (t) => {
  const shows = (known: KnownHarmless): Redaction => new Redaction(known);
  const fields = [
    { name: 'x-room', value: 'blue' },
    { name: 'cookie', value: 'abc' },
    { name: 'referer', value: 'https://u:p@h/eyJhbGciOi?room=1&key=2' },
  ];
  t.strictSame(shows({ headers: ['x-room'], query: ['room'] }).headers(fields), {
    'x-room': 'blue',
    cookie: '[hidden:3]',
    referer: 'https://[hidden:3]@h/[hidden:10]?room=1&key=[hidden:1]',
  });
  t.strictSame(
    shows({ headers: '*' }).headers(fields),
    Object.fromEntries(fields.map(({ name, value }) => [name, value])),
  );
  const all = shows({ query: '*' });
  t.equal(all.url('/eyJhbGciOi;id=7?room=1&abc'), '/eyJhbGciOi;id=7?room=1&abc');
  t.equal(all.header('referer', fields[2]!.value), 'https://[hidden:3]@h/eyJhbGciOi?room=1&key=2');
  t.equal(shows({ query: ['id'] }).url('/a;ID=7?%69d=b/c'), '/a;ID=7?%69d=b/c');
  t.equal(shows({ paths: ['/eyJhbGciOi'] }).url('/eyJhbGciOi?x=1'), '/eyJhbGciOi?x=[hidden:1]');
});

t.test('subprotocols and extensions that the operator shows', async (t) => {
  t.equal(strict.subprotocol('mqtt'), 'mqtt');
  t.equal(strict.subprotocol('my.app'), '[hidden:6]');
  t.equal(new Redaction({ subprotocols: ['my.app'] }).subprotocol('my.app'), 'my.app');
  for (const headers of ['*', ['sec-websocket-protocol']] as const)
    t.equal(new Redaction({ headers }).subprotocol('my.app'), 'my.app');
  t.equal(strict.extensions('x; key=abc'), 'x; key=[hidden:3]');
  for (const headers of ['*', ['sec-websocket-extensions']] as const)
    t.equal(new Redaction({ headers }).extensions('x; key=abc'), 'x; key=abc');
});

t.test('without lengths, what is hidden is all alike', async (t) => {
  t.equal(withoutLengths('/room'), '/room');
  const shown = (path: string): string => withoutLengths(strict.path(path));
  t.equal(shown('/room;id=1/x'), shown('/room;id=abc/x'));
  t.not(shown('/room;id=1/x'), shown('/room;id=1/y'));
  t.equal(withoutLengths('/[hidden:'), '/[hidden:');
});

t.test('a table of places where clients put secrets: none is shown, all names are', async (t) => {
  for (const { what, target = '/', headers = [], names } of TELLING_REQUESTS) {
    const shown = JSON.stringify({
      url: strict.url(target),
      headers: strict.headers(headers.map(([name, value]) => ({ name, value }))),
    });
    t.notOk(shown.includes(SECRET), `${what}: ${shown}`);
    t.match(shown, /\[hidden:\d+\]/, what);
    for (const name of names ?? []) t.ok(shown.includes(name), `${what}: ${name} in ${shown}`);
  }
});

t.test('any secret in any place of any request', async () => {
  const alphabet =
    'A B C D E F G H J K M N P Q R S T U V W X Y Z a b c d e f g h j k m n p 2 3 4 5 6 7 8 9';
  const secret = fc
    .array(fc.constantFrom(...alphabet.split(' ')), { minLength: 24, maxLength: 60 })
    .map((characters) => `q7${characters.join('')}`);
  const places = fc.constantFrom(...TELLING_REQUESTS);
  const noise = fc.constantFrom('', 'a=1&', 'EIO=4&', 'x;', '%41=2&', '&', 'debug&');
  fc.assert(
    fc.property(secret, places, noise, (text, { target = '/', headers = [] }, before) => {
      const put = (template: string): string => template.replaceAll(SECRET, text);
      const shown = JSON.stringify([
        strict.url(put(target).replace('?', `?${before}`)),
        strict.headers(headers.map(([name, value]) => ({ name, value: put(value) }))),
      ]);
      return !shown.includes(text);
    }),
    { numRuns: 2000 },
  );
});

t.test('what went through once comes out of a second time as it is', async () => {
  const piece = fc.constantFrom(
    ...['/', '?', '&', ';', '=', '#', '@', ':', '//', '://', '%3D', '%', '\\', ',', ' ', '"'],
    ...['a', 'v', 'token', 'eyJabc', 'x1'.repeat(9), '***', '[hidden:3]', '[hidden:', ']', 'https'],
  );
  const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
  const names = ['referer', 'origin', 'sec-websocket-protocol', 'sec-websocket-extensions'];
  fc.assert(
    fc.property(text, fc.constantFrom(...names, 'forwarded', 'host', 'cookie'), (value, name) => {
      const once = strict.header(name, value.trim());
      const url = strict.url(`/${value}`);
      return strict.header(name, once) === once && strict.url(url) === url;
    }),
    { numRuns: 5000 },
  );
});

t.test('tokens in the path', async (t) => {
  for (const query of [[], '*'] as const) {
    const own = new Redaction({ tokensIn: 'path', paths: ['/vnc', '/a/b'], query });
    checkTexts(t, (text) => own.path(text), [
      ['/vnc', '/vnc'],
      ['/vnc/', '/vnc/'],
      ['/a/b//', '/a/b//'],
      ['/vnc/desk-7', '/vnc/[hidden:6]'],
      ['/vnc/desk-7//', '/vnc/[hidden:6]//'],
      ['/desk-7', '/[hidden:6]'],
      ['/vnc/a;b=c', '/vnc/[hidden:5]'],
      ['/', '/'],
      ['//', '//'],
    ]);
    checkTexts(t, (text) => own.url(text), [
      ['/vnc/desk-7?v=1', '/vnc/[hidden:6]?v=1'],
      ['wss://a.example/vnc/desk-7', 'wss://a.example/vnc/[hidden:6]'],
    ]);
  }
  const named = new Redaction({ tokensIn: 'path', headers: '*' });
  t.equal(
    named.header('referer', 'https://a.example/vnc/desk-7'),
    'https://a.example/vnc/[hidden:6]',
  );
  t.equal(named.header('cookie', 'a=b'), 'a=b');
});

t.test('tokens in the host', async (t) => {
  for (const headers of [[], '*'] as const) {
    const own = new Redaction({ tokensIn: 'host', headers });
    for (const name of ['host', 'x-forwarded-host', 'x-original-host'])
      checkTexts(t, (text) => own.header(name, text), [
        ['desk-7.example.com', '[hidden:6].example.com'],
        ['desk-7.example.com:8080', '[hidden:6].example.com:8080'],
        ['desk-7', '[hidden:6]'],
        ['desk-7:80', '[hidden:6]:80'],
        ['desk-7.a, desk-8.b:1', '[hidden:6].a, [hidden:6].b:1'],
        ['localhost:9001', 'localhost:9001'],
        ['192.0.2.1:80', '192.0.2.1:80'],
        ['[::1]:80', '[::1]:80'],
        ['a@b', '[hidden:3]'],
      ]);
    checkTexts(t, (text) => own.header('origin', text), [
      ['https://desk-7.example.com', 'https://[hidden:6].example.com'],
      ['null', 'null'],
    ]);
    t.equal(
      own.header('referer', 'https://u@desk-7.example.com:1/x?y=z'),
      'https://[hidden:1]@[hidden:6].example.com:1/x?y=[hidden:1]',
    );
    t.equal(
      own.header('forwarded', 'for=192.0.2.1;host=desk-7.example.com'),
      'for=192.0.2.1;host=[hidden:18]',
    );
    checkTexts(t, (text) => own.url(text), [
      ['wss://desk-7.example.com/a', 'wss://[hidden:6].example.com/a'],
      ['/a/b', '/a/b'],
    ]);
  }
});

t.test('its cost grows with what is looked at', async (t) => {
  const cases: readonly (readonly [what: string, name: string, unit: string])[] = [
    ['segments', 'referer', '/a'],
    ['parameters', 'referer', '?a&'],
    ['signs', 'referer', '%25'],
    ['users', 'referer', '@:'],
    ['schemes', 'referer', '://'],
    ['names', 'sec-websocket-protocol', 'a,'],
    ['extensions', 'sec-websocket-extensions', 'a;b,'],
    ['elements', 'forwarded', 'a=b;'],
    ['marks', 'referer', '[hidden:'],
  ];
  for (const [what, name, unit] of cases) {
    const of = (count: number): string => `/${unit.repeat(count)}`;
    const small = cpuMs(() => strict.header(name, of(20_000)));
    const large = cpuMs(() => strict.header(name, of(80_000)));
    t.ok(large < 12 * small + 40, `${what}: ${small} ms, then ${large} ms`);
  }
});
