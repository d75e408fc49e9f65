import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import type { RequestHead } from '../../../src/handshake/request-head.js';
import {
  Logins,
  type Passwords,
  type Turn,
  type Verdict,
} from '../../../src/server/auth/logins.js';
import { ClientLines } from '../../../src/server/log/client-lines.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { applicant } from '../../fixtures/logins.js';

const ATTACKER = '198.51.100.66';
const GOOD = '192.0.2.1';

function request(credentials: string): RequestHead {
  const value = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return {
    method: 'GET',
    target: '/',
    version: '1.1',
    headers: [{ name: 'authorization', value }],
  };
}

/** Passwords are right that are `right`; each check is kept. */
class TestPasswords implements Passwords {
  readonly turns: Turn[] = [];
  readonly #isLate: boolean;

  constructor(isLate: boolean) {
    this.#isLate = isLate;
  }

  check({ password }: { readonly password: string }, turn: Turn): Verdict | Promise<Verdict> {
    this.turns.push(turn);
    const verdict = password === 'right' ? 'right' : 'wrong';
    return this.#isLate ? Promise.resolve(verdict) : verdict;
  }
}

interface Fixture {
  readonly logins: Logins;
  readonly log: KeptLog;
  readonly passwords: TestPasswords;
  /** `ok`, or the rule and what Retry-After says. */
  readonly login: (credentials: string, address?: string) => Promise<string>;
  /** Lets time pass. */
  readonly after: (ms: number) => void;
}

function start(t: Test, max: number, isLate = false): Fixture {
  const log = new KeptLog();
  const passwords = new TestPasswords(isLate);
  const logins = new Logins(passwords, max, log);
  let nowMs = 1_000_000;
  t.intercept(performance, 'now', { value: () => nowMs });
  return {
    logins,
    log,
    passwords,
    login: async (credentials, address = ATTACKER) => {
      try {
        await logins.authorize(request(credentials), applicant(address));
        return 'ok';
      } catch (error) {
        const { rule, headers } = error as HandshakeError;
        return [rule, headers['Retry-After']].filter(Boolean).join(' ');
      }
    },
    after: (ms) => {
      nowMs += ms;
    },
  };
}

for (const isLate of [false, true]) {
  const when = isLate ? 'late' : 'at once';
  t.test(`the limit of failures, and one past it, ${when}`, async (t) => {
    const { login, logins, passwords, after } = start(t, 6, isLate);
    for (let count = 0; count < 6; count++) t.equal(await login('ann:wrong'), 'unauthorized');
    t.equal(await login('ann:wrong'), 'too-many-login-failures 10');
    t.equal(await login('ann:right'), 'too-many-login-failures 10', 'whatever it is');
    t.equal(passwords.turns.length, 6, 'and it is not looked at');
    t.equal(await login('ann:right', GOOD), 'ok', 'other addresses are as before');
    after(9999);
    t.equal(await login('ann:right'), 'too-many-login-failures 1');
    after(1);
    t.equal(await login('ann:wrong'), 'unauthorized');
    t.equal(await login('ann:right'), 'too-many-login-failures 10');
    after(60_000);
    for (let count = 0; count < 6; count++) t.equal(await login('ann:wrong'), 'unauthorized');
    t.match(logins.counters, { right: 1, wrong: 13, refused: 4 });
  });
}

t.test('right passwords are no failures, however many come', async (t) => {
  const { login } = start(t, 1);
  for (let count = 0; count < 100; count++) t.equal(await login(`user${count}:right`), 'ok');
  t.equal(await login('ann:wrong'), 'unauthorized');
});

t.test('a user who was let in from an address is not locked out by others there', async (t) => {
  const { login, passwords, after } = start(t, 2);
  t.equal(await login('ann:right'), 'ok');
  for (let count = 0; count < 9; count++) await login('mallory:wrong');
  t.equal(await login('mallory:right'), 'too-many-login-failures 30');
  t.equal(await login('ann:right'), 'ok');
  t.ok(passwords.turns.at(-1)!.isPreferred, 'and she comes first');
  t.equal(await login('ann:right', GOOD), 'ok');
  t.notOk(passwords.turns.at(-1)!.isPreferred, 'elsewhere she is as anybody');
  t.comment('But her password cannot be tried for ever from there.');
  t.equal(await login('ann:wrong'), 'unauthorized');
  t.equal(await login('ann:wrong'), 'unauthorized');
  t.equal(await login('ann:right'), 'too-many-login-failures 30');
  after(24 * 60 * 60_000);
  t.equal(await login('mallory:wrong'), 'unauthorized');
  t.equal(await login('mallory:wrong'), 'unauthorized');
  t.equal(await login('ann:right'), 'too-many-login-failures 30', 'after a day she is forgotten');
});

