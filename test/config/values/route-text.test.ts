import t from 'tap';
import {
  formatRouteMode,
  isRoutePath,
  isSamePath,
  parseRouteMode,
} from '../../../src/config/values/route-text.js';

t.test('paths that a request can have', async (t) => {
  for (const path of ['/', '/vnc', '/a/b/', '/a%20b', '/a,b', '/~a:b@c!$&\'()*+;"<>\\^`{|}'])
    t.equal(isRoutePath(path), true, path);
  for (const path of [
    '',
    'vnc',
    '*',
    'http://a/',
    // No request has it, once it is in its normal form.
    '//',
    '//a',
    '/a//b',
    '/a//',
    '/a?b',
    '/a#b',
    '/a b',
    '/a=b',
    '/a%2',
    '/a%zz',
    '/ä',
    '/a\n',
    '/a\u007f',
  ]) {
    t.equal(isRoutePath(path), false, path);
  }
});

t.test('paths that are one', async (t) => {
  for (const [one, other, isSame] of [
    ['/', '/', true],
    ['/a', '/a', true],
    ['/a', '/a/', true],
    ['/a/b/', '/a/b', true],
    ['/a', '/A', false],
    ['/a', '/a/b', false],
    ['/', '/a', false],
  ] as const)
    t.equal(isSamePath(one, other), isSame, `${one} ${other}`);
});

t.test('modes, there and back', async (t) => {
  const target = { kind: 'tcp', host: 'localhost', port: 5900, text: 'localhost:5900' };
  for (const [text, mode] of [
    ['echo', { kind: 'echo' }],
    ['token', { kind: 'token' }],
    ['tcp:localhost:5900', { kind: 'tcp', target }],
    ['tcp:unix:/a=b', { kind: 'tcp', target: { kind: 'unix', path: '/a=b', text: 'unix:/a=b' } }],
    ['mode:./a b.mjs', { kind: 'mode', file: './a b.mjs' }],
    ['replay:a:b.ndjson', { kind: 'replay', file: 'a:b.ndjson' }],
  ] as const) {
    const parsed = parseRouteMode(text);
    t.strictSame(parsed, mode);
    t.equal(formatRouteMode(parsed!), text);
  }
});

t.test('what is no mode', async (t) => {
  for (const text of [
    '',
    'Echo',
    'echo ',
    'tcp',
    'tcp:',
    'tcp:5900',
    'tcp:a:0',
    'mode',
    'mode:',
    'replay:',
  ])
    t.equal(parseRouteMode(text), null, text);
});
