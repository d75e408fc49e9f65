import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError, HandshakeError, InvalidStateError } from '../../../src/errors.js';
import type { RequestHead } from '../../../src/handshake/request-head.js';
import {
  type Authenticator,
  fileAuthenticator,
  passwordAuthenticator,
} from '../../../src/server/auth/basic-auth.js';
import type { Reloadable } from '../../../src/reloadable.js';
import type * as basicAuth from '../../../src/server/auth/basic-auth.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { HASH, LONG_HASH, PASSWORD } from '../../fixtures/password-hashes.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { countThreads, useLibrary } from '../../fixtures/verifier-threads.js';
import { within } from '../../fixtures/within.js';

/** A request with these credentials; null sends none. */
function request(credentials: string | null, scheme = 'Basic'): RequestHead {
  const value = `${scheme} ${Buffer.from(credentials ?? '').toString('base64')}`;
  const headers = credentials === null ? [] : [{ name: 'authorization', value }];
  return { method: 'GET', target: '/', version: '1.1', headers };
}

/** `ok`, or why not. */
async function ask(authenticator: Authenticator, head: RequestHead): Promise<unknown> {
  try {
    await within(Promise.resolve(authenticator.authorize(head)), 'the authorisation');
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
  const authenticator = await fileAuthenticator(file, log);
  return { file, log, authenticator, threads: countThreads(t) };
}

t.test('one user', async (t) => {
  const authenticator = passwordAuthenticator('ann:a:b ü');
  t.equal(authenticator.authorize(request('ann:a:b ü')), undefined);
  t.equal(await ask(authenticator, request('ann:a:b ü', 'basic')), 'ok');
  for (const wrong of ['ann:a:b', 'ann:', 'ann:a:b ü ', 'Ann:a:b ü', 'bob:a:b ü', 'bob:a'])
    t.equal(await ask(authenticator, request(wrong)), 'wrong', wrong);
  t.equal(await ask(authenticator, request(null)), 'missing');
  t.equal(await ask(authenticator, request('ann')), 'missing', 'malformed');
  t.equal(await ask(authenticator, request('ann:a:b ü', 'Bearer')), 'missing');
});

t.test('a refusal is 401 and holds nothing of the credentials', async (t) => {
  const authenticator = passwordAuthenticator('ann:topsecret');
  try {
    void authenticator.authorize(request('mallory:guess'));
    t.fail('let in');
  } catch (error) {
    t.match(error, { rule: 'unauthorized', status: 401, message: 'authentication required' });
    t.notMatch(JSON.stringify({ ...(error as object) }), /ann|topsecret|mallory|guess/);
  }
});

t.test('one user without a password is a defect of ours', async (t) => {
  t.throws(() => passwordAuthenticator('ann'), new InvalidStateError('no user:password'));
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

t.test('an unknown user costs what the most costly one costs', async (t) => {
  // It tells what it is asked to verify.
  useLibrary(t, 'exports.bcryptVerify = ({ hash }) => { throw new Error(hash.slice(0, 7)); };');
  const { authenticator } = await withFile(t, `long:${LONG_HASH}\n${ZOE_LINE}`);
  await t.rejects(ask(authenticator, request('bob:guess')), new Error('$2y$05$'));
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
    await t.rejects(fileAuthenticator(file, new KeptLog()), new ConfigError(file + sentence));
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
  await t.rejects(fileAuthenticator(inside, new KeptLog()), sentence);
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
  const authenticator = await make(file, log);
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
  t.equal(answers.filter((answer) => answer === 'full').length, 4);
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
  const authenticator = await make(file, new KeptLog());
  writeFileSync(file, ZOE_LINE);
  code = 'EIO';
  t.equal(await ask(authenticator, request(ZOE)), 'wrong');
  code = null;
  t.equal(await authenticator.reload(), '1 user');
});
