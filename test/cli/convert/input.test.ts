import { execFileSync } from 'node:child_process';
import { promises, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { InputFile, readStream } from '../../../src/cli/convert/input.js';
import { ConvertError } from '../../../src/recording/convert/converter.js';
import { KeptInput, line } from '../../fixtures/input-taker.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Promise.resolve(Buffer.from(text, 'latin1'));
}

async function open(t: Test, content: string, taker: KeptInput): Promise<InputFile> {
  const file = path.join(makeTempDir(t), 'a');
  writeFileSync(file, content, 'latin1');
  const opened = await InputFile.open(file, await promises.open(file), taker.begin(file));
  t.teardown(() => opened.close());
  return opened;
}

t.test('streams: each chunk goes on at once, and a last line that is whole counts', async (t) => {
  const taker = new KeptInput();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(line('a'), line('b'));
    t.ok(taker.isIdle);
    t.equal(taker.text, '<-:ab');
    yield* chunksOf(line('c').trimEnd());
  }
  await readStream(chunks(), taker, new AbortController().signal);
  t.equal(taker.text, '<-:abc');
  await readStream(chunksOf('{"ev"'), taker, new AbortController().signal);
  t.equal(taker.text, '<-:abc<-:?1?');
  await readStream(chunksOf(), taker, new AbortController().signal);
});

t.test('streams end when it is time, and half a line is no fault then', async (t) => {
  const taker = new KeptInput();
  const stop = new AbortController();
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(line('a'), '{"ev":');
    stop.abort();
    await new Promise(() => undefined);
  }
  await readStream(endless(), taker, stop.signal);
  await readStream(endless(), taker, stop.signal);
  t.equal(taker.text, '<-:a<-:');
});

t.test('a stream that fails', async (t) => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(line('a'));
    throw new Error('gone');
  }
  const taker = new KeptInput();
  await t.rejects(readStream(failing(), taker, new AbortController().signal), new Error('gone'));
  t.equal(taker.text, '<-:a');
});

t.test('files', async (t) => {
  const taker = new KeptInput();
  const text = line('x'.repeat(1000)).repeat(300) + line('end').trimEnd();
  const file = await open(t, text, taker);
  await file.readOn(taker, new AbortController().signal);
  t.equal(file.position, text.length);
  t.equal(taker.bytes, text.length);
  await taker.take(file.finish(), 0);
  t.equal(taker.text, `<a:${'x'.repeat(300_000)}end`);
});

t.test('files end when it is time', async (t) => {
  const taker = new KeptInput();
  const stop = new AbortController();
  const file = await open(t, line('x').repeat(100_000), taker);
  taker.take = (records, bytes) => {
    stop.abort();
    return KeptInput.prototype.take.call(taker, records, bytes);
  };
  await file.readOn(taker, stop.signal);
  t.ok(taker.bytes < 500_000, 'after a chunk');
});

t.test('a pipe', async (t) => {
  const fifo = path.join(makeTempDir(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const writing = promises.writeFile(fifo, line('a') + line('b'));
  const taker = new KeptInput();
  const file = await InputFile.open(fifo, await promises.open(fifo), taker.begin(fifo));
  await file.readOn(taker, new AbortController().signal);
  await writing;
  await file.close();
  t.equal(taker.text, '<fifo:ab');
});

t.test('what is compressed is named, and nothing is read of it', async (t) => {
  const taker = new KeptInput();
  const gzip = '\x1f\x8b\x08\0';
  await t.rejects(readStream(chunksOf(gzip), taker, new AbortController().signal), ConvertError);
  const file = await open(t, gzip, taker);
  await t.rejects(file.readOn(taker, new AbortController().signal), ConvertError);
  t.equal(taker.text, '<-:<a:');
});

t.test('the rest in a copy', async (t) => {
  const taker = new KeptInput();
  const file = await open(t, line('a') + line('b').slice(0, 10), taker);
  await file.readOn(taker, new AbortController().signal);
  const copy = await open(t, line('a') + line('b') + line('c'), new KeptInput());
  await file.continuedIn(copy.handle).readOn(taker, new AbortController().signal);
  t.equal(taker.text, '<a:abc');
});

t.test('half a line that its writer takes back is not read', async (t) => {
  const taker = new KeptInput();
  const half = line('lost').slice(0, 10);
  const file = await open(t, line('a') + half, taker);
  await file.readOn(taker, new AbortController().signal);
  t.equal(file.position, line('a').length + half.length);
  file.takeBackHalfLine();
  t.equal(file.position, line('a').length);
  writeFileSync(file.path, line('a') + line('b'), 'latin1');
  await file.readOn(taker, new AbortController().signal);
  t.equal(taker.text, '<a:ab');
});
