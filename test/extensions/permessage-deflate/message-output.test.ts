import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { LargeRoom } from '../../../src/extensions/permessage-deflate/large-room.js';
import {
  MessageOutput,
  type OutputParts,
  SMALL_BYTES,
  makeScratch,
} from '../../../src/extensions/permessage-deflate/message-output.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const STEP = 64 * KIB;
const SCRATCH = 128 * KIB;

const makeParts = (): OutputParts => {
  const memory = new MemoryAccount();
  return { scratch: makeScratch(), room: new LargeRoom(memory), way: 'inflated', memory };
};

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
  for (const byte of bytes) {
    const last = runs.at(-1);
    if (last?.[0] === byte) last[1]++;
    else runs.push([byte, 1]);
  }
  return runs;
}

t.test('a scratch buffer is nobody else’s', async (t) => {
  const scratch = makeScratch();
  t.equal(scratch.length, SCRATCH);
  t.equal(scratch.buffer.byteLength, SCRATCH);
  t.not(makeScratch().buffer, scratch.buffer);
});

t.test('a message of one slice is in the scratch buffer', async (t) => {
  const parts = makeParts();
  const output = new MessageOutput(parts, {}, 16 * MIB);
  t.ok(output.prepare());
  t.equal(output.end, STEP, 'a step at most');
  t.strictSame([...output.result], []);
  write(output, 1, 3);
  t.strictSame([...output.result], [1, 1, 1]);
  t.equal(output.result.buffer, parts.scratch.buffer, 'not copied');
  t.ok(output.prepare());
  write(output, 2);
  t.equal(output.length, 3 + STEP);
  t.ok(output.prepare());
  t.equal(output.end, SCRATCH, 'as far as there is room');
  t.same([output.ownBytes, parts.memory.bytes], [0, 0]);
});

t.test('one that waits leaves the scratch buffer with what it has', async (t) => {
  const parts = makeParts();
  parts.room.take({});
  const output = new MessageOutput(parts, {}, 16 * MIB);
  write(output, 1, 5);
  output.leaveScratch();
  parts.scratch.fill(9);
  t.strictSame([...output.result], [1, 1, 1, 1, 1]);
  t.same([output.ownBytes, parts.memory.bytes], [16 * KIB, 16 * KIB], 'a small buffer of its own');
  const { bytes } = output;
  output.leaveScratch();
  t.equal(output.bytes, bytes, 'once');
  // It grows while it is small, whoever has the room.
  const capacities: number[] = [];
  while (output.prepare()) {
    write(output, 2);
    if (output.ownBytes !== capacities.at(-1)) capacities.push(output.ownBytes);
    t.equal(parts.memory.bytes, output.ownBytes);
  }
  t.strictSame(capacities, [16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, SMALL_BYTES]);
  t.equal(output.length, SMALL_BYTES, 'then it has to wait');
  t.strictSame(runsOf(output.result), [
    [1, 5],
    [2, SMALL_BYTES - 5],
  ]);
  output.free();
  t.same([output.ownBytes, parts.memory.bytes], [0, 0]);
});

t.test('one that has filled much of the scratch buffer takes as much along', async (t) => {
  const parts = makeParts();
  parts.room.take({});
  const output = new MessageOutput(parts, {}, 16 * MIB);
  write(output, 1);
  output.leaveScratch();
  t.equal(output.ownBytes, STEP);
  t.equal(output.end, output.length, 'it is full');
  t.ok(output.prepare());
  t.equal(output.ownBytes, 2 * STEP);
});

t.test('the room is taken when there is no other, and kept', async (t) => {
  for (const isWaiting of [false, true]) {
    const parts = makeParts();
    const { room, memory } = parts;
    const holder = {};
    const output = new MessageOutput(parts, holder, 16 * MIB);
    let length = 0;
    while (length < (isWaiting ? STEP : SCRATCH)) {
      output.prepare();
      length += write(output, 1);
    }
    t.ok(room.take(holder));
    room.leave(holder);
    if (isWaiting) output.leaveScratch();
    t.ok(output.prepare());
    t.notOk(room.take({}), 'it has the room');
    t.equal(output.bytes, room.inflated.bytes);
    t.equal(output.ownBytes, 0, 'and no buffer of its own');
    t.equal(memory.bytes, MIB, 'only the room is charged');
    t.equal(output.end, length + STEP);
    write(output, 2);
    output.leaveScratch();
    t.equal(output.bytes, room.inflated.bytes, 'it is through when it is through');
    t.ok(output.prepare());
    write(output, 3, 1);
    t.strictSame(runsOf(output.result), [
      [1, length],
      [2, STEP],
      [3, 1],
    ]);
    t.equal(output.result.buffer, room.inflated.bytes.buffer, 'not copied');
  }
});

t.test('there is always room in the room, however large a message becomes', async (t) => {
  for (const maxBytes of [16 * MIB, 1000]) {
    const parts = makeParts();
    const output = new MessageOutput(parts, {}, maxBytes);
    let byte = 0;
    while (output.length < 16 * MIB) {
      t.ok(output.prepare());
      if (write(output, byte++ % 251) === 0) throw new Error('there is no room');
    }
    t.equal(runsOf(output.result).length, byte, `${maxBytes}: all is there`);
    t.ok(parts.memory.bytes <= 17 * MIB);
  }
});

t.test('those that wait get the room one after the other', async (t) => {
  const parts = makeParts();
  const outputs = [1, 2, 3].map((byte) => {
    const holder = { byte };
    const output = new MessageOutput(parts, holder, MIB);
    while (output.prepare() && output.length < SMALL_BYTES) {
      write(output, byte);
      output.leaveScratch();
    }
    return { byte, holder, output };
  });
  const order: number[] = [];
  for (const { byte, holder, output } of outputs.slice(1)) {
    t.notOk(output.prepare());
    parts.room.wait(holder, () => {
      order.push(byte);
      t.ok(output.prepare());
    });
  }
  for (const { byte, holder, output } of outputs) {
    write(output, byte);
    t.strictSame(runsOf(output.result), [[byte, SMALL_BYTES + STEP]]);
    parts.room.leave(holder);
  }
  t.strictSame(order, [2, 3]);
});
