import t, { type Test } from 'tap';
import {
  ROUTE_CLAUSES,
  hostName,
  proxyVersion,
  routes,
  target,
} from '../../../src/config/values/proxy-values.js';
import type { ValueType } from '../../../src/config/values/values.js';

/** Every path and message of what is refused. */
function refusal(type: ValueType<unknown>, given: unknown): (readonly [path: string, string])[] {
  const { error } = type.schema.safeParse(given);
  return (error?.issues ?? []).flatMap(function each(issue): (readonly [string, string])[] {
    const members = issue.code === 'invalid_union' ? issue.errors.flat().flatMap(each) : [];
    return [[issue.path.join('.'), issue.message], ...members];
  });
}

/** Asserts that nobody gets to read anything but the clause of the type. */
function refuses(t: Test, type: ValueType<unknown>, given: unknown): void {
  const messages = refusal(type, given);
  t.not(messages.length, 0, `refuses ${JSON.stringify(given)}`);
  for (const [, message] of messages) t.equal(message, type.clause);
}

function readsBack<Value>(t: Test, type: ValueType<Value>, value: Value, text: string): void {
  t.equal(type.toText(value), text);
  t.same(type.schema.parse(type.fromText(text)), value, 'text reads back');
  t.same(type.schema.parse(type.toJson(value)), value, 'JSON reads back');
}

t.test('a target', async (t) => {
  const type = target();
  t.equal(type.valueName, 'TARGET');
  t.equal(type.typeText, 'string');
  t.equal(type.isRepeatable, false);
  for (const [text, value] of [
    ['localhost:5900', { kind: 'tcp', host: 'localhost', port: 5900, text: 'localhost:5900' }],
    ['[::1]:1', { kind: 'tcp', host: '::1', port: 1, text: '[::1]:1' }],
    ['tls://a.example:1', { kind: 'tls', host: 'a.example', port: 1, text: 'tls://a.example:1' }],
    ['unix:/run/a', { kind: 'unix', path: '/run/a', text: 'unix:/run/a' }],
    ['off', null],
  ] as const) {
    t.same(type.schema.parse(text), value);
    readsBack(t, type, value, text);
  }
  for (const given of ['', 'a', ':80', 'a:0', 'a:65536', 'unix:', 'http://a:1', 80, null, [], true])
    refuses(t, type, given);
});

t.test('a host name', async (t) => {
  const type = hostName();
  t.equal(type.valueName, 'NAME');
  for (const [text, value] of [
    ['a.example', 'a.example'],
    ['off', null],
  ] as const) {
    t.equal(type.schema.parse(text), value);
    readsBack(t, type, value, text);
  }
  for (const given of ['', '127.0.0.1', '::1', '[::1]', 'a b', 'a:1', 1, null])
    refuses(t, type, given === '[::1]' ? '[::1' : given);
});

t.test('a version of the PROXY protocol', async (t) => {
  const type = proxyVersion();
  t.equal(type.valueName, '1|2');
  t.equal(type.typeText, "'off' | '1' | '2' | 1 | 2");
  for (const [given, value, text] of [
    ['off', 0, 'off'],
    ['1', 1, '1'],
    [1, 1, '1'],
    ['2', 2, '2'],
    [2, 2, '2'],
  ] as const) {
    t.equal(type.schema.parse(given), value);
    readsBack(t, type, value, text);
  }
  for (const given of ['', '0', 0, '3', 3, 1.5, 'v1', true, null, []]) refuses(t, type, given);
});

t.test('routes', async (t) => {
  const type = routes();
  t.equal(type.valueName, 'PATH=MODE');
  t.equal(type.isRepeatable, true);
  t.equal(type.typeText, 'string | readonly string[] | Readonly<Record<string, string>>');
  const echo = { path: '/echo', mode: { kind: 'echo' } } as const;
  const unix = {
    path: '/a',
    mode: { kind: 'tcp', target: { kind: 'unix', path: '/b=c', text: 'unix:/b=c' } },
  } as const;
  const both = [echo, unix];
  for (const given of [
    ['/echo=echo', '/a=tcp:unix:/b=c'],
    { '/echo': 'echo', '/a': 'tcp:unix:/b=c' },
    type.fromText('/echo=echo,/a=tcp:unix:/b=c'),
  ]) {
    t.strictSame(type.schema.parse(given), both);
  }
  readsBack(t, type, both, '/echo=echo,/a=tcp:unix:/b=c');
  t.strictSame(type.toJson(both), { '/echo': 'echo', '/a': 'tcp:unix:/b=c' });
  t.strictSame(type.schema.parse('/echo=echo'), [echo], 'one text');
  for (const given of ['none', ['none'], [], {}]) t.strictSame(type.schema.parse(given), []);
  readsBack(t, type, [], 'none');
  t.strictSame(type.toJson([]), {});
});

t.test('what is no route, and where', async (t) => {
  const type = routes();
  for (const given of [1, null, true, '', [''], [1]]) refuses(t, type, given);
  for (const given of [{ '/a': 1 }, { '/a': '' }, { '/a': {} }])
    t.match(
      refusal(type, given).find(([place]) => place === '/a'),
      ['/a', ROUTE_CLAUSES.mode],
      'the mode is what is wrong',
    );
  for (const [given, place, clause] of [
    ['echo', '', ROUTE_CLAUSES.form],
    [['/echo'], '0', ROUTE_CLAUSES.form],
    [['/a=echo', 'none'], '1', ROUTE_CLAUSES.form],
    [['=echo'], '0', ROUTE_CLAUSES.path],
    [['/a=echo', 'b=echo'], '1', ROUTE_CLAUSES.path],
    [{ '/a?b': 'echo' }, '/a?b', ROUTE_CLAUSES.path],
    [{ '/a=b': 'echo' }, '/a=b', ROUTE_CLAUSES.path],
    [{ '/a//b': 'echo' }, '/a//b', ROUTE_CLAUSES.path],
    [['/a=b=echo'], '0', ROUTE_CLAUSES.mode],
    [['/a='], '0', ROUTE_CLAUSES.mode],
    [{ '/a': 'ecko' }, '/a', ROUTE_CLAUSES.mode],
    [{ '/a': 'tcp:a' }, '/a', ROUTE_CLAUSES.target],
    [['/a=tcp:'], '0', ROUTE_CLAUSES.target],
    [['/a=mode:'], '0', ROUTE_CLAUSES.mode],
    [['/a=echo', '/a=token'], '1', 'give each one once, by its path'],
    [['/a=echo', '/a/=token'], '1', 'give each one once, by its path'],
  ] as const) {
    t.strictSame(refusal(type, given), [[place, clause]], JSON.stringify(given));
  }
});
