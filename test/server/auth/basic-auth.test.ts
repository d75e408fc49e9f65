import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError, HandshakeError, InvalidStateError } from '../../../src/errors.js';
import type { RequestHead } from '../../../src/handshake/request-head.js';
import { fileAuthenticator } from '../../../src/server/auth/basic-auth.js';
import type { Authenticator } from '../../../src/server/auth/authenticator.js';
import type { Reloadable } from '../../../src/reloadable.js';
import type * as basicAuth from '../../../src/server/auth/basic-auth.js';
import { applicant, onePassword } from '../../fixtures/logins.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { HASH, LONG_HASH, PASSWORD } from '../../fixtures/password-hashes.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';
import { countThreads, useLibrary } from '../../fixtures/verifier-threads.js';
import { within } from '../../fixtures/within.js';

/** A request with these credentials; null sends none. */
function request(credentials: string | null, scheme = 'Basic'): RequestHead {
  const value = `${scheme} ${Buffer.from(credentials ?? '').toString('base64')}`;
  const headers = credentials === null ? [] : [{ name: 'authorization', value }];
  return { method: 'GET', target: '/', version: '1.1', headers };
}

/** `ok`, or why not. */
async function ask(
  authenticator: Authenticator,
  head: RequestHead,
  who = applicant(),
): Promise<unknown> {
  try {
    await within(Promise.resolve(authenticator.authorize(head, who)), 'the authorisation');
    return 'ok';
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return error.rule === 'unauthorized' ? error.notes['credentials'] : error.rule;
  }
}

interface Fixture {
  readonly file: string;
  readonly log: KeptLog;
  readonly threads: { readonly started: number };
  readonly authenticator: Authenticator & Reloadable;
}

const ZOE = `zoë:${PASSWORD}`;
const ZOE_LINE = `zoë:${HASH}\n`;

async function withFile(t: Test, text = ZOE_LINE): Promise<Fixture> {
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, text);
  const log = new KeptLog();
  const authenticator = await fileAuthenticator(file, 0, log);
  return { file, log, authenticator, threads: countThreads(t) };
}

t.test('one user', async (t) => {
  const authenticator = onePassword('ann:a:b ü');
  t.equal(authenticator.authorize(request('ann:a:b ü'), applicant()), 'ann');
  t.equal(await ask(authenticator, request('ann:a:b ü', 'basic')), 'ok');
  for (const wrong of ['ann:a:b', 'ann:', 'ann:a:b ü ', 'Ann:a:b ü', 'bob:a:b ü', 'bob:a'])
    t.equal(await ask(authenticator, request(wrong)), 'wrong', wrong);
  t.equal(await ask(authenticator, request(null)), 'missing');
  t.equal(await ask(authenticator, request('ann')), 'missing', 'malformed');
  t.equal(await ask(authenticator, request('ann:a:b ü', 'Bearer')), 'missing');
});

t.test('a refusal is 401 and holds nothing of the credentials', async (t) => {
  const authenticator = onePassword('ann:topsecret');
  try {
    void authenticator.authorize(request('mallory:guess'), applicant());
    t.fail('let in');
  } catch (error) {
    t.match(error, { rule: 'unauthorized', status: 401, message: 'authentication required' });
    t.notMatch(JSON.stringify({ ...(error as object) }), /ann|topsecret|mallory|guess/);
  }
});

t.test('one user without a password is a defect of ours', async (t) => {
  t.throws(() => onePassword('ann'), new InvalidStateError('no user:password'));
});

t.test('the users of a file', async (t) => {
  const { authenticator } = await withFile(t, `# users\n${ZOE_LINE}long:${LONG_HASH}\n`);
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  t.equal(await ask(authenticator, request(`long:${'a'.repeat(72)}`)), 'ok');
  t.equal(await ask(authenticator, request('zoë:password')), 'wrong');
  t.equal(await ask(authenticator, request('zoë:')), 'wrong');
  t.equal(await ask(authenticator, request(`long:${PASSWORD}`)), 'wrong', "another one's password");
  t.equal(await ask(authenticator, request(`bob:${PASSWORD}`)), 'wrong');
  t.equal(await ask(authenticator, request(null)), 'missing');
});

