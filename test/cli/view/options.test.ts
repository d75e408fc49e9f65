import t from 'tap';
import { viewOptions } from '../../../src/cli/view/options.js';

t.test('the options of view', async (t) => {
  t.strictSame(
    viewOptions().map(({ flags }) => flags),
    ['--listen <[host:]port>', '-f, --follow', '--no-open'],
  );
});
