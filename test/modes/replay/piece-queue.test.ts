import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { type Piece, PieceQueue } from '../../../src/modes/replay/piece-queue.js';

const piece = (text: string): Piece => ({
  opcode: 1,
  isFirst: true,
  isLast: true,
  bytes: Buffer.from(text),
});

t.test('pieces in their order, taken in parts', async (t) => {
  const queue = new PieceQueue();
  t.equal(queue.head, null);
  queue.push(piece('one'));
  queue.push(piece('two'));
  t.match(queue.head, { isFirst: true, isLast: true });
  queue.consume(2);
  t.strictSame(queue.head?.bytes, Buffer.from('e'));
  t.equal(queue.head?.isFirst, false, 'its beginning was looked at');
  queue.shift();
  t.strictSame(queue.head?.bytes, Buffer.from('two'));
  queue.shift();
  t.equal(queue.head, null);
  queue.push(piece('three'));
  t.strictSame(queue.head?.bytes, Buffer.from('three'));
});

t.test('it is full by bytes, and by pieces without any', async (t) => {
  const queue = new PieceQueue();
  queue.push(piece('x'.repeat(256 * 1024)));
  t.equal(queue.isFull, true);
  queue.consume(256);
  t.equal(queue.isFull, false, 'at the limit');
  queue.shift();
  for (let count = 0; count < 1024; count++) queue.push(piece(''));
  t.equal(queue.isFull, false, 'at the limit');
  queue.push(piece(''));
  t.equal(queue.isFull, true);
  queue.shift();
  t.equal(queue.isFull, false);
});

t.test('what waits is charged, whichever way it goes', async (t) => {
  const memory = new MemoryAccount();
  const queue = new PieceQueue(memory);
  queue.push(piece('one'));
  queue.push(piece('two'));
  t.equal(memory.bytes, 2 * (256 + 3));
  t.equal(queue.heldBytes, memory.bytes);
  queue.consume(2);
  t.equal(memory.bytes, 2 * (256 + 3) - 2);
  queue.shift();
  t.equal(memory.bytes, 256 + 3);
  queue.clear();
  t.equal(memory.bytes, 0);
  t.equal(queue.head, null);
});
