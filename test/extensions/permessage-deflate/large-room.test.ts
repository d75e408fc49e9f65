import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { LargeBuffer, LargeRoom } from '../../../src/extensions/permessage-deflate/large-room.js';

const MIB = 1024 * 1024;
const STEP = 64 * 1024;

// ---- The buffer

t.test('up to 1 MiB is kept for the next message, and charged once', async (t) => {
  const memory = new MemoryAccount();
  const large = new LargeBuffer(memory);
  t.same([large.bytes.length, memory.bytes], [0, 0], 'nothing before there is a message');
  large.makeRoom(0, STEP, 16 * MIB);
  const { bytes } = large;
  t.same([bytes.length, memory.bytes], [MIB, MIB]);
  large.makeRoom(MIB - STEP, STEP, 16 * MIB);
  large.trim();
  large.makeRoom(0, STEP, 16 * MIB);
  t.equal(large.bytes, bytes);
  t.equal(memory.bytes, MIB);
});

t.test('beyond it is made for what may come, charged for what is written to', async (t) => {
  const memory = new MemoryAccount();
  const large = new LargeBuffer(memory);
  large.makeRoom(0, STEP, 16 * MIB);
  large.bytes.fill(7);
  const before = large.bytes.subarray(0, 10);
  large.makeRoom(MIB, STEP, 16 * MIB);
  const { bytes } = large;
  t.equal(bytes.length, 16 * MIB + 16 * 1024 + STEP, 'a little more than was estimated fits');
  t.ok(Buffer.alloc(MIB, 7).equals(bytes.subarray(0, MIB)), 'what was there stays');
  t.equal(memory.bytes, 2 * MIB);
  bytes.fill(8, 0, 10);
  t.strictSame([...before], Array<number>(10).fill(7), 'and what was made keeps its bytes');
  for (let length = 2 * MIB; length <= 16 * MIB; length += STEP)
    large.makeRoom(length, STEP, 16 * MIB);
  t.equal(large.bytes, bytes, 'once');
  t.equal(memory.bytes, 17 * MIB);
  large.trim();
  t.same([large.bytes.length, memory.bytes], [0, 0]);
  large.makeRoom(0, STEP, 16 * MIB);
  t.same([large.bytes.length, memory.bytes], [MIB, MIB], 'and begins again');
});

t.test('a limit of any size makes no buffer of any size', async (t) => {
  const large = new LargeBuffer(new MemoryAccount());
  for (const maxBytes of [2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER, Infinity]) {
    large.makeRoom(MIB, STEP, maxBytes);
    t.equal(large.bytes.length, 64 * MIB, `for ${maxBytes}`);
    large.trim();
  }
  large.makeRoom(MIB, STEP, 2 ** 40);
  large.bytes[64 * MIB - 1] = 42;
  large.makeRoom(64 * MIB, STEP, 2 ** 40);
  t.equal(large.bytes.length, 128 * MIB, 'then it doubles');
  t.equal(large.bytes[64 * MIB - 1], 42);
});

t.test('more than was estimated', async (t) => {
  const large = new LargeBuffer(new MemoryAccount());
  large.makeRoom(2 * MIB, STEP, 1000);
  t.equal(large.bytes.length, 2 * MIB + STEP, 'what is needed in any case');
});

// ---- Who has the room

const makeRoom = (): { room: LargeRoom; memory: MemoryAccount; one: object; other: object } => {
  const memory = new MemoryAccount();
  return { room: new LargeRoom(memory), memory, one: { one: 1 }, other: { other: 2 } };
};

t.test('one at a time, in the order in which they came', async (t) => {
  const { room } = makeRoom();
  const holders = Array.from({ length: 5 }, (_, number) => ({ number }));
  const entered: number[] = [];
  t.ok(room.take(holders[0]!));
  t.ok(room.take(holders[0]!), 'again');
  for (const holder of holders.slice(1)) {
    t.notOk(room.take(holder));
    room.wait(holder, () => entered.push(holder.number));
  }
  t.equal(room.waitingCount, 4);
  t.strictSame(entered, []);
  room.leave(holders[3]!);
  t.strictSame(entered, [], 'who does not have it cannot leave it');
  for (const holder of holders) {
    room.leave(holder);
    t.strictSame(
      entered,
      holders.slice(1, holder.number + 2).map(({ number }) => number),
    );
  }
  t.equal(room.waitingCount, 0);
  const late = {};
  room.wait(late, () => entered.push(9));
  t.equal(entered.at(-1), 9, 'it is free: at once');
  t.notOk(room.take(holders[0]!));
});

t.test('what is large goes when nobody waits for it', async (t) => {
  const { room, memory, one, other } = makeRoom();
  room.take(one);
  room.inflated.makeRoom(2 * MIB, STEP, 16 * MIB);
  room.deflated.makeRoom(2 * MIB, STEP, 16 * MIB);
  room.wait(other, () => undefined);
  room.leave(one);
  t.ok(memory.bytes > 4 * MIB, 'the next one has use for it');
  room.leave(other);
  t.equal(memory.bytes, 0);
});

t.test('a result is looked at in its turn of the event loop', async (t) => {
  const { room, one, other } = makeRoom();
  room.take(one);
  room.leaveSoon(one);
  room.leaveSoon(other);
  t.notOk(room.take(other), 'not yet');
  await nextTurn();
  t.ok(room.take(other));
  room.leaveSoon(one);
  await nextTurn();
  t.notOk(room.take(one), 'who does not have it cannot leave it');
});

t.test('a next message of the same holder in that turn keeps the room', async (t) => {
  const { room, one, other } = makeRoom();
  room.take(one);
  room.leaveSoon(one);
  t.ok(room.take(one), 'its next message');
  await nextTurn();
  t.notOk(room.take(other), 'which is at work');
  room.leaveSoon(one);
  await nextTurn();
  t.ok(room.take(other));
});

t.test('one that works on with a result keeps the room, and only one', async (t) => {
  const { room, one, other } = makeRoom();
  const third = {};
  room.take(one);
  room.inflated.makeRoom(0, STEP, MIB);
  const result = room.inflated.bytes.subarray(0, 100);
  t.notOk(room.keep(other, result), 'it is not done');
  room.leaveSoon(one);
  t.notOk(room.keep(other, new Uint8Array(100)), 'other bytes');
  t.ok(room.keep(other, result));
  t.ok(room.keep(other, result), 'as often as it asks');
  t.notOk(room.keep(third, result), 'another one needs a copy');
  t.notOk(room.keep(one, result));
  await nextTurn();
  t.ok(room.take(other), 'it has the room now');
  t.notOk(room.take(one));
  room.leave(other);
  t.notOk(room.keep(one, result), 'nobody keeps what nobody has');
});