t.test('a wrong password takes as long as one of the user with the most costly hash', async (t) => {
  // It tells what it is asked to verify; the cost is the power of two of the work.
  const file = path.join(makeTempDir(t), 'costs');
  useLibrary(
    t,
    `exports.bcryptVerify = async ({ hash }) => {
      require('node:fs').appendFileSync(${JSON.stringify(file)}, hash.slice(4, 6) + ' ');
      return false;
    };`,
  );
  const cost = (text: string, digits: string): string => `${text}:$2y$${digits}${HASH.slice(6)}\n`;
  const { authenticator } = await withFile(
    t,
    cost('low', '04') + cost('middle', '07') + cost('high', '08'),
  );
  for (const [user, costs] of [
    ['low', '04 04 05 06 07 '],
    ['middle', '07 07 '],
    ['high', '08 '],
    ['nobody', '08 '],
  ] as const) {
    writeFileSync(file, '');
    t.equal(await ask(authenticator, request(`${user}:guess`)), 'wrong');
    const done = readFileSync(file, 'utf8');
    t.equal(done, costs, user);
    const work = done
      .trim()
      .split(' ')
      .map((one) => 2 ** Number(one));
    t.equal(
      work.reduce((sum, one) => sum + one),
      2 ** 8,
    );
  }
});

t.test('a right password is verified once', async (t) => {
  const { authenticator } = await withFile(t, `long:${LONG_HASH}\n${ZOE_LINE}`);
  useLibrary(
    t,
    `let calls = 0; exports.bcryptVerify = async () => { if (++calls > 1) throw new Error('again'); return true; };`,
  );
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
});

t.test('who has left before its turn is never verified, and holds nobody up', async (t) => {
  useLibrary(t, 'exports.bcryptVerify = async () => false;');
  const { authenticator, threads, log } = await withFile(t);
  const clients = Array.from({ length: 300 }, () => new AbortController());
  const flood = clients.map((client, index) =>
    ask(authenticator, request(`zoë:${index}`), applicant('192.0.2.66', client)),
  );
  // Two are being verified, 64 wait, and for the others there was no room.
  await eventually(() => threads.started >= 2, 'the first ones');
  for (const client of clients) client.abort();
  const started = threads.started;
  const answers = await Promise.all(flood);
  t.equal(threads.started, started, 'none that waited is begun');
  t.equal(answers.filter((answer) => answer === 'logins-busy').length, 234);
  const { abandoned, refused, wrong } = authenticator.counters;
  t.strictSame([abandoned + wrong, refused], [66, 234]);
  t.ok(wrong <= started);
  t.equal(await ask(authenticator, request('zoë:guess')), 'wrong');
  t.ok(log.find('login failed; its client has left').length > 0, 'those that had begun');
  t.notMatch(JSON.stringify(log.lines), /zoë|guess/);
});

t.test('those that come from one address with one password share its verification', async (t) => {
  const { authenticator, threads } = await withFile(t);
  const leaving = new AbortController();
  const staying = ask(authenticator, request(ZOE), applicant('192.0.2.1'));
  const other = ask(authenticator, request(ZOE), applicant('192.0.2.1', leaving));
  const elsewhere = ask(authenticator, request(ZOE), applicant('192.0.2.2'));
  await eventually(() => threads.started === 2, 'both verifications');
  leaving.abort();
  t.strictSame(await Promise.all([staying, other, elsewhere]), ['ok', 'ok', 'ok']);
  t.equal(threads.started, 2);
});

