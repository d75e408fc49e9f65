import t from 'tap';
import { endProblem, endsSessionsOf } from '../../../src/app/inspect/inspector.js';
import { KeptLog } from '../../fixtures/kept-log.js';

t.test('a Close that an operator may send', async (t) => {
  for (const code of [1000, 1001, 1008, 1011, 1012, 1013, 1014, 3000, 4999])
    t.equal(endProblem(code, ''), null, String(code));
  for (const code of [
    0,
    999,
    1002,
    1003,
    1005,
    1006,
    1007,
    1009,
    1010,
    1015,
    2999,
    5000,
    3000.5,
    '1000',
    null,
  ])
    t.match(endProblem(code, ''), /^the code must be 1000, /, String(code));
  t.equal(endProblem(1000, 'x'.repeat(123)), null);
  for (const reason of ['x'.repeat(124), 'é'.repeat(62), 7])
    t.match(endProblem(1000, reason), /^the reason must be a text of at most 123 bytes/);
});

t.test('a session is ended, and the log says so', async (t) => {
  const log = new KeptLog();
  const asked: unknown[] = [];
  const end = endsSessionsOf(
    {
      end: (...given) => {
        asked.push(given);
        return given[0] === 'ONE';
      },
    },
    log,
  );
  t.equal(end('ONE', 1000, 'enough'), null);
  t.strictSame(log.lines, [
    {
      level: 'info',
      message: 'session ended by the inspector',
      fields: { recorded: 'ONE', code: 1000, reason: 'enough' },
    },
  ]);
  t.equal(end('TWO', 1000, ''), 'this session is not open any more');
  t.match(end('ONE', 1002, ''), /^the code must be/);
  t.strictSame(asked, [
    ['ONE', 1000, 'enough'],
    ['TWO', 1000, ''],
  ]);
  t.equal(log.lines.length, 1);
});
