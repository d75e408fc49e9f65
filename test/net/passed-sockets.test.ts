import t from 'tap';
import { ConfigError } from '../../src/errors.js';
import {
  type PassedSocket,
  type Receiver,
  passedSockets,
  socketsNamed,
} from '../../src/net/passed-sockets.js';

const passedTo = (env: Readonly<Record<string, string>>): Receiver => ({ env, pid: 50, ppid: 40 });

t.test('sockets are taken by whom they are for', async (t) => {
  const env = { LISTEN_PID: '50', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:web' };
  const web: readonly PassedSocket[] = [
    { kind: 'passed', fd: 3, name: 'web' },
    { kind: 'passed', fd: 4, name: 'web' },
  ];
  t.strictSame(passedSockets(passedTo(env)), web);
  t.strictSame(passedSockets(passedTo(env), true), [], 'another process has the same number');
  t.strictSame(passedSockets(passedTo({ ...env, LISTEN_PID: '40' })), [], 'a child process');
  t.strictSame(passedSockets(passedTo({ ...env, LISTEN_PID: '40' }), true), web, 'a worker');
  t.strictSame(passedSockets(passedTo({})), []);
});

t.test('they need no names', async (t) => {
  t.strictSame(passedSockets(passedTo({ LISTEN_PID: '50', LISTEN_FDS: '2' })), [
    { kind: 'passed', fd: 3, name: '' },
    { kind: 'passed', fd: 4, name: '' },
  ]);
});

t.test('by name', async (t) => {
  const [one, two, three] = ['plain', 'secure', 'plain'].map((name, index): PassedSocket => ({
    kind: 'passed',
    fd: 3 + index,
    name,
  }));
  const all = [one!, two!, three!];
  t.strictSame(socketsNamed(all, null), all);
  t.strictSame(socketsNamed(all, 'plain'), [one, three]);
  t.throws(
    () => socketsNamed(all, 'other'),
    new ConfigError(
      'cannot listen on systemd:other: systemd has passed no socket of that name, but plain, secure, plain',
    ),
  );
  for (const name of [null, 'web'])
    t.throws(
      () => socketsNamed([], name),
      new ConfigError(
        `cannot listen on systemd${name === null ? '' : ':web'}: systemd has passed no socket to this process; is the socket unit started?`,
      ),
    );
});