t.test('one that comes when all others have left begins anew', async (t) => {
  useLibrary(t, 'exports.bcryptVerify = async () => true;');
  const { authenticator, threads } = await withFile(t);
  const gone = AbortSignal.abort();
  t.equal(
    await ask(authenticator, request(ZOE), applicant('192.0.2.1', { signal: gone })),
    'handshake-timeout',
  );
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  t.equal(threads.started, 1);
  t.match(authenticator.counters, { abandoned: 1, right: 1 });
});

t.test('no password lets an unknown user in', async (t) => {
  useLibrary(t, 'exports.bcryptVerify = async () => true;');
  const { authenticator } = await withFile(t);
  t.equal(await ask(authenticator, request('bob:guess')), 'wrong');
});

t.test('a password that was right needs no verification for a while', async (t) => {
  const { authenticator, threads } = await withFile(t);
  const first = [1, 2, 3].map(() => ask(authenticator, request(ZOE)));
  t.strictSame(await Promise.all(first), ['ok', 'ok', 'ok']);
  t.equal(threads.started, 1, 'those that come at once share one');
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  t.equal(threads.started, 1);
  t.equal(await ask(authenticator, request('zoë:guess')), 'wrong');
  t.equal(await ask(authenticator, request('zoë:guess')), 'wrong');
  t.equal(threads.started, 3, 'a wrong one is verified each time');
  const nowMs = performance.now();
  t.intercept(performance, 'now', { value: () => nowMs + 60_000 });
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  t.equal(threads.started, 4);
});

t.test('a file that cannot be used at the start', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'users');
  const refused = async (sentence: string): Promise<void> => {
    await t.rejects(fileAuthenticator(file, 0, new KeptLog()), new ConfigError(file + sentence));
  };
  await refused(': there is no such file');
  mkdirSync(file);
  await refused(': it is a directory');
  rmSync(file, { recursive: true });
  writeFileSync(file, Buffer.from(`ä:${HASH}`, 'latin1'));
  await refused(': it is not UTF-8');
  writeFileSync(file, 'zoë:secret');
  await refused(', line 1: only bcrypt hashes are taken ($2y$, htpasswd -B)');
  writeFileSync(file, '');
  await refused(': it holds no user');
  const inside = path.join(file, 'users');
  const sentence = new ConfigError(`${inside}: there is no such file`);
  await t.rejects(fileAuthenticator(inside, 0, new KeptLog()), sentence);
});

t.test('a file that has changed is read again', async (t) => {
  const { authenticator, file, log } = await withFile(t);
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  t.strictSame(log.lines, [], 'it has not changed');
  writeFileSync(file, `\uFEFFlong:${LONG_HASH}`);
  t.equal(await ask(authenticator, request(ZOE)), 'wrong', 'what was remembered counts no more');
  t.equal(await ask(authenticator, request(`long:${'a'.repeat(80)}`)), 'ok');
  t.match(log.lines, [{ level: 'info', message: 'password file read again', fields: { file } }]);
  t.equal(log.lines.length, 1);
});

t.test('a file that cannot be opened for want of descriptors is tried again', async (t) => {
  let isPoor = false;
  const { fileAuthenticator: make } = await t.mockImport<typeof basicAuth>(
    '../../../src/server/auth/basic-auth.js',
    {
      'node:fs/promises': {
        ...fs,
        readFile: (file: string) =>
          isPoor
            ? Promise.reject(Object.assign(new Error('too many'), { code: 'EMFILE' }))
            : fs.readFile(file),
      },
    },
  );
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, `zoë:${HASH}`);
  const log = new KeptLog();
  const authenticator = await make(file, 0, log);
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  writeFileSync(file, `long:${LONG_HASH}`);
  isPoor = true;
  for (let count = 0; count < 3; count++) t.equal(await ask(authenticator, request(ZOE)), 'ok');
  isPoor = false;
  t.equal(await ask(authenticator, request(ZOE)), 'wrong', 'who is gone from it does not stay in');
  t.match(log.lines, [
    { level: 'error', fields: { error: `${file}: too many files are open` } },
    { level: 'info', message: 'password file read again' },
  ]);
  t.equal(log.lines.length, 2);
});

