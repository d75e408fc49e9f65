/** The server as the first process of a container: signals, and what it may not do. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { eventually } from '../fixtures/within.js';
import { Container, hasImage, podman, removeContainers } from './container.js';

t.setTimeout(300_000);

/** Bit 14 of a mask of signals. */
const SIGTERM_BIT = 1n << 14n;

/** Whether a process has a handler for SIGTERM. The first one of a container is deaf without. */
function hearsSigterm(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, caught = '0'] = /^SigCgt:\s+(\w+)$/m.exec(status) ?? [];
  return (BigInt(`0x${caught}`) & SIGTERM_BIT) !== 0n;
}

/** Waits until podman has started the process of the container. */
async function startedPid(box: Container): Promise<number> {
  await eventually(() => box.pid > 0, 'the process of the container');
  return box.pid;
}

if (hasImage(t)) {
  t.teardown(removeContainers);

  t.test('SIGTERM early: 0', async (t) => {
    for (const delayMs of [200, 300, 600]) {
      const box = await Container.start(t, []);
      const pid = await startedPid(box);
      await sleep(delayMs);
      // On a machine that does other things Node may not have come so far; this is no test of the machine.
      await eventually(() => hearsSigterm(pid), 'a handler of SIGTERM');
      const isListening = box.process.listening.length > 0;
      const beganMs = performance.now();
      t.equal(podman('kill', '--signal', 'TERM', box.name).status, 0);
      t.equal(await box.process.ended, 0, `${delayMs} ms after the start`);
      const tookMs = Math.round(performance.now() - beganMs);
      t.comment(`${isListening ? 'listening' : 'not listening yet'}; gone after ${tookMs} ms`);
    }
  });

  t.test('SIGTERM at any time, with an init', async (t) => {
    for (const delayMs of [0, 20, 50, 100, 200, 400]) {
      const box = await Container.start(t, ['--init']);
      await startedPid(box);
      await sleep(delayMs);
      t.equal(podman('kill', '--signal', 'TERM', box.name).status, 0);
      // 143 is that of a Node that has not come to our code yet.
      t.ok([0, 143].includes(Number(await box.process.ended)), `${delayMs} ms after the start`);
    }
  });

  t.test('it is nobody, may do nothing and change nothing', async (t) => {
    const flags = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
    const box = await Container.start(t, flags);
    await box.listens();
    const status = readFileSync(`/proc/${box.pid}/status`, 'utf8');
    t.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
    t.match(status, /^Gid:\t1000\t1000\t1000\t1000$/m);
    t.match(status, /^CapEff:\t0+$/m);
    t.match(status, /^CapBnd:\t0+$/m);
    t.match(status, /^NoNewPrivs:\t1$/m);
    const attempt = `require('fs').writeFileSync('/var/lib/twist/a', '')`;
    t.match(podman('exec', box.name, 'node', '-e', attempt), { stderr: /EROFS/ });
    t.match(podman('exec', box.name, 'sh', '-c', 'true').stderr, /not found/, 'there is no shell');
    t.equal(box.health().status, 0);
    t.equal(await box.process.stop(), 0);
  });
}
