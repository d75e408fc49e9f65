import t, { type Test } from 'tap';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReloadOutcome, ToPrimary } from '../../src/workers/messages.js';
import { type Failure, Primary, type PrimaryOptions } from '../../src/workers/primary.js';
import { type FakeWorker, FakeWorkers } from '../fixtures/fake-workers.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { eventually, within } from '../fixtures/within.js';

const ORDER = {
  flags: {},
  configText: null,
  ticketKeys: '',
  umask: null,
  isTTY: false,
  isStyled: false,
};

interface Scene {
  readonly workers: FakeWorkers;
  readonly log: KeptLog;
  readonly written: string[];
  readonly primary: Primary;
  /** What `start` came to; undefined while it has not settled. */
  started?: Failure | null;
}

function begin(t: Test, count: number, options: Partial<PrimaryOptions> = {}): Scene {
  const workers = new FakeWorkers();
  const log = new KeptLog();
  const written: string[] = [];
  const primary = new Primary({
    workers: count,
    hasPassedSockets: false,
    order: ORDER,
    readConfig: () => ({ text: 'config', fault: null }),
    startWorker: workers.start,
    stopMs: 60_000,
    stopNowMs: 60_000,
    log,
    write: (lines) => written.push(lines),
    ...options,
  });
  const scene: Scene = { workers, log, written, primary };
  void primary.start().then((started) => {
    scene.started = started;
  });
  t.teardown(async () => {
    void primary.stop();
    for (const worker of workers.all) worker.exits();
    await within(primary.ended, 'the end');
  });
  return scene;
}

async function begun(
  t: Test,
  count: number,
  options: Partial<PrimaryOptions> = {},
): Promise<Scene> {
  const scene = begin(t, count, options);
  for (const worker of scene.workers.all) worker.serves();
  await eventually(() => scene.started === null, 'the start');
  return scene;
}

t.test('all workers listen before it is said, once for each address', async (t) => {
  const scene = begin(t, 2);
  const { workers, log } = scene;
  const [one, two] = workers.all;
  one!.says({ kind: 'ready' });
  two!.says({ kind: 'ready' });
  t.strictSame(one!.order, {
    ...ORDER,
    reloadedText: null,
    worker: 1,
    serial: 1,
  });
  t.strictSame(two!.order, {
    ...ORDER,
    reloadedText: null,
    worker: 2,
    serial: 2,
  });
  const lines = [
    { address: 'ws://127.0.0.1:9001', mode: 'echo' },
    { address: 'unix:/run/a', mode: 'echo' },
  ];
  one!.says({ kind: 'listening', lines });
  await sleep(1);
  t.strictSame([log.lines, scene.started], [[], undefined]);
  two!.says({ kind: 'listening', lines });
  await eventually(() => scene.started === null, 'the start');
  t.strictSame(
    log.find('listening').map(({ fields }) => fields),
    lines.map((line) => ({ ...line, workers: 2 })),
  );
});

t.test('lines of workers go to the log; what a module says is not heard', async (t) => {
  const { workers, written } = await begun(t, 1);
  workers.last.writes('a line\n');
  t.strictSame(written, ['a line\n']);
  for (const message of [null, undefined, 'hello', 5, { kind: 'something' }, {}])
    workers.last.says(message as unknown as ToPrimary);
});

t.test('one that cannot start ends all of them, with its own words and exit status', async (t) => {
  const scene = begin(t, 3);
  const [one, two, three] = scene.workers.all;
  one!.says({ kind: 'ready' });
  two!.says({ kind: 'ready' });
  one!.says({ kind: 'failed', sentence: 'the port is taken', exitCode: 1 });
  two!.says({ kind: 'failed', sentence: 'the port is taken, says the second', exitCode: 1 });
  one!.exits(1);
  two!.exits(1);
  await sleep(1);
  t.equal(scene.started, undefined, 'one of them is still there');
  three!.writes('stopped\n');
  t.strictSame(scene.written, []);
  three!.says({ kind: 'ready' });
  t.equal(three!.stops, 1);
  three!.exits(0);
  await eventually(() => scene.started !== undefined, 'the end');
  t.strictSame(scene.started, { sentence: 'the port is taken', exitCode: 1 });
  t.strictSame(scene.log.lines, []);
});

