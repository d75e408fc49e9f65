import { Buffer } from 'node:buffer';
import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { KeptInput } from '../../../src/extensions/permessage-deflate/kept-input.js';

t.test('what comes is where it came, and copied once when it has to wait', async (t) => {
  const memory = new MemoryAccount();
  const input = new KeptInput(memory);
  const read = Buffer.from('message');
  input.begin(read);
  t.equal(input.bytes, read);
  t.same([input.keptBytes, memory.bytes], [0, 0]);
  input.keep();
  const { bytes } = input;
  read.fill('#');
  t.equal(Buffer.from(bytes).toString(), 'message');
  t.same([input.keptBytes, memory.bytes], [7, 7]);
  input.keep();
  t.equal(input.bytes, bytes, 'once');
  t.equal(memory.bytes, 7);
  input.free();
  t.same([input.bytes.length, input.keptBytes, memory.bytes], [0, 0, 0]);
  input.free();
  t.equal(memory.bytes, 0, 'twice is once');
});

t.test('what takes its place is nobody’s to change, and not copied', async (t) => {
  const memory = new MemoryAccount();
  const input = new KeptInput(memory);
  const tail = Buffer.from('tail');
  for (const isKept of [true, false]) {
    input.begin(Buffer.from('message'));
    if (isKept) input.keep();
    input.replace(tail);
    input.keep();
    t.equal(input.bytes, tail);
    t.same([input.keptBytes, memory.bytes], [0, 0]);
  }
  input.begin(Buffer.from('next'));
  input.keep();
  t.equal(memory.bytes, 4, 'the next message is copied again');
});
