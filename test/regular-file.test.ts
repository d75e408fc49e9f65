import { statSync } from 'node:fs';
import t from 'tap';
import { checkRegular } from '../src/regular-file.js';
import { systemReason } from '../src/system-reason.js';

t.test('files are read again, pipes and devices are not', async (t) => {
  for (const good of ['package.json', 'src']) checkRegular(statSync(good));
  t.throws(
    () => {
      checkRegular(statSync('/dev/null'));
    },
    { code: 'ESPIPE' },
  );
  t.equal(systemReason({ code: 'ESPIPE' }), 'it is not a regular file');
});
