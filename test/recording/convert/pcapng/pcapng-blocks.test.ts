import { Buffer } from 'node:buffer';
import t from 'tap';
import { ChunkedOutput } from '../../../../src/recording/convert/chunked-output.js';
import {
  fileStart,
  writeDatagramBlock,
} from '../../../../src/recording/convert/pcapng/pcapng-blocks.js';
import { readBlocks, readOptions } from '../../../fixtures/pcapng.js';
import { KeptOutput } from '../../../fixtures/recordings.js';

t.test('the start of a file', async (t) => {
  const [section, link, ...more] = readBlocks(fileStart('me'));
  t.strictSame(more, []);
  t.equal(section!.type, 0x0a0d0d0a);
  t.equal(section!.body.toString('hex', 0, 16), '4d3c2b1a01000000ffffffffffffffff');
  t.equal(readOptions(section!.body.subarray(16)).get(4)?.toString(), 'me');
  t.equal(link!.type, 1);
  t.equal(link!.body.toString('hex', 0, 8), '6500000000000000', 'raw IP, any length');
  t.equal(readOptions(link!.body.subarray(8)).get(9)?.toString('hex'), '06', 'microseconds');
});

t.test('the block of a datagram', async (t) => {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  // What is padding must not be what stood there before.
  chunked.chunk.fill(0xee);
  for (const [length, comment] of [
    [5, ''],
    [8, 'größer'],
  ] as const) {
    const at = writeDatagramBlock(chunked, 1_790_000_000.123456, length, comment);
    t.equal(at % 4, 0);
    chunked.chunk.fill('d', at, at + length);
  }
  await chunked.flush();
  const [plain, commented, ...more] = readBlocks(output.bytes);
  t.strictSame(more, []);
  const micros = 1_790_000_000_123_456n;
  const start = Buffer.alloc(20);
  start.writeUInt32LE(Number(micros >> 32n), 4);
  start.writeUInt32LE(Number(micros & 0xffffffffn), 8);
  start.writeUInt32LE(5, 12);
  start.writeUInt32LE(5, 16);
  t.strictSame(plain, { type: 6, body: Buffer.concat([start, Buffer.from('ddddd\0\0\0')]) });
  t.equal(commented!.body.toString('latin1', 20, 28), 'dddddddd');
  t.equal(readOptions(commented!.body.subarray(28)).get(1)?.toString(), 'größer');
});

t.test('a comment that is too long', async (t) => {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  writeDatagramBlock(chunked, 1, 4, 'x'.repeat(70_000));
  await chunked.flush();
  const [block] = readBlocks(output.bytes);
  t.equal(readOptions(block!.body.subarray(24)).get(1)?.toString(), 'x'.repeat(1000));
});
