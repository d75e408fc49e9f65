import t from 'tap';
import type { ModeContext } from '../../src/modes/built-in.js';
import { collectorMode, record } from '../../src/modes/record.js';

t.test('it takes whole messages, and has nothing to say', async (t) => {
  t.strictSame({ ...collectorMode }, { name: 'record', delivery: 'messages' });
});

t.test('it is the mode of its word', async (t) => {
  const make = await record.prepare({} as ModeContext);
  t.equal(make({ kind: 'record' }), collectorMode);
});
