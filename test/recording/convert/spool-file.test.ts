import { Buffer } from 'node:buffer';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { BLOCK_ROOM_BYTES, SpoolFile } from '../../../src/recording/convert/spool-file.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

t.test('blocks keep what is written into them', async (t) => {
  const directory = makeTempDir(t);
  const file = new SpoolFile(directory);
  t.teardown(() => {
    file.close();
  });
  const [one, two] = [file.allocate(), file.allocate()];
  t.strictSame(readdirSync(directory), [], 'there is no file before it is needed');
  file.write(two, 0, Buffer.from('second'));
  file.write(one, 0, Buffer.alloc(BLOCK_ROOM_BYTES, 1));
  file.write(one, 3, Buffer.from('first'));
  file.link(one, two);
  t.strictSame(readdirSync(directory), [], 'nor does it have a name while it is used');
  t.equal(file.read(two, 6).toString(), 'second');
  const first = file.read(one, BLOCK_ROOM_BYTES);
  t.equal(first.toString('latin1', 0, 9), '\x01\x01\x01first\x01');
  t.equal(first[BLOCK_ROOM_BYTES - 1], 1, 'the last byte is not part of the link');
  t.equal(file.next(one), two);
  t.equal(file.blocks, 2);
});

t.test('released blocks are used again', async (t) => {
  const file = new SpoolFile(makeTempDir(t));
  t.teardown(() => {
    file.close();
  });
  const blocks = Array.from({ length: 4 }, () => file.allocate());
  const [a = 0, b = 0, c = 0, d = 0] = blocks;
  file.link(a, b);
  file.release(a, b);
  file.link(c, d);
  file.release(c, d);
  const again = Array.from({ length: 4 }, () => file.allocate());
  t.strictSame([...again].sort(), blocks, 'all of them, each once');
  t.equal(file.blocks, 4, 'the file did not grow');
  t.equal(file.allocate(), 4, 'then it does');
});

t.test('closing', async (t) => {
  const file = new SpoolFile(makeTempDir(t));
  file.close();
  file.write(file.allocate(), 0, Buffer.from('x'));
  file.close();
  file.close();
  t.throws(() => file.read(0, 1), 'there is nothing to read any more');
});

t.test('a directory that is not there', async (t) => {
  const file = new SpoolFile(path.join(makeTempDir(t), 'missing'));
  t.throws(
    () => {
      file.write(file.allocate(), 0, Buffer.from('x'));
    },
    {
      name: 'SpoolError',
      directory: /missing$/,
      cause: { code: 'ENOENT' },
    },
  );
});
