import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import { BcryptVerifier } from '../../../src/server/auth/bcrypt-verifier.js';
import { EMPTY_HASH, HASH, LONG_HASH, PASSWORD } from '../../fixtures/password-hashes.js';
import { countThreads, useLibrary } from '../../fixtures/verifier-threads.js';
import { within } from '../../fixtures/within.js';

const verify = (password: string, hash: string, verifier = new BcryptVerifier()) =>
  within(verifier.verify(password, hash), 'the verification');

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
  const verifier = new BcryptVerifier();
  const done: number[] = [];
  const all = Array.from({ length: 66 }, async (_, index) => {
    const isRight = await verify(index % 3 === 0 ? 'right' : 'wrong', HASH, verifier);
    done.push(index);
    return isRight;
  });
  const oneMore = verifier.verify('right', HASH);
  await t.rejects(oneMore, new HandshakeError('full'));
  const results = await Promise.all(all);
  t.strictSame(
    results,
    results.map((_, index) => index % 3 === 0),
  );
  t.equal(threads.started, 66);
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
