import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Server } from 'node:net';
import { mkdirSync, promises, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { FileLock, isLocked, lockPathOf } from '../../../src/recording/file/file-lock.js';
import { systemError } from '../../fixtures/faulty-file-system.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const directoryOf = (t: Test): string => realpathSync(makeTempDir(t));

async function take(t: Test, file: string): Promise<FileLock> {
  const lock = await FileLock.take(file);
  t.teardown(() => lock.release());
  return lock;
}

/** What a killed process leaves: a socket that nobody listens on. */
async function leaveBehind(socketPath: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', script], { env: {} });
  await once(child, 'close');
}

t.test('one at a time', async (t) => {
  const file = path.join(directoryOf(t), 'a.ndjson');
  const lock = await FileLock.take(file);
  t.equal(await lock.isInPlace(), true);
  for (let round = 0; round < 3; round++) await t.rejects(FileLock.take(file), { code: 'ELOCKED' });
  t.same(readdirSync(path.dirname(file)), ['.a.ndjson.lock'], 'nothing else is left');
  await lock.release();
  t.equal(await lock.isInPlace(), false);
  t.same(readdirSync(path.dirname(file)), []);
  await take(t, file);
});

t.test('of many at once one gets it', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  for (const isAbandoned of [false, true]) {
    if (isAbandoned) await leaveBehind(lockPathOf(file));
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => FileLock.take(file)));
    const winners = all.filter((one) => one.status === 'fulfilled');
    t.equal(winners.length, 1);
    t.same(readdirSync(path.dirname(file)), ['.a.lock']);
    await winners[0]!.value.release();
  }
});

t.test('that of a process that was killed is taken over', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  await leaveBehind(lockPathOf(file));
  t.same(readdirSync(path.dirname(file)), ['.a.lock']);
  const lock = await take(t, file);
  t.equal(await lock.isInPlace(), true);
  t.same(readdirSync(path.dirname(file)), ['.a.lock']);
});

t.test('long names and long paths', async (t) => {
  const deep = path.join(directoryOf(t), 'd'.repeat(200), 'e'.repeat(200));
  mkdirSync(deep, { recursive: true });
  for (const name of ['x'.repeat(255), 'short']) {
    const file = path.join(deep, name);
    const lock = await take(t, file);
    await t.rejects(FileLock.take(file), { code: 'ELOCKED' });
    t.equal(await lock.isInPlace(), true);
    await lock.release();
    t.same(readdirSync(deep), []);
  }
});

t.test('one at a time removes an abandoned lock', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  await leaveBehind(lockPathOf(file));
  const removing = t.capture(promises, 'rename', promises.rename);
  const all = await Promise.allSettled(Array.from({ length: 50 }, () => FileLock.take(file)));
  t.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
  t.equal(removing().length, 1);
  for (const one of all) if (one.status === 'fulfilled') await one.value.release();
});

t.test('where there is no guard, another one that was faster keeps it', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  await leaveBehind(lockPathOf(file));
  const { rename } = promises;
  let other: FileLock | null = null;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the server below
  const { listen } = Server.prototype;
  t.intercept(Server.prototype, 'listen', {
    value(this: Server, ...args: Parameters<typeof listen>) {
      const { path: name } = args[0] as { path: string };
      if (!name.startsWith('\0')) return listen.apply(this, args);
      process.nextTick(() => this.emit('error', systemError('EINVAL')));
      return this;
    },
  });
  t.intercept(promises, 'rename', {
    value: async (from: string, to: string) => {
      if (other === null) {
        // What was found abandoned is removed, and taken, by another one.
        rmSync(from);
        other = await FileLock.take(file);
      }
      await rename(from, to);
    },
  });
  await t.rejects(FileLock.take(file), { code: 'ELOCKED' });
  t.equal(await other!.isInPlace(), true);
  await (other as FileLock | null)?.release();
});

t.test('one that is gone when it is to be moved is tried again', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  await leaveBehind(lockPathOf(file));
  const results = t.capture(promises, 'rename', async (from: string) => {
    rmSync(from);
    return Promise.reject(systemError('ENOENT'));
  });
  await take(t, file);
  t.equal(results().length, 1);
});

t.test('errors of the system', async (t) => {
  const directory = directoryOf(t);
  const file = path.join(directory, 'a');
  await t.rejects(FileLock.take('/dev/null/a'), { code: /ENOTDIR|EACCES/ });
  await t.rejects(FileLock.take(path.join('/nowhere', 'x'.repeat(120), 'a')), { code: 'ENOENT' });

  writeFileSync(lockPathOf(file), 'somebody else’s');
  await t.rejects(FileLock.take(file), { code: 'ENOTSOCK' });
  t.same(readdirSync(directory), ['.a.lock']);
  rmSync(lockPathOf(file));

  await leaveBehind(lockPathOf(file));
  for (const [name, code] of [
    ['rename', 'EIO'],
    ['lstat', 'EIO'],
    ['link', 'EPERM'],
  ] as const) {
    const restore = t.intercept(promises, name, { value: () => Promise.reject(systemError(code)) });
    await t.rejects(FileLock.take(file), { code });
    restore.restore();
    t.same(readdirSync(directory), ['.a.lock'], name);
  }
});

t.test('one that comes and goes for ever is held by somebody', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  t.intercept(promises, 'link', { value: () => Promise.reject(systemError('EEXIST')) });
  await t.rejects(FileLock.take(file), { code: 'ELOCKED' });
});

t.test('one that cannot be removed is no matter: nobody listens', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  const lock = await FileLock.take(file);
  const { unlink } = promises;
  const unlinking = t.intercept(promises, 'unlink', {
    value: () => Promise.reject(systemError('EACCES')),
  });
  await lock.release();
  unlinking.restore();
  t.equal(promises.unlink, unlink);
  await take(t, file);
});

t.test('whether a file is locked', async (t) => {
  const file = path.join(directoryOf(t), 'a');
  t.equal(await isLocked(file), false);
  const lock = await FileLock.take(file);
  t.equal(await isLocked(file), true);
  await lock.release();
  writeFileSync(lockPathOf(file), 'somebody else’s');
  t.equal(await isLocked(file), true, 'that cannot be told');
});
