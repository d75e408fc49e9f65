import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ByteOutput } from '../../src/cli/byte-output.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

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