t.test('one that dies while all start, and one that the system does not start', async (t) => {
  const dying = begin(t, 2);
  dying.workers.all[0]!.exits('SIGSEGV');
  dying.workers.all[1]!.exits(0);
  await eventually(() => dying.started !== undefined, 'the end');
  t.strictSame(dying.started, {
    sentence: 'worker 1 ended while it started (SIGSEGV)',
    exitCode: 1,
  });

  const workers = new FakeWorkers();
  workers.failure = new Error('spawn EAGAIN');
  const none = begin(t, 2, { startWorker: workers.start });
  await eventually(() => none.started !== undefined, 'the end');
  t.match(none.started, { sentence: /worker \d ended while it started \(spawn EAGAIN\)/ });
});

t.test('a worker that dies is replaced: at once, then later and later', async (t) => {
  const { workers, log, primary } = await begun(t, 2);
  workers.all[0]!.exits('SIGKILL');
  t.match(log.find('worker died')[0], {
    level: 'error',
    fields: { worker: 1, pid: 1000, ended: 'SIGKILL', retryMs: 0 },
  });
  await eventually(() => workers.all.length === 3, 'another one');
  workers.last.serves();
  t.strictSame(workers.last.order, {
    ...ORDER,
    reloadedText: null,
    worker: 1,
    serial: 3,
  });
  t.match(log.find('worker replaced'), [{ fields: { worker: 1 } }]);
  t.equal(log.find('listening').length, 1, 'the address is known');
  workers.last.exits(1);
  t.match(log.find('worker died')[1], { fields: { ended: 1, retryMs: 100 } });
  await eventually(() => workers.all.length === 4, 'another one');
  workers.last.serves('ws://127.0.0.1:9002');
  t.equal(log.find('listening').length, 2, 'a new address is told');
  t.match(primary.counters, { deaths: 2, replaced: 2 });
});

t.test('one that has served for long is replaced at once again', async (t) => {
  const { workers, log } = await begun(t, 1);
  workers.last.exits(1);
  await eventually(() => workers.all.length === 2, 'another one');
  workers.last.serves();
  const now = performance.now.bind(performance);
  t.intercept(performance, 'now', { value: () => now() + 10_000 });
  workers.last.exits(1);
  t.match(log.find('worker died')[1], { fields: { retryMs: 0 } });
});

t.test('while one serves, those that cannot start are tried for ever', async (t) => {
  const { workers, log, primary } = await begun(t, 2, {});
  let isOver = false;
  void primary.ended.then(() => (isOver = true));
  workers.all[1]!.exits(1);
  for (let tried = 3; tried <= 7; tried++) {
    await eventually(() => workers.all.length === tried, 'another one');
    workers.last.says({ kind: 'ready' });
    if (tried % 2 === 0) workers.last.says({ kind: 'failed', sentence: 'no disk', exitCode: 78 });
    workers.last.exits(78);
  }
  t.match(log.find('worker cannot start'), [{ fields: { worker: 2, reason: 'no disk' } }, {}]);
  t.equal(log.find('worker died while it started').length, 3);
  await sleep(1);
  t.notOk(isOver);
});

t.test('when none serves, and several could not start, twist ends', async (t) => {
  for (const failure of ['the disk is full', null]) {
    const { workers, primary } = await begun(t, 1);
    workers.last.exits('SIGKILL');
    for (let tried = 2; tried <= 6; tried++) {
      await eventually(() => workers.all.length === tried, 'another one');
      if (failure !== null) workers.last.says({ kind: 'failed', sentence: failure, exitCode: 1 });
      workers.last.exits(1);
    }
    const because = failure === null ? '' : `: ${failure}`;
    t.strictSame(await within(primary.ended, 'the end'), {
      sentence: `no worker serves, and 5 in a row could not start${because}`,
      exitCode: 1,
    });
  }
});

t.test('sockets that were passed are gone with the last worker that listened', async (t) => {
  const { workers, primary } = await begun(t, 2, { hasPassedSockets: true });
  let isOver = false;
  void primary.ended.then(() => (isOver = true));
  workers.all[0]!.exits('SIGKILL');
  await eventually(() => workers.all.length === 3, 'another one');
  workers.all[1]!.exits('SIGKILL');
  // It may not have listened yet, and would find nothing to listen on.
  t.notOk(isOver);
  workers.last.exits(0);
  t.strictSame(await within(primary.ended, 'the end'), {
    sentence:
      'no worker is left, and what systemd has passed is passed anew when twist starts anew',
    exitCode: 1,
  });
});

