import t from 'tap';
import type { SessionRow } from '../../../../src/inspect/page-protocol.js';
import {
  SESSION_COLUMNS,
  type SessionColumn,
  chosenSessions,
  durationOf,
} from '../../../../web/inspect/model/sessions.js';

const make = (s: string, more: Partial<SessionRow>): SessionRow => ({
  s,
  id: Number(s),
  remote: '192.0.2.1:1000',
  url: '/',
  mode: 'echo',
  subprotocol: null,
  extensions: null,
  tls: null,
  opened: 100,
  last: 110,
  in: { msgs: 0, bytes: 0 },
  out: { msgs: 0, bytes: 0 },
  ...more,
});

const SESSIONS = [
  make('1', { remote: '192.0.2.9:1', url: '/b', in: { msgs: 1, bytes: 5 }, opened: 101 }),
  make('2', { mode: 'tcp:db:1', url: '/a', subprotocol: 'mqtt', out: { msgs: 1, bytes: 9 } }),
  make('3', {
    url: '/c',
    subprotocol: 'json',
    close: {
      t: 104,
      by: 'server',
      code: 1002,
      reason: '',
      codeSentence: '',
      rule: 'control-too-long',
    },
  }),
];

const names = (choice: Partial<Parameters<typeof chosenSessions>[1]>): string =>
  chosenSessions(
    SESSIONS,
    { search: '', status: 'all', sort: { column: 'opened', isDescending: false }, ...choice },
    120,
  )
    .map(({ s }) => s)
    .join('');

t.test('which sessions are shown', async (t) => {
  t.equal(names({ status: 'open' }), '21');
  t.equal(names({ status: 'ended' }), '3');
  for (const [search, found] of [
    ['MQTT', '2'],
    ['#3', '3'],
    ['1002', '3'],
    ['control', '3'],
    ['echo /c', '3'],
    ['192.0.2.9', '1'],
    ['nothing', ''],
  ] as const)
    t.equal(names({ search }), found, search);
});

t.test('in which order', async (t) => {
  const orders: Readonly<Record<SessionColumn, string>> = {
    opened: '231',
    remote: '231',
    url: '213',
    mode: '312',
    subprotocol: '132',
    duration: '312',
    in: '231',
    out: '312',
    close: '213',
  };
  for (const column of SESSION_COLUMNS) {
    t.equal(names({ sort: { column, isDescending: false } }), orders[column], column);
    const back = orders[column].replace(/(.)(.)(.)/, '$3$2$1');
    t.equal(names({ sort: { column, isDescending: true } }), back, `${column}, backwards`);
  }
});

t.test('how long a session is', async (t) => {
  t.equal(durationOf(SESSIONS[2]!, 1000), 4);
  t.equal(durationOf(SESSIONS[1]!, 130), 30);
  t.equal(durationOf(SESSIONS[1]!, 0), 10, 'of a recording: to its last record');
  t.equal(durationOf(make('4', { opened: 200 }), 150), 0, 'clocks differ');
});
