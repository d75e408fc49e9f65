import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ByteOutput, writeAll } from '../../../src/cli/output/byte-output.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

t.test('a file is written to without the stream', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  const descriptor = openSync(file, 'w');
  t.teardown(() => {
    closeSync(descriptor);
  });
  const output = new ByteOutput({ write: () => t.fail('the stream') }, descriptor);
  t.notOk(output.isUsed);
  const { dev, ino } = statSync(file);
  t.match(output.file, { dev, ino });
  await output.write(Buffer.from('abc'));
  t.ok(output.isUsed);
  t.equal(readFileSync(file, 'latin1'), 'abc');
});

t.test('anything else by its stream, one after the other', async (t) => {
  const device = openSync('/dev/null', 'w');
  t.teardown(() => {
    closeSync(device);
  });
  const results: (Error | null | undefined)[] = [undefined, null, new Error('EPIPE')];
  const written: string[] = [];
  const output = new ByteOutput(
    {
      write: (bytes, done) => {
        written.push(Buffer.from(bytes).toString());
        setImmediate(done, results.shift());
      },
    },
    device,
  );
  t.equal(output.file, null);
  await output.write(Buffer.from('a'));
  await output.write(Buffer.from('b'));
  await t.rejects(output.write(Buffer.from('c')), new Error('EPIPE'));
  t.same(written, ['a', 'b', 'c']);
});

t.test('a closed output is no file', async (t) => {
  const output = new ByteOutput({ write: () => undefined }, 1_000_000);
  t.equal(output.file, null);
});

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
    '../../../src/cli/output/byte-output.js',
    {
      'node:fs': {
        fstatSync,
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
