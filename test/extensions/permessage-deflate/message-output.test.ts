import t from 'tap';
import {
  LargeBuffer,
  MessageOutput,
  makeScratch,
  scratchFor,
} from '../../../src/extensions/permessage-deflate/message-output.js';
import { SLICE_BYTES } from '../../../src/extensions/permessage-deflate/sliced-work.js';

const MIB = 1024 * 1024;

/** Writes as a step does: up to the end that it is given. @returns how many bytes went in */
function write(output: MessageOutput, byte: number, most = Infinity): number {
  const to = Math.min(output.end, output.length + most);
  output.bytes.fill(byte, output.length, to);
  const produced = to - output.length;
  output.length = to;
  return produced;
}

/** The lengths of the runs of equal bytes. */
function runsOf(bytes: Uint8Array): [byte: number, length: number][] {
  const runs: [number, number][] = [];
  for (let index = 0; index < bytes.length; index++) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === bytes[index]) last[1]++;
    else runs.push([bytes[index]!, 1]);
  }
  return runs;
}

t.test('a scratch buffer is one slice long, and nobody else’s', async (t) => {
  const scratch = makeScratch();
  t.equal(scratch.length, SLICE_BYTES);
  t.equal(scratch.buffer.byteLength, SLICE_BYTES);
  t.not(makeScratch().buffer, scratch.buffer);
});

t.test('a message of one slice is in the scratch buffer', async (t) => {
  const scratch = makeScratch();
  const large = new LargeBuffer();
  const output = new MessageOutput(scratch, large, 16 * MIB);
  t.equal(output.end, SLICE_BYTES);
  t.equal(output.isFull, false);
  t.strictSame([...output.result], []);
  write(output, 1, 3);
  t.strictSame([...output.result], [1, 1, 1]);
  t.equal(output.result.buffer, scratch.buffer, 'not copied');
  t.equal(output.end, SLICE_BYTES);
  write(output, 2);
  t.equal(output.isFull, true);
  t.equal(output.end, output.length);
  t.equal(output.result.length, SLICE_BYTES);
  t.equal(large.bytes.length, 0, 'the large buffer was not needed');
});

t.test('a larger one leaves the scratch buffer with what it has', async (t) => {
  const scratch = makeScratch();
  const large = new LargeBuffer();
  const output = new MessageOutput(scratch, large, 16 * MIB);
  write(output, 1, 5);
  output.endSlice();
  scratch.fill(9);
  t.strictSame([...output.result], [1, 1, 1, 1, 1]);
  t.equal(output.bytes.length, 5, 'while it waits it takes no more than it needs');
  t.equal(large.bytes.length, 0);
  output.beginSlice();
  t.equal(large.bytes.length, MIB);
  t.equal(output.bytes, large.bytes);
  t.equal(output.end, 5 + SLICE_BYTES, 'a slice at most');
  write(output, 2);
  output.endSlice();
  t.equal(output.bytes, large.bytes, 'it has its turn until it is through');
  output.beginSlice();
  write(output, 3, 1);
  t.strictSame(runsOf(output.result), [
    [1, 5],
    [2, SLICE_BYTES],
    [3, 1],
  ]);
  t.equal(output.result.buffer, large.bytes.buffer, 'not copied');
});

t.test('a message without output in its first slice', async (t) => {
  const output = new MessageOutput(makeScratch(), new LargeBuffer(), MIB);
  output.endSlice();
  t.equal(output.result.length, 0);
  output.beginSlice();
  write(output, 4, 2);
  t.strictSame([...output.result], [4, 4]);
});

t.test('the large buffer grows once more when a message needs more than 1 MiB', async (t) => {
  const large = new LargeBuffer();
  const output = new MessageOutput(makeScratch(), large, 16 * MIB);
  const capacities = new Set<number>();
  let byte = 0;
  let writtenBytes = 0;
  while (writtenBytes < 16 * MIB) {
    t.ok(output.end > output.length, 'there is always room');
    writtenBytes += write(output, byte);
    output.endSlice();
    byte++;
    output.beginSlice();
    capacities.add(large.bytes.length);
  }
  t.strictSame([...capacities], [MIB, 16 * MIB + SLICE_BYTES], 'in full, for what may come');
  t.strictSame(
    runsOf(output.result),
    Array.from({ length: byte }, (_, index) => [index, SLICE_BYTES]),
  );
});

