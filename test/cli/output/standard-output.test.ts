import t from 'tap';
import { StandardOutput } from '../../../src/cli/output/standard-output.js';
import { systemError } from '../../fixtures/faulty-file-system.js';

t.test('text is written in its order, and waited for', async (t) => {
  let written = '';
  const write = async (bytes: Uint8Array): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, written === '' ? 5 : 0));
    written += Buffer.from(bytes).toString();
  };
  const output = new StandardOutput({ write }, true, 120);
  t.equal(output.isTTY, true);
  t.equal(output.columns, 120);
  output.write('schön');
  output.write(' und gut');
  t.equal(await output.finish(), null);
  t.equal(written, 'schön und gut');
});

t.test('what could not be written is told; that nobody reads is no failure', async (t) => {
  for (const [code, reason] of [
    ['ENOSPC', 'the disk is full'],
    ['EIO', 'the disk failed'],
    ['EPIPE', null],
  ] as const) {
    const output = new StandardOutput({ write: () => Promise.reject(systemError(code)) }, false);
    output.write('a');
    output.write('b');
    t.equal(await output.finish(), reason);
  }
});
