import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  promises,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { Follower } from '../../../src/cli/convert/follow.js';
import { systemError } from '../../fixtures/faulty-file-system.js';
import { KeptInput, header, line } from '../../fixtures/input-taker.js';
import { openFilesIn } from '../../fixtures/open-files.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

interface Following {
  readonly taker: KeptInput;
  readonly end: () => Promise<void>;
}

async function follow(t: Test, given: string): Promise<Following> {
  const taker = new KeptInput();
  const stop = new AbortController();
  const follower = new Follower(given);
  await follower.begin();
  const done = follower.run(taker, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await done;
    await follower.close();
  };
  t.teardown(end);
  return { taker, end };
}

const fileIn = (t: Test): string => path.join(makeTempDir(t), 'a');

t.test('a file that grows, in pieces of lines', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(1) + line('a'));
  const { taker, end } = await follow(t, file);
  await taker.waitFor('<a:#a');
  appendFileSync(file, line('b').slice(0, 20));
  appendFileSync(file, line('b').slice(20) + line('c'));
  await taker.waitFor('<a:#abc');
  appendFileSync(file, '{"ev":');
  await end();
  t.equal(taker.text, '<a:#abc', 'half a line is no fault');
});

t.test('a file that is not there yet, or has nothing yet', async (t) => {
  const file = fileIn(t);
  const { taker } = await follow(t, file);
  const note = '!a is not there yet; waiting for it!';
  await taker.waitFor(note);
  writeFileSync(file, '');
  writeFileSync(file, header(1) + line('a'));
  await taker.waitFor(`${note}<a:#a`);
  const never = await follow(t, fileIn(t));
  await never.taker.waitFor(note);

  const empty = fileIn(t);
  writeFileSync(empty, '');
  const started = await follow(t, empty);
  await started.taker.waitFor('<a:');
  appendFileSync(empty, header(1).slice(0, 9));
  appendFileSync(empty, header(1).slice(9) + line('a'));
  await started.taker.waitFor('<a:#a');
  renameSync(empty, `${empty}.1`);
  writeFileSync(empty, header(2) + line('b'));
  await started.taker.waitFor('<a:#a<a:#b');
});

t.test('several rotations between two looks: all are read, in their order, once', async (t) => {
  const file = fileIn(t);
  writeFileSync(`${file}.0`, header(0.5) + line('old'));
  writeFileSync(file, header(1) + line('a', 1));
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  for (let round = 0; round < 5; round++) {
    appendFileSync(file, line(`.${round}`, 10 * round + 5));
    // Names that do not sort as the times do.
    renameSync(file, `${file}.${9 - round}`);
    writeFileSync(file, header(10 * (round + 1)) + line(`n${round}`, 10 * (round + 1)));
  }
  await eventually(
    () => taker.text.includes('n4'),
    'the newest',
    () => taker.text,
  );
  t.equal(taker.text.replaceAll(/<[^:]+:/g, ''), '#a.0#n0.1#n1.2#n2.3#n3.4#n4');
  appendFileSync(file, line('!', 99));
  await eventually(() => taker.text.endsWith('!'), 'it goes on');
});

t.test('what is written to the old file until the new one is there', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(1) + line('a'));
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  renameSync(file, `${file}.1`);
  appendFileSync(`${file}.1`, line('b'));
  await taker.waitFor('<a:#ab');
  appendFileSync(`${file}.1`, line('c').trimEnd());
  writeFileSync(file, header(2) + line('d'));
  await taker.waitFor('<a:#abc<a:#d');
});

t.test('the next file though the clock was set back', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(100) + line('a'));
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  renameSync(file, `${file}.1`);
  writeFileSync(file, header(50) + line('b'));
  await taker.waitFor('<a:#a<a:#b');
  appendFileSync(file, line('c'));
  await taker.waitFor('<a:#a<a:#bc');
});

t.test('half a line that its writer cuts off after a crash', async (t) => {
  const file = fileIn(t);
  const whole = header(1) + line('a');
  writeFileSync(file, `${whole}{"ev":"msg","s":`);
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  truncateSync(file, whole.length);
  appendFileSync(file, header(2) + line('b', 2));
  await taker.waitFor('<a:#a#b');
});

