import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  NODE_FILE_SYSTEM,
  type RecordingFileSystem,
} from '../../../src/recording/file/recording-file-system.js';
import { type Tail, findTail } from '../../../src/recording/file/torn-tail.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const HEADER = '{"v":1,"ev":"file"}\n';

t.test('the end of a file', async (t) => {
  const file = path.join(makeTempDir(t), 'file');
  const tailOf = (text: string, fileSystem = NODE_FILE_SYSTEM): Promise<Tail> => {
    writeFileSync(file, text);
    return findTail(fileSystem, file, Buffer.byteLength(text));
  };
  for (const [text, bytes, isForeign] of [
    [HEADER, 0, false],
    [`${HEADER}{"ev"`, 5, false],
    ['{', 1, false],
    ['{"v":1,"ev":"fi', 15, false],
    ['{"ev":"msg","s"', 15, false],
    ['{"version":1}', 13, true],
    ['PNG', 3, true],
    ['some\ntext', 4, true],
    // What ends as it should is left alone, whatever it is.
    ['PNG\n', 0, false],
    [`${HEADER}${'x'.repeat(65_535)}`, 65_535, false],
    [`${HEADER}${'x'.repeat(65_536)}`, 65_536, false],
    [`${HEADER}${'x'.repeat(200_000)}`, 200_000, false],
    [`{"v":1${'x'.repeat(200_000)}`, 200_006, false],
  ] as const)
    t.strictSame(await tailOf(text), { bytes, isForeign }, `${text.slice(0, 20)} ${text.length}`);
  const slow: RecordingFileSystem = {
    ...NODE_FILE_SYSTEM,
    read: (fd, into, position) => NODE_FILE_SYSTEM.read(fd, into.subarray(0, 7), position),
  };
  t.strictSame(await tailOf(`${HEADER}${'x'.repeat(100)}`, slow), { bytes: 100, isForeign: false });
});

t.test('a file that is cut meanwhile', async (t) => {
  const file = path.join(makeTempDir(t), 'file');
  writeFileSync(file, `${HEADER}abc`);
  const tail = await findTail(NODE_FILE_SYSTEM, file, 1000);
  t.strictSame(tail, { bytes: 1000 - HEADER.length, isForeign: false });
});

t.test('a file that cannot be read', async (t) => {
  const file = path.join(makeTempDir(t), 'file');
  writeFileSync(file, 'abc');
  const closed: number[] = [];
  const broken: RecordingFileSystem = {
    ...NODE_FILE_SYSTEM,
    read: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })),
    close: async (fd) => {
      closed.push(fd);
      await NODE_FILE_SYSTEM.close(fd);
    },
  };
  await t.rejects(findTail(broken, file, 3), { code: 'EIO' });
  t.equal(closed.length, 1, 'nothing stays open');
});
