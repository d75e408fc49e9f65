/**
 * Signals while the program loads. Process 1 of a container gets none that it has no handler for, so
 * `docker stop` right after `docker run` would wait for its deadline.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { BUNDLE, runTwist, type Ending } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child'];
const [COMMAND = '', ...FLAGS] = NAMESPACE;
const canBeFirst = spawnSync(COMMAND, [...FLAGS, 'true']).status === 0;

/** A mode that takes its time to load, and says when it has begun. */
const SLOW_MODE = `
process.stdout.write('loading ' + process.pid);
await new Promise((resolve) => setTimeout(resolve, 60_000));
export default { name: 'slow', message() {} };
`;

/** Starts a server, sends it a signal while it loads, and waits for its end. */
async function endWhileLoading(
  t: Test,
  before: readonly string[],
  signal: NodeJS.Signals,
): Promise<{ pid: string; ending: Ending }> {
  const mode = path.join(makeTempDir(t), 'slow.mjs');
  writeFileSync(mode, SLOW_MODE);
  const args = [
    ...before,
    process.execPath,
    BUNDLE,
    'serve',
    '--mode',
    mode,
    '--listen',
    '127.0.0.1:0',
  ];
  const clean = ['-i', `PATH=${process.env['PATH'] ?? ''}`, ...args];
  const child = spawn('env', clean, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  await eventually(() => out.includes('loading '), 'the mode is loaded');
  // What unshare has started is the server.
  const [inner] = readFileSync(`/proc/${child.pid!}/task/${child.pid!}/children`, 'utf8').split(
    ' ',
  );
  process.kill(inner === undefined || inner === '' ? child.pid! : Number(inner), signal);
  const [code, name] = await within(ended, 'the end');
  return { pid: out.replace('loading ', ''), ending: code ?? name! };
}

// In continuous integration a namespace that cannot be made is a failure.
const skip =
  canBeFirst || process.env['CI'] !== undefined
    ? false
    : 'nobody may make a namespace of processes here';

t.test('as process 1: a signal ends a server that still loads', { skip }, async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    t.strictSame(await endWhileLoading(t, NAMESPACE, signal), { pid: '1', ending: 0 }, signal);
});

t.test('as any other process too', async (t) => {
  const { ending } = await endWhileLoading(t, [], 'SIGTERM');
  t.equal(ending, 0);
});

t.test('signals are heard before anything else is loaded', async (t) => {
  const hook = path.join(makeTempDir(t), 'hook.cjs');
  writeFileSync(
    hook,
    `const { on } = process;
     process.on = function (name, ...rest) {
       if (name === 'SIGTERM') {
         const loaded = ['http', 'zlib', 'dns'].filter((one) => process.moduleLoadList.includes('NativeModule ' + one));
         process._rawDebug('heard with ' + loaded.join());
         process.on = on;
       }
       return on.call(this, name, ...rest);
     };`,
  );
  const { stderr } = await runTwist(t, {
    nodeArgs: ['--require', hook],
    script: BUNDLE,
    args: ['config', 'print'],
  });
  t.equal(stderr.split('\n')[0], 'heard with ');
});

/** How the process 1 of a namespace ended, and what it wrote. */
async function endSoon(t: Test, afterMs: number, signal: NodeJS.Signals): Promise<string> {
  const args = [process.execPath, BUNDLE, 'serve', '--echo', '--listen', '127.0.0.1:0'];
  const clean = ['-i', `PATH=${process.env['PATH'] ?? ''}`, ...NAMESPACE, '--mount-proc', ...args];
  const child = spawn('env', clean, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const inner = (): number => {
    const children = readFileSync(`/proc/${child.pid!}/task/${child.pid!}/children`, 'utf8');
    return Number(children.split(' ')[0]);
  };
  await eventually(() => inner() > 0, 'the process');
  const beganMs = performance.now();
  await sleep(afterMs);
  const isHeard = (): boolean => {
    const status = readFileSync(`/proc/${inner()}/status`, 'utf8');
    const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)![1]!}`);
    // That of SIGHUP, which comes last; Node has a handler of its own for the others, which would end nothing here.
    return (caught & 1n) !== 0n;
  };
  // A machine that is very busy needs longer: time is no matter of a test.
  if (!isHeard()) {
    await eventually(isHeard, 'signals to be heard');
    t.comment(`signals were heard after ${Math.round(performance.now() - beganMs)} ms only`);
  }
  process.kill(inner(), signal);
  const [code, name] = await within(ended, `the end of process 1 after ${afterMs} ms: ${log}`);
  return String(code ?? name);
}

t.test('as process 1: no signal is lost from 200 ms after the start on', { skip }, async (t) => {
  for (let count = 0; count < 20; count++) {
    const afterMs = 200 + Math.round((count * 400) / 19);
    const signal = count % 4 === 3 ? 'SIGINT' : 'SIGTERM';
    t.equal(await endSoon(t, afterMs, signal), '0', `${signal} ${afterMs} ms after the start`);
  }
});
