import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import { BcryptVerifier } from '../../../src/server/auth/bcrypt-verifier.js';
import type { Turn } from '../../../src/server/auth/logins.js';
import { EMPTY_HASH, HASH, LONG_HASH, PASSWORD } from '../../fixtures/password-hashes.js';
import { countThreads, useLibrary } from '../../fixtures/verifier-threads.js';
import { within } from '../../fixtures/within.js';

/** A turn that waits with those of its group. */
const turnOf = (group = 'a', changes: Partial<Turn> = {}): Turn => ({
  group,
  isPreferred: false,
  signal: new AbortController().signal,
  assertAllowed: () => undefined,
  ...changes,
});

const verify = (password: string, hash: string, verifier = new BcryptVerifier(), turn = turnOf()) =>
  within(verifier.verify(password, hash, turn), 'the verification');

/** Answers that the password is right when it is `right`. */
const QUICK_LIBRARY =
  "exports.bcryptVerify = async ({ password }) => new TextDecoder().decode(password) === 'right';";

t.test('a password is right or wrong', async (t) => {
  t.equal(await verify(PASSWORD, HASH), true);
  t.equal(await verify('password', HASH), false);
  t.equal(await verify(PASSWORD.slice(0, -1), HASH), false);
});

t.test('the other versions that are the same', async (t) => {
  // Of the test vectors of crypt_blowfish.
  const hash = '$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
  for (const version of ['$2a', '$2b', '$2y']) t.equal(await verify('U*U', version + hash), true);
});

t.test('72 bytes of a password count', async (t) => {
  t.equal(await verify('a'.repeat(80), LONG_HASH), true);
  t.equal(await verify('a'.repeat(71), LONG_HASH), false);
});

t.test('an empty password is never right', async (t) => {
  const threads = countThreads(t);
  t.equal(await verify('', EMPTY_HASH), false);
  t.equal(threads.started, 0);
});

t.test('the library that the build has put in place', async (t) => {
  const file = createRequire(import.meta.url).resolve('hash-wasm/dist/bcrypt.umd.min.js');
  useLibrary(t, readFileSync(file, 'utf8'));
  t.equal(await verify(PASSWORD, HASH), true);
  t.equal(await verify('password', HASH), false);
});

t.test('two at a time, the others in order, and not too many', async (t) => {
  useLibrary(t, QUICK_LIBRARY);
  const threads = countThreads(t);
  const verifier = new BcryptVerifier(8);
  const done: number[] = [];
  const all = Array.from({ length: 10 }, async (_, index) => {
    const isRight = await verify(index % 3 === 0 ? 'right' : 'wrong', HASH, verifier);
    done.push(index);
    return isRight;
  });
  const oneMore = verifier.verify('right', HASH, turnOf());
  await t.rejects(oneMore, new HandshakeError('logins-busy'));
  const results = await Promise.all(all);
  t.strictSame(
    results,
    results.map((_, index) => index % 3 === 0),
  );
  t.equal(threads.started, 10);
  t.equal(threads.most, 2);
  // Nobody is done before those that came earlier, but for the one that runs beside.
  for (const [place, index] of done.entries())
    t.ok(index - done.slice(0, place).filter((earlier) => earlier < index).length <= 1);
  t.equal(await verify('right', HASH, verifier), true, 'there is room again');
});

t.test('a thread that fails is an error of its own, and the next one has its turn', async (t) => {
  const verifier = new BcryptVerifier();
  useLibrary(t, "throw new Error('broken');");
  const failures = [1, 2, 3].map(() => verify('right', HASH, verifier));
  for (const result of await Promise.allSettled(failures))
    t.match(result, { status: 'rejected', reason: new Error('broken') });
  useLibrary(t, 'exports.bcryptVerify = () => process.exit();');
  const noResult = new Error('a thread that verifies passwords has no result');
  await t.rejects(verify('right', HASH, verifier), noResult);
  useLibrary(t, QUICK_LIBRARY);
  t.equal(await verify('right', HASH, verifier), true);
});

t.test('an address with many in the queue does not hold up another one', async (t) => {
  useLibrary(t, QUICK_LIBRARY);
  const verifier = new BcryptVerifier(4);
  const begun: string[] = [];
  const ask = (group: string, isPreferred = false): Promise<unknown> => {
    const assertAllowed = (): void => void begun.push(group);
    const turn = turnOf(group, { isPreferred, assertAllowed });
    return verify('wrong', HASH, verifier, turn).catch((error: unknown) => error);
  };
  const flood = Array.from({ length: 6 }, () => ask('flood'));
  const others = [ask('other'), ask('known', true)];
  const answers = await Promise.all([...flood, ...others]);
  t.strictSame(begun.slice(0, 5), ['flood', 'flood', 'known', 'flood', 'other']);
  t.strictSame(
    answers.filter((answer) => answer !== false),
    [new HandshakeError('logins-busy')],
    'one of the flood made room',
  );
});

t.test('whoever has left in the queue has no turn, and what holds by then is asked', async (t) => {
  useLibrary(t, QUICK_LIBRARY);
  const threads = countThreads(t);
  const verifier = new BcryptVerifier();
  const running = [1, 2].map(() => verify('right', HASH, verifier));
  const leaving = new AbortController();
  const left = verify('right', HASH, verifier, turnOf('a', { signal: leaving.signal }));
  const late = verify(
    'right',
    HASH,
    verifier,
    turnOf('a', {
      assertAllowed: () => {
        throw new HandshakeError('too-many-login-failures');
      },
    }),
  );
  const next = verify('right', HASH, verifier);
  leaving.abort();
  t.equal(await left, null);
  await t.rejects(late, new HandshakeError('too-many-login-failures'));
  t.strictSame(await Promise.all([...running, next]), [true, true, true]);
  t.equal(threads.started, 3);
  t.equal(await verify('right', HASH, verifier, turnOf('a', { signal: leaving.signal })), null);
  t.equal(await verify('right', HASH, verifier), true);
});

t.test('one that leaves just as its turn comes', async (t) => {
  useLibrary(t, QUICK_LIBRARY);
  const verifier = new BcryptVerifier();
  const running = [1, 2].map(() => verify('right', HASH, verifier));
  const leaving = new AbortController();
  const turn = turnOf('a', { signal: leaving.signal });
  const left = verify('right', HASH, verifier, turn);
  const next = verify('right', HASH, verifier);
  await running[0];
  leaving.abort();
  t.ok([null, true].includes(await left));
  t.equal(await next, true);
  t.equal(await verify('right', HASH, verifier), true);
});
