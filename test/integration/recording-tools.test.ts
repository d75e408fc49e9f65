/** Recordings in the tools that the guide names, with the lines that stand in it. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { skipWithout } from '../fixtures/interop.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(120_000);

const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';

/** The programs in a guide. */
function programsIn(page: string): string[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```python\n([^]*?)^```$/gm);
  return [...blocks].map(([, program = '']) => program);
}

t.test('DuckDB, Polars and pandas read a recording as the guide says', async (t) => {
  const programs = programsIn('docs/recording.md');
  t.equal(programs.length, 3);
  const imports = programs.map((program) => /^import (\w+)$/m.exec(program)![1]!);
  t.same(imports, ['duckdb', 'polars', 'pandas']);
  if (spawnSync(PYTHON, ['-c', `import ${imports.join(', ')}`]).status !== 0) {
    skipWithout(
      t,
      `${PYTHON} cannot import ${imports.join(', ')} (TWIST_PYTHON names another one)`,
    );
    return;
  }
  const directory = makeTempDir(t);
  const record = path.join(directory, 'traffic.ndjson');
  const twist = await startTwist(t, [
    '--record',
    record,
    '--record-frames',
    '--record-rotate',
    '1g',
  ]);
  // One that sends a header twice: in each recording a name has one type all the same.
  for (const headers of [{ 'x-a': ['1', '2'] }, { 'x-a': '1' }, {}]) {
    const socket = new WebSocket(`${twist.url}/room?a=b`, { headers });
    await within(once(socket, 'open'), 'the session');
    for (const message of ['hello', Buffer.alloc(10), 'größer']) {
      socket.send(message);
      await within(once(socket, 'message'), 'the answer');
    }
    socket.close(1000);
    await within(once(socket, 'close'), 'the end');
  }
  t.equal(await twist.stop(), 0);
  const host = new URL(twist.url).host;
  const sums = "[('in', 9, 69), ('out', 9, 69)]";
  const expected = [
    `${sums}\n[(1, '/room?a=[hidden:1]', '${host}'), (2, '/room?a=[hidden:1]', '${host}'), (3, '/room?a=[hidden:1]', '${host}')]\n`,
    `${sums}\n`,
    "[('in', 9, 69.0), ('out', 9, 69.0)]\n",
  ];
  for (const [index, program] of programs.entries()) {
    const { stdout, stderr } = await promisify(execFile)(PYTHON, ['-c', program], {
      cwd: directory,
    });
    t.equal(stdout, expected[index]);
    t.equal(stderr, '');
  }
});
