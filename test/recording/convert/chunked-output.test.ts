import { Buffer } from 'node:buffer';
import t from 'tap';
import { ChunkedOutput } from '../../../src/recording/convert/chunked-output.js';
import { KeptOutput } from '../../fixtures/recordings.js';

const CHUNK_BYTES = 256 * 1024;

function put(chunked: ChunkedOutput, bytes: Buffer): void {
  chunked.reserve(bytes.length);
  chunked.chunk.set(bytes, chunked.at);
  chunked.at += bytes.length;
}

t.test('small pieces become few large ones', async (t) => {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  const piece = Buffer.alloc(1000, 'x');
  let waits = 0;
  for (let index = 0; index < 1000; index++) {
    put(chunked, piece);
    const wait = chunked.drain();
    if (wait === undefined) continue;
    waits++;
    await wait;
  }
  t.equal(waits, 3);
  t.equal(output.bytes.length, 3 * 262_000);
  await chunked.flush();
  t.ok(output.bytes.equals(Buffer.alloc(1_000_000, 'x')));
});

t.test('a piece larger than a chunk', async (t) => {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  put(chunked, Buffer.from('small'));
  put(chunked, Buffer.alloc(CHUNK_BYTES + 1, 'l'));
  put(chunked, Buffer.from('small'));
  await chunked.drain();
  t.equal(output.bytes.length, 5 + CHUNK_BYTES + 1, 'all chunks that are full');
  await chunked.flush();
  t.equal(output.bytes.toString('latin1', CHUNK_BYTES), 'llllllsmall');
});

t.test('nothing', async (t) => {
  const output = new KeptOutput();
  await new ChunkedOutput(output).flush();
  t.equal(output.bytes.length, 0);
});

t.test('what is there is written when asked for, and once', async (t) => {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  for (const text of ['one', 'two']) {
    put(chunked, Buffer.from(text));
    await chunked.flush();
    await chunked.flush();
  }
  t.equal(output.bytes.toString(), 'onetwo');
  put(chunked, Buffer.alloc(CHUNK_BYTES, 'x'));
  await chunked.flush();
  t.equal(output.bytes.length, 6 + CHUNK_BYTES);
});
