/** The single binary: the core checks, and what is different in it. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { checkCore } from '../artifact/core-checks.js';
import { Artifact, startedBy } from '../artifact/artifact.js';
import { eventually } from '../fixtures/within.js';
import { BINARY, hasBinary } from './packages.js';

t.setTimeout(300_000);

interface Bill {
  readonly components: readonly {
    readonly name: string;
    readonly group?: string;
    readonly version: string;
  }[];
}

if (hasBinary(t)) {
  const launcher = startedBy(BINARY);
  await t.test('core', (t) => checkCore(t, launcher));

  t.test('what is meant for Node on this machine does not reach it', async (t) => {
    const twist = new Artifact(t, launcher);
    for (const NODE_OPTIONS of ['--no-such-option', '--require=/nowhere.js']) {
      const outcome = await twist.runs(['--version'], { NODE_OPTIONS });
      t.match(outcome, { ending: 0, stdout: /^twist /, stderr: '' });
    }
    // A flag of Node's is one that twist does not know.
    t.match(await twist.runs(['--inspect']), { ending: 2 });
  });

  t.test('a module with modules of its own, that waits for one', async (t) => {
    const twist = new Artifact(t, launcher);
    twist.file('word.mjs', `export const word = 'loaded';`);
    const mode = twist.file(
      'mode.mjs',
      `import { readFileSync } from 'node:fs';
       const { word } = await import('./word.mjs');
       export default { name: word, message(session) { session.send(word + typeof readFileSync); } };`,
    );
    const server = await twist.serves(['--mode', mode]);
    t.match(server.listening, [{ mode: 'loaded' }]);
    t.equal(await server.stop(), 0);
  });

  t.test('a worker that dies is replaced by another process of the binary', async (t) => {
    const twist = new Artifact(t, launcher);
    const server = await twist.serves(['--echo', '--workers', '2']);
    const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
    process.kill(Number(children.split(' ')[0]), 'SIGKILL');
    await server.waitForLog(({ msg }) => msg === 'worker replaced');
    await eventually(() => server.isRunning, 'the server');
    t.equal(await server.stop(), 0);
  });

  t.test('the notices of all that is in it', async (t) => {
    const { stdout } = await new Artifact(t, launcher).runs(['--licenses']);
    t.ok(stdout.includes(readFileSync('LICENSE-MIT', 'utf8').trim()), 'our own');
    t.ok(stdout.includes(readFileSync('dist/THIRD_PARTY_NOTICES.txt', 'utf8').trim()), 'bundled');
    // Made from what esbuild has really bundled, and from the lock file.
    const bill = JSON.parse(readFileSync('dist/sbom.cdx.json', 'utf8')) as Bill;
    t.ok(bill.components.length > 5);
    for (const { group, name, version } of bill.components) {
      const full = group === undefined ? name : `${group}/${name}`;
      t.ok(stdout.includes(`${full} ${version} (`), `${full} ${version}`);
    }
    t.match(stdout, 'Node.js is licensed for use as follows', "Node's");
    t.match(stdout, /This license applies to .*OpenSSL|OpenSSL/, "and those of Node's libraries");
  });
}
