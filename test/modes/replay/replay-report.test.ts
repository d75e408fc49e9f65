import t from 'tap';
import { ReplayReport } from '../../../src/modes/replay/replay-report.js';
import type { ReplaySession } from '../../../src/recording/replay/replay-index.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { SECRET } from '../../fixtures/telling-requests.js';

interface Parts {
  readonly session: FakeSession;
  readonly log: KeptLog;
  readonly report: ReplayReport;
}

function parts(recorded: Partial<ReplaySession> = {}): Parts {
  const session = new FakeSession();
  const log = new KeptLog();
  const all = {
    s: 'S1',
    id: 7,
    path: '/',
    subprotocol: null,
    cutOut: 0,
    messages: { in: 2, out: 1 },
    ...recorded,
  } as ReplaySession;
  return { session, log, report: new ReplayReport(session, all, log) };
}

const where = { session: 1, path: '/', replay: 'S1' };

t.test('counts are left with the session', async (t) => {
  const { session, report, log } = parts();
  const counts = { session: 'S1', steps: 0, total: 3, mismatches: 0 };
  t.strictSame(session.notes, { replay: counts });
  report.played();
  report.played();
  report.differs(2, 'message 2 is wrong');
  report.note();
  t.strictSame(session.notes, { replay: { ...counts, steps: 2, mismatches: 1 } });
  t.strictSame(log.lines, [
    { level: 'warn', message: 'message 2 is wrong', fields: { ...where, message: 2 } },
  ]);
});

t.test('not more than ten messages are named', async (t) => {
  const { session, report, log } = parts();
  for (let number = 1; number <= 30; number++) report.differs(number, `message ${number}`);
  t.equal(log.lines.length, 11);
  t.match(log.lines.slice(9), [
    { message: 'message 10' },
    { message: 'more messages that are not the recorded ones are only counted' },
  ]);
  report.note();
  t.match(session.notes, { replay: { mismatches: 30 } });
});

t.test('what cannot be as it was', async (t) => {
  for (const [recorded, lines] of [
    [{}, []],
    [{ id: null, subprotocol: 'not known' }, []],
    [
      { subprotocol: 'mqtt' },
      [
        {
          level: 'warn',
          message: 'the subprotocol is not the recorded one',
          fields: { ...where, subprotocol: null, recorded: 'mqtt' },
        },
      ],
    ],
    [
      { cutOut: 3 },
      [
        {
          level: 'warn',
          message: 'recorded payloads are cut: what is there of them is sent',
          fields: { ...where, records: 3 },
        },
      ],
    ],
  ] as const) {
    const { report, log } = parts(recorded);
    report.opened();
    t.strictSame(log.lines, lines);
  }
});

t.test('a client that closes before the end', async (t) => {
  const { report, log } = parts();
  report.played();
  report.clientClosed();
  t.strictSame(log.lines, [
    {
      level: 'debug',
      message: 'the client closed before the end of the recorded session',
      fields: { ...where, steps: 1, total: 3 },
    },
  ]);
  report.played();
  report.played();
  report.clientClosed();
  t.equal(log.lines.length, 1, 'at the end there is nothing to tell');
});

t.test('tokens of two clients differ, and are in no line', async (t) => {
  const token = `bearer.${SECRET}`;
  for (const [selected, recorded, fields] of [
    [token, '[hidden:9]', null],
    ['my.app', 'my.app', null],
    ['mqtt', token, { subprotocol: 'mqtt', recorded: '[hidden:32]' }],
    [token, 'mqtt', { subprotocol: '[hidden:32]', recorded: 'mqtt' }],
    [token, null, { subprotocol: '[hidden:32]', recorded: null }],
  ] as const) {
    const { session, report, log } = parts({ subprotocol: recorded });
    Object.assign(session, { subprotocol: selected, path: `/${SECRET}` });
    report.opened();
    t.equal(log.lines.length, fields === null ? 0 : 1);
    if (fields !== null) t.match(log.lines[0]?.fields, { ...fields, path: '/[hidden:25]' });
  }
});