t.test('a faulty new file leaves the old one in force, and the log says so once', async (t) => {
  const { authenticator, file, log } = await withFile(t);
  const kept = 'password file not read again: the old one stays';
  const faults = (): unknown[] => log.find(kept).map(({ fields }) => fields['error']);
  writeFileSync(file, `${ZOE_LINE}ann:secret\n`);
  for (let times = 0; times < 3; times++) t.equal(await ask(authenticator, request(ZOE)), 'ok');
  const line2 = `${file}, line 2: only bcrypt hashes are taken ($2y$, htpasswd -B)`;
  t.strictSame(faults(), [line2]);
  t.equal(log.lines[0]!.level, 'error');
  rmSync(file);
  for (let times = 0; times < 3; times++) t.equal(await ask(authenticator, request(ZOE)), 'ok');
  t.strictSame(faults(), [line2, `${file}: there is no such file`]);
  writeFileSync(file, `long:${LONG_HASH}`);
  t.equal(await ask(authenticator, request(ZOE)), 'wrong');
  t.equal(log.lines.length, 3);
});

t.test('a pipe in the place of the file keeps nobody waiting', async (t) => {
  const { authenticator, file, log } = await withFile(t);
  rmSync(file);
  execFileSync('mkfifo', [file]);
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  const sentence = `${file}: it is not a regular file`;
  t.match(log.lines, [{ level: 'error', fields: { error: sentence } }]);
  await t.rejects(authenticator.reload(), { name: 'ConfigError', message: sentence });
});

t.test('too many at once are told to come again', async (t) => {
  useLibrary(t, 'exports.bcryptVerify = async () => false;');
  const { authenticator } = await withFile(t);
  const answers = await Promise.all(
    Array.from({ length: 70 }, (_, index) => ask(authenticator, request(`zoë:${index}`))),
  );
  t.equal(answers.filter((answer) => answer === 'wrong').length, 66);
  t.equal(answers.filter((answer) => answer === 'logins-busy').length, 4);
  t.match(authenticator.counters, { wrong: 66, refused: 4 });
});

t.test('a reload says how many there are now, and keeps them when the file is wrong', async (t) => {
  const { file, authenticator, log } = await withFile(t);
  t.equal(authenticator.what, 'passwords');
  t.equal(await authenticator.reload(), null, 'nothing has changed');
  t.equal(await ask(authenticator, request(ZOE)), 'ok');
  writeFileSync(file, `${ZOE_LINE}long:${LONG_HASH}\n`);
  t.equal(await authenticator.reload(), '2 users');
  t.strictSame(log.lines, [], 'who asked has a line of its own');
  writeFileSync(file, 'zoë');
  const fault = new ConfigError(`${file}, line 1: it must be user:hash`);
  await t.rejects(authenticator.reload(), fault);
  t.equal(await ask(authenticator, request(ZOE)), 'ok', 'the old ones stay');
  await t.rejects(authenticator.reload(), fault);
  writeFileSync(file, ZOE_LINE);
  t.equal(await authenticator.reload(), '1 user');
  t.equal(await ask(authenticator, request(`long:${'a'.repeat(72)}`)), 'wrong');
});

t.test('a file that could not be read and is still the same is taken by a reload', async (t) => {
  let code: string | null = null;
  const { fileAuthenticator: make } = await t.mockImport<typeof basicAuth>(
    '../../../src/server/auth/basic-auth.js',
    {
      'node:fs/promises': {
        ...fs,
        readFile: (file: string) =>
          code === null
            ? fs.readFile(file)
            : Promise.reject(Object.assign(new Error(code), { code })),
      },
    },
  );
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, `long:${LONG_HASH}\n`);
  const authenticator = await make(file, 0, new KeptLog());
  writeFileSync(file, ZOE_LINE);
  code = 'EIO';
  t.equal(await ask(authenticator, request(ZOE)), 'wrong');
  code = null;
  t.equal(await authenticator.reload(), '1 user');
});
