import { spawnSync } from 'node:child_process';
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { followFile, readFile, readStream, type InputTaker } from '../../src/cli/convert-input.js';
import { Stop } from '../../src/cli/stop.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually } from '../fixtures/within.js';

/** Writes down what it is given. */
class Taker implements InputTaker {
  /** `<` begins a file, `>` ends it, `!` is a note. */
  text = '';
  isIdle = false;

  begin(): void {
    this.text += '<';
  }

  async take(chunk: Uint8Array): Promise<void> {
    this.isIdle = false;
    await Promise.resolve();
    this.text += Buffer.from(chunk).toString('latin1');
  }

  async idle(): Promise<void> {
    this.isIdle = true;
    return Promise.resolve();
  }

  end(): void {
    this.text += '>';
  }

  note(sentence: string): void {
    this.text += `!${path.basename(sentence)}!`;
  }

  async waitFor(text: string): Promise<void> {
    const isReached = (): boolean => this.text === text && this.isIdle;
    await eventually(isReached, JSON.stringify(text), () => JSON.stringify(this.text));
  }
}

interface Following {
  readonly file: string;
  readonly taker: Taker;
  readonly stop: Stop;
  readonly done: Promise<void>;
}

function follow(t: Test, file = path.join(makeTempDir(t), 'a'), content?: string): Following {
  if (content !== undefined) writeFileSync(file, content);
  const taker = new Taker();
  const stop = new Stop();
  t.teardown(() => {
    stop.stop();
  });
  return { file, taker, stop, done: followFile(file, taker, stop) };
}

t.test('streams: each chunk goes on at once', async (t) => {
  const taker = new Taker();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const text of ['a', 'b']) yield Promise.resolve(Buffer.from(text));
    t.ok(taker.isIdle);
  }
  await readStream(chunks(), taker, new Stop());
  t.equal(taker.text, '<ab>');
});

t.test('streams end when it is time', async (t) => {
  const taker = new Taker();
  const stop = new Stop();
  const endless = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
  };
  const done = readStream(endless, taker, stop);
  stop.stop();
  await done;
  await readStream(endless, taker, stop);
  t.equal(taker.text, '<><>');
});

t.test('files', async (t) => {
  const taker = new Taker();
  const file = path.join(makeTempDir(t), 'a');
  await t.rejects(readFile(file, taker, new Stop()), { code: 'ENOENT' });
  const text = 'abc'.repeat(100_000);
  writeFileSync(file, text);
  await readFile(file, taker, new Stop());
  t.equal(taker.text, `<${text}>`);
  await t.rejects(readFile(path.dirname(file), taker, new Stop()), { code: 'EISDIR' });
});

t.test('files end when it is time', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  writeFileSync(file, 'x'.repeat(1_000_000));
  const stop = new Stop();
  const taker = new Taker();
  taker.take = async (chunk) => {
    stop.stop();
    return Taker.prototype.take.call(taker, chunk);
  };
  await readFile(file, taker, stop);
  t.ok(taker.text.length < 500_000, 'after a chunk');
});

t.test('pipes', async (t) => {
  const file = path.join(makeTempDir(t), 'fifo');
  if (spawnSync('mkfifo', [file]).status !== 0) throw new Error('no mkfifo');
  const taker = new Taker();
  const done = readFile(file, taker, new Stop());
  writeFileSync(file, 'abc');
  await done;
  t.equal(taker.text, '<abc>');
  const following = follow(t, file);
  writeFileSync(file, 'def');
  await following.taker.waitFor('<def');
  following.stop.stop();
  await following.done;
});

t.test('a file that grows', async (t) => {
  const { file, taker, stop, done } = follow(t, undefined, 'abc');
  await taker.waitFor('<abc');
  appendFileSync(file, 'def');
  await taker.waitFor('<abcdef');
  stop.stop();
  await done;
  t.equal(taker.text, '<abcdef>');
});

t.test('a file that is not there yet', async (t) => {
  const { file, taker, stop, done } = follow(t);
  const note = '!a is not there yet; waiting for it!';
  await taker.waitFor(`<${note}`);
  writeFileSync(file, 'abc');
  await taker.waitFor(`<${note}abc`);
  stop.stop();
  await done;
});

t.test('a file that never comes', async (t) => {
  const { taker, stop, done } = follow(t);
  await taker.waitFor('<!a is not there yet; waiting for it!');
  stop.stop();
  await done;
  t.match(taker.text, /!>$/);
  await follow(t, '/dev/null/a').done.then(
    () => t.fail('it cannot be there'),
    (error: unknown) => t.match(error, { code: 'ENOTDIR' }),
  );
});

t.test('a file that is rotated is read to its end first', async (t) => {
  const { file, taker, stop, done } = follow(t, undefined, 'abc');
  await taker.waitFor('<abc');
  renameSync(file, `${file}.1`);
  appendFileSync(`${file}.1`, 'def');
  await taker.waitFor('<abcdef');
  writeFileSync(`${file}.new`, 'ghi');
  appendFileSync(`${file}.1`, '.');
  renameSync(`${file}.new`, file);
  await taker.waitFor('<abcdef.><ghi');
  stop.stop();
  await done;
  t.equal(taker.text, '<abcdef.><ghi>');
});

t.test('a file that is truncated', async (t) => {
  const { file, taker, stop, done } = follow(t, undefined, 'abcdef');
  await taker.waitFor('<abcdef');
  truncateSync(file);
  await taker.waitFor('<abcdef>!a was truncated; reading it from its beginning!<');
  appendFileSync(file, 'gh');
  await taker.waitFor('<abcdef>!a was truncated; reading it from its beginning!<gh');
  stop.stop();
  await done;
});
