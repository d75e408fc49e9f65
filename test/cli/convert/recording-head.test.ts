import { promises, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { compressionProblem, headOf, readHead } from '../../../src/cli/convert/recording-head.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const HEADER = '{"v":1,"ev":"file","tool":"twist/1.0.0","t":1790000000.000001}';

t.test('the first line tells which recording it is, and since when', async (t) => {
  for (const [text, isRecording, startTime] of [
    [`${HEADER}\n`, true, 1790000000.000001],
    [`${HEADER}\nmore`, true, 1790000000.000001],
    [HEADER, false, 1790000000.000001],
    ['', false, null],
    ['no\n', false, null],
    ['{"ev":"msg"}\n', true, null],
    [`{"ev":"msg","t":5,"data":"${'x'.repeat(600)}`, true, 5],
  ] as const) {
    const head = headOf(Buffer.from(text));
    t.match(head, { isRecording, startTime });
    t.equal(head.text, text.split('\n')[0]!.slice(0, 512));
  }
});

t.test('of a file', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  writeFileSync(file, `${HEADER}\n`);
  const handle = await promises.open(file);
  t.match(await readHead(handle), { text: HEADER, isRecording: true });
  await handle.close();
});

t.test('compressed files', async (t) => {
  t.equal(compressionProblem(Buffer.from(HEADER), 'a'), null);
  t.equal(compressionProblem(Buffer.alloc(0), 'a'), null);
  for (const [bytes, name, tool] of [
    ['1f8b08', 'gzip', 'gunzip -c'],
    ['28b52ffd', 'zstd', 'zstd -dc'],
    ['fd377a585a00', 'xz', 'xz -dc'],
    ['425a68', 'bzip2', 'bzip2 -dc'],
  ] as const) {
    t.equal(
      compressionProblem(Buffer.from(bytes, 'hex'), 'a.gz'),
      `a.gz is compressed (${name}); decompress it: ${tool} a.gz | twist convert -`,
    );
  }
  t.match(
    compressionProblem(Buffer.from('1f8b08', 'hex'), '-'),
    /^standard input is compressed \(gzip\)/,
  );
});
