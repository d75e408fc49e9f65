import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { inOrderOfTime, readMerged } from '../../../src/cli/convert/merge.js';
import { KeptInput, header, line } from '../../fixtures/input-taker.js';
import { openFilesIn } from '../../fixtures/open-files.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

function files(t: Test, contents: Readonly<Record<string, string>>): string[] {
  const directory = makeTempDir(t);
  return Object.entries(contents).map(([name, content]) => {
    writeFileSync(path.join(directory, name), content);
    return path.join(directory, name);
  });
}

async function read(paths: readonly string[], taker = new KeptInput()): Promise<string> {
  await readMerged(await inOrderOfTime(paths), taker, new AbortController().signal);
  return taker.text;
}

t.test('files in the order in which they began, whatever they are called', async (t) => {
  const paths = files(t, {
    a: header(3) + line('e', 3.5),
    b: header(1) + line('a', 1.5) + line('b', 1.6),
    c: header(2) + line('c', 1.9) + line('d', 2.5).trimEnd(),
    empty: '',
    unknown: 'x\n',
  });
  t.equal(await read(paths), '<b:#ab<c:<empty:<unknown:?1?#cd<a:#e');
  t.same(await inOrderOfTime([]), []);
});

t.test('those of several servers at once, record by record', async (t) => {
  const paths = files(t, {
    a: header(1) + line('a', 1) + line('d', 4) + line('e', 5) + line('h', 8),
    b: header(2) + line('b', 2) + line('c', 3) + line('f', 6) + line('g', 7) + line('i', 9),
    c: header(100) + line('z', 100),
  });
  t.equal((await read(paths)).replaceAll(/<.:|#/g, ''), 'abcdefghiz');
});

t.test('a clock that was set back does not change the order in a file', async (t) => {
  const paths = files(t, {
    a: header(10) + line('a', 10) + line('b', 3) + line('c', 12),
    b: header(11) + line('x', 11) + line('y', 13),
  });
  t.equal((await read(paths)).replaceAll(/<.:|#/g, ''), 'abxcy');
});

t.test('a file is open only while its time has come', async (t) => {
  const contents = Array.from({ length: 50 }, (_, index): [string, string] => [
    `f${index}`,
    header(index) + line(`${index},`, index + 0.5),
  ]);
  const paths = files(t, Object.fromEntries(contents));
  const directory = path.dirname(paths[0]!);
  let most = 0;
  const taker = new KeptInput();
  taker.take = (records, bytes) => {
    most = Math.max(most, openFilesIn(directory));
    return KeptInput.prototype.take.call(taker, records, bytes);
  };
  const text = await read(paths.reverse(), taker);
  t.equal(text.replaceAll(/<f\d+:|#/g, ''), contents.map((_, index) => `${index},`).join(''));
  t.ok(most <= 2, `${most} files`);
  t.equal(openFilesIn(directory), 0);
});

t.test('large files, whole', async (t) => {
  const content = (name: string, start: number): string =>
    header(1) + Array.from({ length: 5000 }, (_, index) => line(name, start + index)).join('');
  const paths = files(t, { a: content('a', 1), b: content('b', 1.5) });
  const taker = new KeptInput();
  t.equal((await read(paths, taker)).replaceAll(/<.:|#/g, ''), 'ab'.repeat(5000));
  t.equal(taker.bytes, content('a', 1).length + content('b', 1.5).length);
});

t.test('it ends when it is time, and closes what is open', async (t) => {
  const paths = files(t, { a: header(1) + line('a', 1), b: header(1) + line('b', 1) });
  const stop = new AbortController();
  const taker = new KeptInput();
  taker.take = async () => {
    stop.abort();
    return Promise.resolve();
  };
  await readMerged(await inOrderOfTime(paths), taker, stop.signal);
  t.equal(openFilesIn(path.dirname(paths[0]!)), 0);
  await t.rejects(inOrderOfTime(['/nowhere']), { code: 'ENOENT' });
});

t.test('a file that cannot be read is closed, and so are the others', async (t) => {
  const bzip2 = 'BZh9';
  for (const content of [{ a: bzip2 }, { a: header(1) + line('a', 1), b: bzip2 }]) {
    const paths = files(t, content);
    await t.rejects(read(paths), /compressed/);
    t.equal(openFilesIn(path.dirname(paths[0]!)), 0);
  }
});
