import t from 'tap';
import { SESSION_KEYS, isEndedSession, sessionLine } from '../../../src/cli/output/session-line.js';

const ENDED = {
  session: 7,
  peer: '127.0.0.1:51234',
  path: '/chat',
  mode: 'echo',
  in: { messages: 2, bytes: 10 },
  out: { messages: 1200, bytes: 3_500_000 },
  durationMs: 1204.3,
  closedBy: 'client',
  code: 1000,
};

const line = (changes: object = {}, isStyled = false): string =>
  sessionLine({ ...ENDED, ...changes }, isStyled);

t.test('columns', async (t) => {
  t.equal(
    line(),
    '#7     127.0.0.1:51234        /chat echo           1.204 s  → 2 msg 10 B        ← 1200 msg 3.3 MiB  1000 by client',
  );
  const other = line({ session: 1234, peer: '10.0.0.1:1', durationMs: 0.5, out: ENDED.in });
  t.equal(other.indexOf('1000 by'), line().indexOf('1000 by'), 'they are aligned');
  t.match(line({ reason: 'bye' }), / {2}1000 by client: bye$/);
  t.match(line({ closedBy: 'lost', code: 1006 }), / {2}1006 lost$/);
  const broken = { closedBy: 'server', code: 1002, reason: 'unmasked', rule: 'frame-unmasked' };
  t.match(line(broken), / {2}1002 by server: unmasked \(frame-unmasked\)$/);
});

t.test('bytes at a glance', async (t) => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [9999, '9999 B'],
    [10_000, '9.8 KiB'],
    [1024 * 999, '999.0 KiB'],
    [1024 * 1000, '1.0 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [2 * 1024 ** 5, '2048.0 TiB'],
  ] as const)
    t.match(line({ in: { messages: 1, bytes } }), `→ 1 msg ${text} `, text);
});

t.test('what went wrong is red', async (t) => {
  const red = '\u001b[31m';
  for (const code of [1000, 1001, 1005]) t.notMatch(line({ code }, true), red);
  for (const code of [1006, 1011, 4000]) t.match(line({ code }, true), `${red}${code} by client`);
  t.match(line({ rule: 'idle', code: 1001 }, true), red);
  t.match(line({}, true), '\u001b[36m#7   \u001b[39m');
  t.notMatch(line({ code: 1006 }), '\u001b');
});

t.test('no control character reaches the terminal', async (t) => {
  const evil = '\u001b[2J\n';
  const texts = { peer: evil, path: evil, mode: evil, closedBy: evil, reason: evil, rule: evil };
  t.notMatch(line(texts), /[\u0000-\u001f]/); // eslint-disable-line no-control-regex
});

t.test('it has what it needs, or is no such line', async (t) => {
  t.equal(isEndedSession(ENDED), true);
  t.equal(isEndedSession({ ...ENDED, reason: 'a', rule: 'b', other: {} }), true);
  for (const key of Object.keys(ENDED)) {
    t.equal(isEndedSession({ ...ENDED, [key]: null }), false, key);
    t.ok(SESSION_KEYS.includes(key), key);
  }
  t.equal(isEndedSession({ ...ENDED, rule: 1 }), false);
  t.equal(isEndedSession({ ...ENDED, in: { messages: 1 } }), false);
});
