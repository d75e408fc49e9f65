import t from 'tap';
import { type Rules, findUnwelcome, recheck } from '../../src/server/recheck.js';
import type { Mode } from '../../src/session/mode.js';
import type { ServedSession } from '../../src/session/session-host.js';

const modeOf = (name: string, more: Partial<Mode> = {}): Mode => ({
  name,
  delivery: 'messages',
  ...more,
});

const echo = modeOf('echo');

function sessionOf(mode: Mode, closed: unknown[] = [], path = '/a'): ServedSession {
  return {
    mode,
    path,
    remoteAddress: '192.0.2.1',
    close: (...given: unknown[]) => closed.push(given),
  } as unknown as ServedSession;
}

const rulesOf = (mode: Mode | null, isAllowed = true): Rules => ({
  isAllowed: (address) => {
    t.equal(address, '192.0.2.1');
    return isAllowed;
  },
  findMode: (path) => {
    t.equal(path, '/a');
    return mode;
  },
});

t.test('who would not be let in again, and why', async (t) => {
  const session = sessionOf(echo);
  t.equal(findUnwelcome(session, rulesOf(echo)), null);
  t.equal(findUnwelcome(session, rulesOf(modeOf('echo'))), null, 'the same, made again');
  t.equal(findUnwelcome(session, rulesOf(echo, false)), 'address');
  t.equal(findUnwelcome(session, rulesOf(null)), 'route');
  t.equal(findUnwelcome(session, rulesOf(modeOf('tcp:a:1'))), 'route');
  for (const [answer, unwelcome] of [
    [true, null],
    [false, 'route'],
  ] as const) {
    const stillServes = (asked: unknown): boolean => {
      t.equal(asked, session);
      return answer;
    };
    t.equal(findUnwelcome(session, rulesOf(modeOf('echo', { stillServes }))), unwelcome);
  }
});

t.test('they are told', async (t) => {
  for (const [rules, reason] of [
    [rulesOf(echo, false), 'this address is not allowed any more'],
    [rulesOf(null), 'this path does not lead there any more'],
  ] as const) {
    const closed: unknown[] = [];
    t.equal(await recheck([sessionOf(echo, closed), sessionOf(echo, closed)], rules), 2);
    t.strictSame(closed, [
      [1008, reason],
      [1008, reason],
    ]);
  }
  t.equal(await recheck([sessionOf(echo)], rulesOf(echo)), 0);
});

t.test('others have their turns meanwhile, and the time is linear', async (t) => {
  for (const count of [1000, 10_000]) {
    let looked = 0;
    let turns = 0;
    const rules: Rules = {
      isAllowed: () => {
        looked++;
        return true;
      },
      findMode: () => echo,
    };
    let isOver = false;
    const turn = (): void => {
      if (isOver) return;
      turns++;
      setImmediate(turn);
    };
    setImmediate(turn);
    const sessions = Array.from({ length: count }, () => sessionOf(echo));
    t.equal(await recheck(sessions, rules), 0);
    isOver = true;
    t.equal(looked, count, 'each is looked at once');
    t.ok(turns >= count / 250 - 1, `${turns} turns of others`);
  }
});