t.test('a message may become larger than was thought', async (t) => {
  const large = new LargeBuffer();
  const output = new MessageOutput(makeScratch(), large, 1000);
  const sizes: number[] = [];
  for (let slice = 0; slice < 18; slice++) {
    write(output, slice);
    output.endSlice();
    output.beginSlice();
    sizes.push(large.bytes.length);
  }
  t.equal(output.length, 18 * SLICE_BYTES);
  t.strictSame([...new Set(sizes)], [MIB, 2 * MIB, 4 * MIB], 'it doubles');
  t.strictSame(
    runsOf(output.result),
    Array.from({ length: 18 }, (_, slice) => [slice, SLICE_BYTES]),
  );
});

t.test('the next message takes the buffer as it is', async (t) => {
  const large = new LargeBuffer();
  large.grow(0, 0);
  const { bytes } = large;
  for (const byte of [1, 2]) {
    const output = new MessageOutput(makeScratch(), large, 16 * MIB);
    write(output, byte);
    output.endSlice();
    output.beginSlice();
    write(output, byte);
    t.strictSame(runsOf(output.result), [[byte, 2 * SLICE_BYTES]]);
  }
  t.equal(large.bytes, bytes);
});

t.test('what was made keeps its bytes when the buffer grows or goes', async (t) => {
  const large = new LargeBuffer();
  large.grow(0, 0);
  large.bytes.fill(7);
  const before = large.bytes.subarray(0, 10);
  large.grow(MIB, 2 * MIB);
  t.equal(large.bytes.length, 2 * MIB + SLICE_BYTES);
  t.strictSame(runsOf(large.bytes.subarray(0, MIB)), [[7, MIB]]);
  large.bytes.fill(8);
  t.strictSame(runsOf(before), [[7, 10]]);
  const grown = large.bytes.subarray(0, 10);
  large.trim();
  t.equal(large.bytes.length, 0);
  t.strictSame(runsOf(grown), [[8, 10]]);
});

t.test('up to 1 MiB is kept', async (t) => {
  const large = new LargeBuffer();
  large.grow(0, 16 * MIB);
  const { bytes } = large;
  t.equal(bytes.length, MIB);
  large.trim();
  t.equal(large.bytes, bytes);
  large.grow(MIB, MIB + 1);
  t.equal(large.bytes.length, MIB + 1 + SLICE_BYTES);
  large.trim();
  t.equal(large.bytes.length, 0);
});

t.test('a limit of any size makes no buffer of any size', async (t) => {
  const large = new LargeBuffer();
  for (const maxBytes of [2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER, Infinity]) {
    large.trim();
    large.grow(MIB, maxBytes);
    t.equal(large.bytes.length, 64 * MIB, `for ${maxBytes}`);
  }
  large.bytes[64 * MIB - 1] = 42;
  large.grow(64 * MIB, 2 ** 40);
  t.equal(large.bytes.length, 128 * MIB, 'then it doubles');
  t.equal(large.bytes[64 * MIB - 1], 42);
  large.grow(128 * MIB, 128 * MIB + 5);
  t.equal(large.bytes.length, 128 * MIB + 5 + SLICE_BYTES, 'up to what may come');
  large.trim();
  large.grow(2 * MIB, 2 * MIB);
  t.equal(large.bytes.length, 4 * MIB, 'and beyond it again');
});

t.test('in a crowd a message leaves with little', async (t) => {
  const scratch = makeScratch();
  for (const waitingCount of [0, 1, 15]) t.equal(scratchFor(scratch, waitingCount), scratch);
  for (const waitingCount of [16, 17, 10_000]) {
    const part = scratchFor(scratch, waitingCount);
    t.equal(part.length, 16 * 1024);
    t.equal(part.buffer, scratch.buffer, 'it is the same memory');
  }
});
