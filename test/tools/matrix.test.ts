/** The lines of Node that are tested: the same ones by the command, in the workflow, and in `.ci/run`. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';

/** What `npm run test:matrix` takes, by its own word. */
function lines(t: Test): readonly string[] {
  const { status, stderr } = spawnSync(process.execPath, ['tools/matrix.mjs', '--only', '22,19'], {
    encoding: 'utf8',
  });
  t.equal(status, 2);
  const [, known = ''] = /^--only takes some of (.*), not 19\n$/.exec(stderr) ?? [];
  return known.split(',');
}

t.test('a line that is not tested is refused with those that are', async (t) => {
  t.ok(lines(t).length > 2);
});

t.test('the workflow has all of them, and the oldest Node that is supported', async (t) => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    engines: { node: string };
  };
  const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
  const [, list = ''] = /^ {8}node: \[(.*)\]$/m.exec(workflow) ?? [];
  const tested = [...list.matchAll(/'([\d.]+)'/g)].map(([, version = '']) => version);
  t.strictSame(tested, [engines.node.replace('>=', ''), ...lines(t)]);
});

t.test('.ci/run has all but the oldest, which it runs on', async (t) => {
  const [, list = ''] = /test:matrix -- --only (\S+)$/m.exec(readFileSync('.ci/run', 'utf8')) ?? [];
  t.strictSame(list.split(','), lines(t).slice(1));
});
