import t from 'tap';
import { ExitCode } from '../../src/cli/exit-code.js';

t.test('the codes that supervisors and scripts rely on', async (t) => {
  t.same(ExitCode, { Ok: 0, Failure: 1, Usage: 2, Config: 78 });
});
