import t from 'tap';
import { collectorMode } from '../../src/modes/record.js';

t.test('it takes whole messages, and has nothing to say', async (t) => {
  t.strictSame({ ...collectorMode }, { name: 'record', delivery: 'messages' });
});