t.test('a file that has the place of a removed one on the disk', async (t) => {
  const file = fileIn(t);
  writeFileSync(`${file}.1`, header(0.5) + line('old'));
  writeFileSync(file, header(1) + line('a'));
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  for (let round = 0; round < 20; round++) {
    rmSync(`${file}.1`);
    renameSync(file, `${file}.1`);
    writeFileSync(file, header(2 + round) + line(String.fromCharCode(98 + round)));
    await eventually(() => taker.text.endsWith(String.fromCharCode(98 + round)), 'the next one');
  }
  t.equal(taker.text.replaceAll(/<a:#/g, ''), 'abcdefghijklmnopqrstu');
});

t.test('names by time: the newest, and those after it', async (t) => {
  const directory = makeTempDir(t);
  const at = (name: string): string => path.join(directory, name);
  writeFileSync(at('x-01'), header(1) + line('old'));
  writeFileSync(at('x-02'), header(2) + line('a'));
  const { taker } = await follow(t, at('x-%M'));
  await taker.waitFor('<x-02:#a');
  writeFileSync(at('x-04'), header(4) + line('c'));
  writeFileSync(at('x-03'), header(3) + line('b'));
  writeFileSync(at('x-04.har'), '{"log":{');
  await taker.waitFor('<x-02:#a<x-03:#b<x-04:#c');
  mkdirSync(at('2026'));
  const none = await follow(t, at('%Y/x'));
  await none.taker.waitFor('!x is not there yet; waiting for it!');
  writeFileSync(at('2026/x'), header(1) + line('a'));
  await none.taker.waitFor('!x is not there yet; waiting for it!<x:#a');
});

t.test('a file that is truncated', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(1) + line('a') + '{"ev":');
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  symlinkSync('/nowhere', `${file}.9`);
  truncateSync(file);
  const start = '<a:#a!a was truncated; reading it from its beginning!<a:';
  await taker.waitFor(start);
  appendFileSync(file, line('b'));
  await taker.waitFor(`${start}b`);
});

t.test('a file that is copied and truncated loses nothing that is in the copy', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(1) + line('a'));
  const { taker } = await follow(t, file);
  await taker.waitFor('<a:#a');
  writeFileSync(`${file}.2`, header(0.5));
  // All between two looks, and more than there was before.
  appendFileSync(file, line('b'));
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
  appendFileSync(file, line('c', 2) + line('d', 3).repeat(10));
  const note = '!a was truncated; reading it from its beginning!';
  const expected = `<a.2:#<a:#ab${note}<a:c${'d'.repeat(10)}`;
  const inAnyOrder = (text: string): string => text.replace('<a.2:#', '');
  await eventually(
    () => inAnyOrder(taker.text) === inAnyOrder(expected),
    'all',
    () => taker.text,
  );
  appendFileSync(file, line('e', 4));
  await eventually(() => taker.text.endsWith('e'), 'what comes next');
  // Truncated and rotated between two looks.
  appendFileSync(file, line('f', 5));
  copyFileSync(file, `${file}.3`);
  truncateSync(file);
  appendFileSync(file, line('g', 6));
  renameSync(file, `${file}.4`);
  writeFileSync(file, header(7) + line('h', 7));
  await eventually(
    () => taker.text.endsWith('h'),
    'the next file',
    () => taker.text,
  );
  t.match(taker.text, /ef!a was truncated[^!]+!<a:g<a:#h$/);
});

t.test('pipes', async (t) => {
  const file = fileIn(t);
  if (spawnSync('mkfifo', [file]).status !== 0) throw new Error('no mkfifo');
  const writing = promises.writeFile(file, line('a'));
  const { taker } = await follow(t, file);
  await writing;
  await taker.waitFor('<a:a');
});

t.test('files that come and go while it looks, and errors of the system', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(1));
  writeFileSync(`${file}.1`, header(0.5));
  const { stat, open } = promises;
  const gone = (real: typeof stat | typeof open, code: string) => ({
    value: (name: string, ...rest: never[]) =>
      name === `${file}.1` ? Promise.reject(systemError(code)) : real(name, ...rest),
  });
  for (const [name, real] of [
    ['stat', stat],
    ['open', open],
  ] as const) {
    const missing = t.intercept(promises, name, gone(real, 'ENOENT'));
    const follower = new Follower(file);
    await follower.begin();
    await follower.close();
    missing.restore();
    const broken = t.intercept(promises, name, gone(real, 'EIO'));
    await t.rejects(new Follower(file).begin(), { code: 'EIO' });
    broken.restore();
  }
  t.equal(openFilesIn(path.dirname(file)), 0);
});

t.test('a file that can be opened and not read', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(1));
  const { open } = promises;
  t.intercept(promises, 'open', {
    value: async (name: string) => {
      const handle = await open(name);
      handle.read = () => Promise.reject(systemError('EIO'));
      return handle;
    },
  });
  await t.rejects(new Follower(file).begin(), { code: 'EIO' });
  t.equal(openFilesIn(path.dirname(file)), 0);
});

t.test('a file is closed when what it holds cannot be taken', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, header(2) + line('b'));
  const follower = new Follower(file);
  await follower.begin();
  const taker = new KeptInput();
  taker.take = () => Promise.reject(new Error('the disk is full'));
  await t.rejects(follower.run(taker, new AbortController().signal), /the disk is full/);
  t.equal(openFilesIn(path.dirname(file)), 0);
});
