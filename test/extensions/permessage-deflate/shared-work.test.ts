import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { Turns } from '../../../src/budget/turns.js';
import { CompressorBudget } from '../../../src/extensions/permessage-deflate/compressor-budget.js';
import { shareWork } from '../../../src/extensions/permessage-deflate/shared-work.js';

t.test('one room and one account for both directions, and a scratch buffer for each', async (t) => {
  const memory = new MemoryAccount();
  const turns = new Turns();
  const budget = new CompressorBudget(0, memory);
  const [one, other] = [true, false].map((isSync) => shareWork(isSync, budget, memory, turns));
  t.match(one, { isSync: true, budget, memory, turns });
  t.match(other, { isSync: false });
  const { inflatedOutput, deflatedOutput, room } = one!;
  t.match(inflatedOutput, { room, memory, way: 'inflated' });
  t.match(deflatedOutput, { room, memory, way: 'deflated' });
  t.not(inflatedOutput.scratch.buffer, deflatedOutput.scratch.buffer);
  t.equal(inflatedOutput.scratch, other!.inflatedOutput.scratch, 'of the whole process');
  t.not(other!.room, room, 'each extension has its own room');
  t.equal(memory.bytes, 0, 'nobody is charged for what was not used');
});
