import { once } from 'node:events';
import { type ListenOptions, createServer } from 'node:net';
import t from 'tap';
import { startFailure } from '../../../src/cli/serve/start-failure.js';
import { ConfigError } from '../../../src/errors.js';

/** What Node makes of an address that cannot be listened on. */
async function failureOf(options: ListenOptions): Promise<Error> {
  const server = createServer();
  const failed = once(server, 'error');
  server.listen(options);
  const [error] = (await failed) as [Error];
  return error;
}

const systemError = (code: string, fields: object, message = `listen ${code}`): Error =>
  Object.assign(new Error(message), { code, ...fields });

t.test('a configuration error says it all by itself', async (t) => {
  const sentence = 'cannot listen on unix:/a: another server is listening there';
  t.equal(startFailure(new ConfigError(sentence)), sentence);
});

t.test('a port that is taken, as Node says it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const error = await failureOf({ port, host: '127.0.0.1' });
  t.equal(startFailure(error), `cannot listen on 127.0.0.1:${port}: the address is in use already`);
});

t.test('an address of another machine, as Node says it', async (t) => {
  const error = await failureOf({ port: 0, host: '192.0.2.1' });
  const where = 'cannot listen on 192.0.2.1';
  t.match(startFailure(error), where);
  t.match(startFailure(error), 'this machine does not have that address');
});

t.test('what the system’s names mean', async (t) => {
  const tcp = { address: '203.0.113.7', port: 80 };
  const tcp6 = { address: '2001:db8::7', port: 80 };
  const unix = { address: '/run/a:b.sock', port: -1 };
  const cases: readonly [Error, string][] = [
    [systemError('EACCES', tcp), 'cannot listen on 203.0.113.7:80: permission denied'],
    [systemError('EACCES', tcp6), 'cannot listen on [2001:db8::7]:80: permission denied'],
    [systemError('EACCES', unix), 'cannot listen on /run/a:b.sock: permission denied'],
    [systemError('ENOENT', unix), 'cannot listen on /run/a:b.sock: the directory does not exist'],
    [
      systemError('ENOTDIR', unix),
      'cannot listen on /run/a:b.sock: a part of the path is not a directory',
    ],
    [systemError('EROFS', unix), 'cannot listen on /run/a:b.sock: the file system is read-only'],
    [systemError('EMFILE', tcp), 'cannot listen on 203.0.113.7:80: too many files are open'],
    [
      systemError('EINVAL', unix),
      'cannot listen on /run/a:b.sock: the path is too long for a Unix socket',
    ],
    [
      systemError('ENOTFOUND', { hostname: 'a.invalid' }),
      'cannot listen on a.invalid: the host name is not known',
    ],
    [
      systemError('EAI_AGAIN', { hostname: 'a.invalid' }),
      'cannot listen on a.invalid: the host name cannot be looked up now',
    ],
  ];
  for (const [error, sentence] of cases) t.equal(startFailure(error), sentence);
});

t.test('anything else is named, or said in its own words', async (t) => {
  const error = systemError('EXDEV', { address: '::', port: 80 }, 'listen EXDEV: odd');
  t.equal(startFailure(error), 'cannot listen on [::]:80: EXDEV');
  t.equal(startFailure(systemError('EXDEV', {}, 'odd')), 'cannot listen: EXDEV');
  t.equal(startFailure(new Error('no code at all')), 'cannot listen: no code at all');
});