t.test('a stop reaches all, and ends when all are gone', async (t) => {
  const { workers, log, primary } = await begun(t, 2);
  const [one, two] = workers.all;
  const stopped = primary.stop();
  primary.endDelay();
  const again = primary.stop();
  t.strictSame([one!.stops, two!.stops], [1, 1]);
  one!.exits(0);
  t.equal(log.find('stopped').length, 0);
  two!.exits(0);
  await Promise.all([stopped, again]);
  t.equal(await primary.ended, null);
  t.strictSame(
    log.lines.map(({ message }) => message),
    ['listening', 'stopping', 'stopped'],
  );
});

t.test('a stop while workers start, and while one is replaced', async (t) => {
  const early = begin(t, 2);
  const [one, two] = early.workers.all;
  one!.says({ kind: 'ready' });
  void early.primary.stop();
  t.equal(one!.stops, 1);
  // It was about to listen.
  one!.says({ kind: 'listening', lines: [] });
  two!.says({ kind: 'ready' });
  t.equal(two!.stops, 1);
  one!.exits(0);
  two!.exits(0);
  t.equal(await within(early.primary.ended, 'the end'), null);
  t.equal(early.started, null);

  const later = await begun(t, 2);
  later.workers.all[0]!.exits(1);
  void later.primary.stop();
  later.workers.all[1]!.exits(0);
  t.equal(await within(later.primary.ended, 'the end'), null);
  t.equal(later.workers.all.length, 2, 'none is started any more');
});

t.test('workers that do not end are killed', async (t) => {
  const { workers, log, primary } = await begun(t, 2, { stopMs: 5 });
  void primary.stop();
  workers.all[0]!.exits(0);
  await eventually(() => workers.all[1]!.kills.length > 0, 'a kill');
  t.match(log.find('workers did not end in time and are killed'), [{ fields: { workers: [2] } }]);
  workers.all[1]!.exits('SIGKILL');
  t.strictSame(await primary.ended, { sentence: '', exitCode: 1 });
});

t.test('a second signal is passed on too, and is a failure', async (t) => {
  const { workers, primary } = await begun(t, 1, { stopNowMs: 5 });
  void primary.stop();
  primary.stopNow();
  t.equal(workers.last.stops, 2);
  await eventually(() => workers.last.kills.length > 0, 'a kill');
  workers.last.exits(1);
  t.strictSame(await primary.ended, { sentence: '', exitCode: 1 });
});

t.test('limits hold for all workers; a dead one has no connections', async (t) => {
  const { workers, log, primary } = await begun(t, 2);
  const [one, two] = workers.all;
  const limits = { maxConnections: 3, maxConnectionsPerAddress: 2 };
  const ask = (
    worker: FakeWorker,
    networks: readonly (string | null)[],
    releases: readonly (string | null)[] = [],
  ): unknown => {
    const asks = networks.map((network, id) => [id, network, true] as const);
    worker.says({ kind: 'places', request: { asks, releases, limits } });
    const answer = worker.messages.at(-1)!;
    return answer.kind === 'places' ? answer.answers.map(([, rule]) => rule) : null;
  };
  t.strictSame(ask(one!, ['a']), [null]);
  t.strictSame(ask(two!, ['a', 'a']), [null, 'too-many-connections-from-address']);
  t.strictSame(ask(two!, ['b', null]), [null, 'full']);
  t.equal(primary.connections, 3);
  t.ok(primary.isFull);
  t.equal(primary.size, 2);
  const before = two!.messages.length;
  t.strictSame(ask(two!, [], ['b', 'b', 'c']), [null, 'full'], 'no answer: the one before');
  t.equal(two!.messages.length, before);
  t.equal(primary.connections, 2);
  two!.exits('SIGKILL');
  t.match(log.find('worker died'), [{ fields: { worker: 2, connections: 1 } }]);
  t.equal(primary.counters.lostConnections, 1);
  t.equal(primary.connections, 1);
  t.strictSame(ask(two!, ['d']), [null, 'full'], 'what it has said comes too late');
  t.equal(primary.connections, 1);
});

const WELL: ReloadOutcome = { isWell: true, message: 'reloaded: tokens' };

