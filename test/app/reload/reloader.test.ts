import t from 'tap';
import { Reloader } from '../../../src/app/reload/reloader.js';
import { ConfigError } from '../../../src/errors.js';
import type { Reloadable } from '../../../src/reloadable.js';
import { KeptLog } from '../../fixtures/kept-log.js';

/** Something that is reloaded as the test says. */
const one = (what: string, reload: () => string | null | Promise<string | null>): Reloadable => ({
  what,
  reload: async () => await reload(),
});

const refuse = (message: string) => (): never => {
  throw new ConfigError(message);
};

/** The one line that a reload writes. */
async function lineOf(...reloadables: readonly Reloadable[]): Promise<string> {
  const log = new KeptLog();
  const reloader = new Reloader(() => reloadables, log);
  await reloader.reload();
  const [line, ...others] = log.lines;
  if (others.length > 0) throw new Error('more than one line');
  const { succeeded, failed } = reloader.counters;
  return `${line!.level} ${line!.message} ${succeeded}/${failed}`;
}

t.test('one line says what has changed', async (t) => {
  t.equal(await lineOf(), 'info reloaded: nothing has changed 1/0');
  t.equal(await lineOf(one('a', () => null)), 'info reloaded: nothing has changed 1/0');
  t.equal(
    await lineOf(
      one('certificates', () => 'valid until 2027-01-01'),
      one('tokens', () => null),
      one('passwords', () => '3 users'),
    ),
    'info reloaded: certificates (valid until 2027-01-01), passwords (3 users) 1/0',
  );
});

t.test('and what could not be used, which keeps nothing else from being read again', async (t) => {
  t.equal(
    await lineOf(one('passwords', refuse('users: it holds no user'))),
    'error not reloaded, the old stays in force: passwords (users: it holds no user) 0/1',
  );
  t.equal(
    await lineOf(
      one('certificates', refuse('cert.pem: there is no such file')),
      one('passwords', () => '1 user'),
    ),
    'error reloaded: passwords (1 user); not reloaded, the old stays in force: certificates (cert.pem: there is no such file) 0/1',
  );
});

t.test('a defect of ours has its stack in the log', async (t) => {
  const log = new KeptLog();
  const fail = (): never => {
    throw new TypeError('a defect');
  };
  const later = one('b', () => 'new');
  await new Reloader(() => [one('a', fail), one('c', fail), later], log).reload();
  t.match(log.lines, [
    {
      level: 'error',
      fields: { err: { message: 'a defect' } },
      message: 'reloaded: b (new); not reloaded, the old stays in force: a, c',
    },
  ]);
});

t.test('those who ask meanwhile share the next one', async (t) => {
  const log = new KeptLog();
  const reloader = new Reloader(() => [one('a', () => 'new')], log);
  await Promise.all([1, 2, 3].map(() => reloader.reload()));
  t.strictSame(
    log.lines.map(({ message }) => message),
    [1, 2].map(() => 'reloaded: a (new)'),
  );
  t.strictSame(reloader.counters, { succeeded: 2, failed: 0 });
});
