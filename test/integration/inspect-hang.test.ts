/** An inspector that hangs: it is noticed while the server runs, and replaced; clients are served all the while. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { openInspector, newestUrl, cookieOf, InspectorPage } from '../fixtures/inspector-page.js';
import { type TwistProcess, startTwist } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(180_000);

/** Longer than three rounds of ten seconds. */
const STOPPED_MS = 35_000;

function inspectorOf({ pid }: TwistProcess): number {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const found = text
    .split(' ')
    .find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').endsWith('\0view\0'));
  if (found === undefined) throw new Error('there is no inspector');
  return Number(found);
}

async function openClient(t: Test, twist: TwistProcess): Promise<(text: string) => Promise<void>> {
  const socket = new WebSocket(twist.url);
  socket.on('error', () => undefined);
  t.teardown(() => {
    socket.terminate();
  });
  await within(once(socket, 'open'), 'an open socket');
  return async (text) => {
    const answered = within(once(socket, 'message'), `the echo of ${text}`);
    socket.send(text);
    t.equal(String(((await answered) as [Buffer])[0]), text);
  };
}

t.test('one that is stopped is replaced, and a client beside it is served', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0']);
  const cookie = await cookieOf(await newestUrl(twist));
  const echo = await openClient(t, twist);
  const pid = inspectorOf(twist);
  process.kill(pid, 'SIGSTOP');
  const found = twist.waitForLog(({ msg }) => msg.startsWith('the inspector does not answer'));
  const news = { isFound: false };
  void found.then(() => (news.isFound = true));
  for (let count = 0; !news.isFound; count++) {
    await echo(`message ${count}`);
    await sleep(100);
  }
  t.match(await found, { level: 'warn', pid, silentMs: 30_000 });
  const [, { address }] = (await twist.waitForLogs(({ msg }) => msg === 'inspector', 2)) as [
    unknown,
    { address: string },
  ];
  await echo('after');
  const page = await InspectorPage.open(t, address, cookie);
  await eventually(() => page.sessions.size === 1, 'the session that is open');
  t.notOk(
    twist.log.some(({ level }) => level === 'error'),
    'it is said once',
  );
});

t.test('all of it stopped, as on a machine that sleeps: nothing hangs', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0']);
  const page = await openInspector(t, twist);
  const echo = await openClient(t, twist);
  await echo('before');
  const pids = [inspectorOf(twist), twist.pid];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(STOPPED_MS);
  for (const pid of pids.reverse()) process.kill(pid, 'SIGCONT');
  await echo('after');
  await eventually(() => (page.state?.records ?? 0) >= 5, 'what was said after');
  t.equal(inspectorOf(twist), pids[1], 'it is the same');
  t.notOk(twist.log.some(({ level }) => level === 'warn' || level === 'error'));
});