t.test('a reload reaches all that serve, and has one line', async (t) => {
  const { workers, log, primary } = await begun(t, 2);
  const reloaded = primary.reload();
  const again = primary.reload();
  const third = primary.reload();
  for (const worker of workers.all) {
    t.match(worker.questions, [{ question: { what: 'reload', config: { text: 'config' } } }]);
    worker.answers(WELL);
    worker.answers(WELL);
  }
  await reloaded;
  t.strictSame(log.lines.at(-1), {
    level: 'info',
    message: WELL.message,
    fields: { workers: [1, 2] },
  });
  await eventually(() => workers.last.questions.length === 2, 'the second one');
  for (const worker of workers.all) worker.answers(WELL);
  await Promise.all([again, third]);
  t.equal(workers.last.questions.length, 2, 'those that ask meanwhile share the next one');
  workers.last.exits(1);
  await eventually(() => workers.all.length === 3, 'another one');
  workers.last.serves();
  t.equal(workers.last.order.reloadedText, 'config', 'it begins with what is in force');
});

t.test('a reload that not all workers take in the same way is an error', async (t) => {
  const { workers, log, primary } = await begun(t, 3);
  const reloaded = primary.reload();
  const [one, two, three] = workers.all;
  one!.answers(WELL);
  two!.answers({ isWell: false, message: 'not reloaded' });
  three!.exits('SIGKILL');
  await reloaded;
  t.match(log.lines.at(-1), {
    level: 'error',
    fields: { outcomes: [{ worker: 1 }, { worker: 2 }, { worker: 3, message: 'no answer' }] },
  });
  await eventually(() => workers.all.length === 4, 'another one');
  workers.last.says({ kind: 'ready' });
  t.equal(workers.last.order.reloadedText, null, 'what was refused is tried by nobody');
});

t.test('records of all workers go to whoever wants them', async (t) => {
  const { workers, primary } = await begun(t, 2);
  const texts: string[] = [];
  workers.all[0]!.records('nobody wants it\n');
  primary.onRecords = ({ chunks }) => texts.push(Buffer.concat(chunks).toString());
  workers.all[0]!.records('one\n');
  workers.all[1]!.records('two\n');
  t.strictSame(texts, ['one\n', 'two\n']);
  t.notOk(primary.isStopping);
  void primary.stop();
  t.ok(primary.isStopping);
});

t.test('those that serve are asked', async (t) => {
  const { workers, primary } = await begun(t, 2);
  t.notOk(primary.isFull);
  const dead: number[] = [];
  primary.onDeath = (worker) => dead.push(worker);
  const asked = primary.ask({ what: 'problems' }, 60_000);
  workers.all[0]!.answers(['full']);
  workers.all[1]!.exits(1);
  t.strictSame(await asked, [
    { worker: 1, value: ['full'] },
    { worker: 2, value: null },
  ]);
  t.strictSame(dead, [2]);
});

t.test('a worker that starts during a reload is asked once it serves', async (t) => {
  const { workers, log, primary } = await begun(t, 1);
  workers.last.exits(1);
  await eventually(() => workers.all.length === 2, 'another one');
  workers.last.says({ kind: 'ready' });
  await primary.reload();
  t.match(log.lines.at(-1), { level: 'error', message: 'not reloaded: no worker serves' });
  workers.last.says({ kind: 'listening', lines: [] });
  await eventually(() => workers.last.questions.length === 1, 'the question');
  workers.last.answers(WELL);
  await eventually(() => log.lines.at(-1)?.message === WELL.message, 'the line');
});

t.test('a worker that gets its order during a reload is asked once it serves', async (t) => {
  const { workers, log, primary } = await begun(t, 2);
  const [one] = workers.all;
  workers.last.exits(1);
  await eventually(() => workers.all.length === 3, 'another one');
  const two = workers.last;
  const reloaded = primary.reload();
  two.says({ kind: 'ready' });
  t.equal(two.order.reloadedText, null, 'nobody knows yet whether the new one is good');
  one!.answers(WELL);
  await reloaded;
  two.says({ kind: 'listening', lines: [] });
  await eventually(() => two.questions.length === 1, 'the question');
  for (const worker of [one!, two]) worker.answers(WELL);
  await eventually(() => log.lines.at(-1)?.message === WELL.message, 'the line');
  t.match(log.lines.at(-1), { fields: { workers: [1, 2] } });
});

t.test('a stop before the start starts nothing', async (t) => {
  const workers = new FakeWorkers();
  const primary = new Primary({
    ...{ workers: 2, hasPassedSockets: false, order: ORDER, startWorker: workers.start },
    readConfig: () => ({ text: 'config', fault: null }),
    ...{ stopMs: 60_000, stopNowMs: 60_000, log: new KeptLog(), write: () => undefined },
  });
  await primary.stop();
  t.equal(await primary.start(), null);
  t.strictSame(workers.all, []);
});
