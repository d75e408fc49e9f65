import { closeSync, fstatSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import t from 'tap';
import { standardInput } from '../../src/cli/standard-input.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const bytes of stream) text += Buffer.from(bytes).toString();
  return text;
}

t.test('bytes, as they come', async (t) => {
  const stdin = Readable.from([Buffer.from('a'), Buffer.from('b')]);
  const statsOf = (): { isDirectory(): boolean } => ({ isDirectory: () => false });
  t.equal(await textOf(standardInput({ stdin }, statsOf)), 'ab');
});

t.test('a directory is not read', async (t) => {
  const folder = openSync(makeTempDir(t), 'r');
  const process = {
    get stdin(): AsyncIterable<Uint8Array> {
      throw new Error('it was opened');
    },
  };
  const statsOf = (descriptor: number): { isDirectory(): boolean } => {
    t.equal(descriptor, 0);
    return fstatSync(folder);
  };
  await t.rejects(textOf(standardInput(process, statsOf)), { code: 'EISDIR', syscall: 'read' });
  closeSync(folder);
});