t.test('a network of IPv6 is one address, and those by a Unix socket are none', async (t) => {
  const { login, passwords } = start(t, 1);
  t.equal(await login('ann:wrong', '2001:db8::1'), 'unauthorized');
  t.equal(await login('ann:wrong', '2001:db8::ffff'), 'too-many-login-failures 60');
  t.equal(await login('ann:wrong', '2001:db8:0:1::1'), 'unauthorized');
  for (let count = 0; count < 9; count++) t.equal(await login('ann:wrong', 'unix'), 'unauthorized');
  t.equal(passwords.turns[0]!.group, '2001:db8::');
});

t.test('without a limit', async (t) => {
  const { login } = start(t, 0);
  for (let count = 0; count < 1000; count++) t.equal(await login('ann:wrong'), 'unauthorized');
});

t.test('one that waits for its turn is asked again when that has come', async (t) => {
  const { login, passwords } = start(t, 1, true);
  t.equal(await login('ann:wrong'), 'unauthorized');
  t.throws(
    () => {
      passwords.turns[0]!.assertAllowed();
    },
    new HandshakeError('too-many-login-failures', { 'Retry-After': '60' }),
  );
});

t.test('an address that is over the limit is told of once a minute', async (t) => {
  const { login, log, after } = start(t, 2);
  for (let count = 0; count < 100; count++) await login('hunter2:wrong');
  const lines = (): unknown[] => log.lines.map(({ level, fields }) => [level, fields]);
  t.strictSame(lines(), [['warn', { address: ATTACKER }]]);
  after(59_999);
  await login('hunter2:wrong');
  await login('hunter2:wrong');
  t.equal(lines().length, 1);
  after(60_000);
  await login('hunter2:wrong');
  await login('hunter2:wrong');
  t.equal(lines().length, 2);
  t.notMatch(JSON.stringify(log.lines), /hunter2/);
});

t.test('a failure of a client that has left is in the log and counts', async (t) => {
  const { logins, log, login } = start(t, 1, true);
  const gone = applicant(ATTACKER, { signal: AbortSignal.abort() });
  await t.rejects(
    Promise.resolve(logins.authorize(request('hunter2:wrong'), gone)),
    new HandshakeError('unauthorized'),
  );
  t.match(log.lines[0], {
    level: 'info',
    message: 'login failed; its client has left',
    fields: { address: ATTACKER, credentials: 'wrong' },
  });
  t.equal(await login('ann:right'), 'too-many-login-failures 60');
  t.notMatch(JSON.stringify(log.lines), /hunter2/);
});

t.test('failures of clients that have left are written within the bound of the log', async (t) => {
  const log = new KeptLog();
  const lines = new ClientLines(log, 1);
  const logins = new Logins(new TestPasswords(true), 0, log, lines);
  const gone = applicant(ATTACKER, { signal: AbortSignal.abort() });
  for (let count = 0; count < 100; count++) {
    const login = Promise.resolve(logins.authorize(request('ann:wrong'), gone));
    await t.rejects(login, new HandshakeError('unauthorized'));
  }
  lines.tell();
  const written = log.find('login failed; its client has left').length;
  t.ok(written >= 1 && written < 10, `${written} lines`);
  const [rest] = log.find('more like this: login failed; its client has left');
  t.match(rest?.fields, { rule: 'unauthorized', lines: 100 - written });
});

t.test('what fails otherwise is passed on', async (t) => {
  const failures = [new Error('broken'), new HandshakeError('logins-busy')];
  for (const [index, error] of failures.entries()) {
    const logins = new Logins({ check: () => Promise.reject(error) }, 1, new KeptLog());
    await t.rejects(async () => logins.authorize(request('ann:right'), applicant()), error);
    t.match(logins.counters, { refused: index });
  }
});

t.test('who leaves before the verification is counted apart', async (t) => {
  const logins = new Logins({ check: () => 'abandoned' }, 1, new KeptLog());
  for (let count = 0; count < 9; count++)
    t.throws(
      () => logins.authorize(request('ann:right'), applicant()),
      new HandshakeError('handshake-timeout'),
    );
  t.match(logins.counters, { abandoned: 9, wrong: 0, refused: 0 });
});
