import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { writeAll } from '../../src/cli/write-all.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

t.test('writes all, at the end of what is there', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  const descriptor = openSync(file, 'w');
  await writeAll(descriptor, Buffer.from('ab'));
  await writeAll(descriptor, new Uint8Array(0));
  await writeAll(descriptor, Buffer.alloc(300_000, 'c'));
  closeSync(descriptor);
  t.equal(readFileSync(file, 'latin1'), `ab${'c'.repeat(300_000)}`);
  await t.rejects(writeAll(1_000_000, Buffer.from('x')), { code: 'EBADF' });
});

t.test('when a part was taken, the rest follows', async (t) => {
  const taken: string[] = [];
  const { writeAll: writeInParts } = await t.mockImport<{ writeAll: typeof writeAll }>(
    '../../src/cli/write-all.js',
    {
      'node:fs': {
        write: (
          _descriptor: number,
          bytes: Buffer,
          at: number,
          length: number,
          _position: null,
          done: (error: null, written: number) => void,
        ) => {
          const part = Math.min(3, length);
          taken.push(bytes.toString('latin1', at, at + part));
          done(null, part);
        },
      },
    },
  );
  await writeInParts(7, Buffer.from('abcdefgh'));
  t.same(taken, ['abc', 'def', 'gh']);
});
