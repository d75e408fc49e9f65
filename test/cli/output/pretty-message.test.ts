import t from 'tap';
import { prettyMessage } from '../../../src/cli/output/pretty-message.js';

const pretty = (log: Readonly<Record<string, unknown>>, isStyled = false): string =>
  prettyMessage({ level: 'error', time: 't', ...log }, 'msg', isStyled);

t.test('the message, then each field', async (t) => {
  t.equal(
    pretty({
      msg: 'session ended',
      remote: '[::1]:51234',
      code: 1000,
      path: '/a b',
      empty: '',
      on: true,
      none: null,
      list: [1],
    }),
    'session ended remote=[::1]:51234 code=1000 path="/a b" empty="" on=true none=null list=[1]',
  );
  t.equal(pretty({}), '');
  t.equal(pretty({ a: 1 }), ' a=1');
});

t.test('the end of a session is read at a glance', async (t) => {
  const traffic = { messages: 1, bytes: 5 };
  const line = pretty({
    ...{ level: 'info', msg: 'session ended', worker: 2, session: 7, peer: '[::1]:51234' },
    ...{ path: '/', mode: 'echo', user: 'zoë b', in: traffic, out: traffic, durationMs: 1500 },
    ...{ closedBy: 'client', code: 1000, extra: 1 },
  });
  t.match(
    line,
    /^ session ended {2}#7 .* 1\.500 s .* 1000 by client worker=2 user="zoë b" extra=1$/,
  );
});

t.test('what stands beside the columns is small print', async (t) => {
  const traffic = { messages: 1, bytes: 5 };
  const line = pretty(
    {
      ...{ msg: 'session ended', session: 7, peer: 'unix', path: '/', mode: 'echo', user: 'zoë' },
      ...{ in: traffic, out: traffic, durationMs: 1500, closedBy: 'client', code: 1000 },
    },
    true,
  );
  t.ok(line.endsWith('  1000 by client\u001b[2m user="zoë"\u001b[22m'), line);
});

t.test('levels take the same room', async (t) => {
  for (const [level, room] of [
    ['error', ''],
    ['info', ' '],
    ['silently', ''],
  ] as const) {
    t.equal(pretty({ level, msg: 'x' }), `${room}x`, level);
  }
});

t.test('an error stands below, whatever its key', async (t) => {
  const err = { type: 'Error', message: 'boom', stack: 'Error: boom\n    at a.js:1' };
  t.equal(pretty({ msg: 'failed', err, n: 1 }), 'failed n=1\n  Error: boom\n      at a.js:1');
  t.equal(pretty({ msg: 'x', err: { message: 'no stack' } }), 'x err={"message":"no stack"}');
  t.equal(pretty({ msg: 'x', err: { stack: 1 } }), 'x err={"stack":1}');
  t.equal(pretty({ msg: 'x', err: 'text' }), 'x err=text');
});

t.test('no control character reaches the terminal', async (t) => {
  const evil = '\u001b[2J\u009b31m\u0007\n\r\u007f\u2028';
  const line = pretty({ msg: evil, path: evil, [evil]: 1, err: { stack: evil }, deep: { evil } });
  t.notMatch(line.replace(/\n {2}/g, ''), /[\u0000-\u001f\u007f-\u009f\u2028]/); // eslint-disable-line no-control-regex
  t.match(line, 'path="\\u001b[2J\\u009b31m\\u0007\\n\\r\\u007f\\u2028"');
  t.equal(line.split('\n').length, 3, 'only the lines of the stack');
});

t.test('style', async (t) => {
  t.equal(
    pretty({ msg: 'x', a: 1, err: { stack: 's' } }, true),
    'x \u001b[2ma=\u001b[22m1\n\u001b[2m  s\u001b[22m',
  );
});
