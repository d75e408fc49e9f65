import t, { type Test } from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { eventually } from '../../fixtures/within.js';
import type { FromViewer, ToViewer } from '../../../src/workers/viewer/viewer-messages.js';
import type { ViewerEvents, ViewerProcess } from '../../../src/workers/viewer/viewer-process.js';
import { Viewer } from '../../../src/workers/viewer/viewer.js';

/** A process that is none. */
class FakeViewer implements ViewerProcess {
  readonly pid = 77;
  readonly messages: ToViewer[] = [];
  readonly texts: string[] = [];
  kills = 0;
  ends = 0;
  readonly #events: ViewerEvents;

  constructor(events: ViewerEvents) {
    this.#events = events;
  }

  readonly input = {
    write: (bytes: Uint8Array, done: () => void): void => {
      this.texts.push(Buffer.from(bytes).toString());
      done();
    },
  };

  end(): void {
    this.ends++;
  }

  /** It says that it is there when it is asked. */
  answers = false;

  send(message: ToViewer): void {
    this.messages.push(message);
    if (this.answers && message.kind === 'check') this.says({ kind: 'alive' });
  }

  kill(): void {
    this.kills++;
  }

  says(message: FromViewer): void {
    this.#events.message(message);
  }

  writes(lines: string): void {
    this.#events.output(lines);
  }

  exits(how: number | string = 0): void {
    this.#events.exited(how);
  }

  /** Comes up, and listens. */
  listens(port = 9002): void {
    this.says({ kind: 'ready' });
    this.says({ kind: 'listening', address: `http://127.0.0.1:${port}`, port });
  }
}

interface Scene {
  readonly viewer: Viewer;
  readonly log: KeptLog;
  readonly all: FakeViewer[];
  /** Why no more can be started. */
  readonly failure: { error: Error | null };
}

const ORDER = { flags: { echo: true }, environment: {}, configText: null, workers: 1 };

function scene(closeMs?: number, startMs?: number, checkMs?: number): Scene {
  const log = new KeptLog();
  const all: FakeViewer[] = [];
  const failure: { error: Error | null } = { error: null };
  const viewer = new Viewer({
    order: ORDER,
    startViewer: (events) => {
      if (failure.error !== null) throw failure.error;
      const made = new FakeViewer(events);
      all.push(made);
      return made;
    },
    tool: 'twist/test',
    log,
    ...(closeMs === undefined ? {} : { closeMs }),
    ...(startMs === undefined ? {} : { startMs }),
    ...(checkMs === undefined ? {} : { checkMs }),
  });
  return { viewer, log, all, failure };
}

async function started(t: Test, closeMs?: number): Promise<Scene & { readonly first: FakeViewer }> {
  const made = scene(closeMs);
  const starting = made.viewer.start();
  const first = made.all[0]!;
  first.listens();
  await starting;
  t.teardown(() => {
    made.viewer.kill();
  });
  return { ...made, first };
}

const batchOf = (text: string): { chunks: Buffer[]; bytes: number; records: number } => ({
  chunks: [Buffer.from(text)],
  bytes: text.length,
  records: 1,
});

t.test('it gets its order, and then all records', async (t) => {
  const { viewer, log, first } = await started(t);
  t.match(first.messages, [
    { kind: 'order', order: { ...ORDER, port: null, secret: /^[\w-]{32}$/ } },
  ]);
  t.ok(viewer.isUp);
  t.match(log.lines, [{ message: 'inspector', fields: { address: 'http://127.0.0.1:9002' } }]);
  viewer.feed.take(batchOf('one\n'));
  t.match(first.texts, [/^\{"v":1,"ev":"file","tool":"twist\/test"/, 'one\n']);
  first.says({ kind: 'url', url: 'http://127.0.0.1:9002/?token=x' });
  t.match(log.lines[1], { level: 'info', fields: { url: 'http://127.0.0.1:9002/?token=x' } });
});

t.test('one that hangs is ended, with a warning, and another one takes its place', async (t) => {
  const { viewer, log, all } = scene(undefined, undefined, 5);
  t.teardown(() => {
    viewer.kill();
  });
  const starting = viewer.start();
  const first = all[0]!;
  first.listens();
  await starting;
  t.match(first.messages.at(-1), { kind: 'check' });
  await eventually(() => first.kills > 0, 'its end');
  t.match(log.find('the inspector does not answer: it is ended, and started again'), [
    { level: 'warn', fields: { pid: 77, silentMs: 15 } },
  ]);
  t.ok(viewer.isUp, 'until it is gone');
  first.exits('SIGKILL');
  t.notOk(viewer.isUp);
  await eventually(() => all.length === 2, 'the next one');
  const second = all[1]!;
  second.listens();
  t.equal(viewer.counters.restarts, 1);
  t.strictSame(
    log.lines.map(({ level }) => level),
    ['info', 'warn', 'info'],
    'one line of what happened, and that it is there again',
  );
  // What dies after that says so, as ever.
  second.exits(1);
  t.match(log.lines.at(-1), { level: 'error', message: 'the inspector died' });
});

t.test('one that answers is left alone, and one that ends has its own limit', async (t) => {
  const { viewer, all } = scene(60_000, undefined, 5);
  const starting = viewer.start();
  const first = all[0]!;
  first.answers = true;
  first.listens();
  await starting;
  const checks = (): number => first.messages.filter(({ kind }) => kind === 'check').length;
  await eventually(() => checks() > 10, 'checks');
  t.equal(first.kills, 0);
  const closing = viewer.close();
  const asked = checks();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame([checks(), first.kills], [asked, 0]);
  first.exits(0);
  await closing;
});

t.test('what is on its way to it is charged', async (t) => {
  const memory = new MemoryAccount();
  const viewer = new Viewer({
    ...{ order: ORDER, tool: 'twist/test', log: new KeptLog(), memory },
    startViewer: (events) => {
      const made = new FakeViewer(events);
      setImmediate(() => {
        made.listens();
      });
      return {
        pid: 1,
        input: { write: () => undefined },
        end: () => undefined,
        send: () => undefined,
        kill: () => undefined,
      };
    },
  });
  await viewer.start();
  t.equal(memory.bytes, viewer.feed.waitingBytes);
  t.ok(memory.bytes > 0);
});

t.test('it says lines of the log', async (t) => {
  const { log, first } = await started(t);
  first.says({ kind: 'log', level: 'warn', fields: { a: 1 }, message: 'careful' });
  first.says({ kind: 'log', level: 'constructor' as 'warn', fields: {}, message: 'no level' });
  t.strictSame(log.lines.slice(1), [{ level: 'warn', message: 'careful', fields: { a: 1 } }]);
});

t.test('what it cannot start for is said once', async (t) => {
  const failing = async (fail: (viewer: FakeViewer) => void, sentence: string): Promise<void> => {
    const { viewer, all } = scene();
    const starting = viewer.start();
    fail(all[0]!);
    await t.rejects(starting, { name: 'ConfigError', message: sentence });
    t.notOk(viewer.isUp);
    await viewer.close();
  };
  await failing((viewer) => {
    viewer.says({ kind: 'failed', sentence: 'the port is taken' });
    viewer.exits(1);
  }, 'the port is taken');
  await failing((viewer) => {
    viewer.exits('SIGKILL');
  }, 'the inspector ended while it started (SIGKILL)');
  await failing((viewer) => {
    viewer.writes('Error: no\n');
    viewer.exits(1);
  }, 'the inspector ended while it started (1): Error: no');
});

t.test('one that does not come up is killed: the server must not wait for it', async (t) => {
  const { viewer, all, log } = scene(undefined, 20);
  const starting = viewer.start();
  await eventually(() => all[0]?.kills === 1, 'its end');
  all[0]!.exits('SIGKILL');
  const reason = 'the inspector does not listen after 0.02 s';
  await t.rejects(starting, { name: 'ConfigError', message: reason });
  // Nor does one that takes the place of another.
  const second = scene(undefined, 20);
  const again = second.viewer.start();
  second.all[0]!.listens();
  await again;
  second.all[0]!.exits('SIGSEGV');
  await eventually(() => second.all[1]?.kills === 1, 'the end of the other one');
  t.equal(second.all[0]!.kills, 0, 'one that listens may go on');
  second.all[1]!.exits('SIGKILL');
  t.match(second.log.lines.at(-1), { message: 'the inspector cannot start', fields: { reason } });
  await second.viewer.close();
  t.strictSame(log.lines, []);
});

t.test('a stop while it starts', async (t) => {
  const { viewer, all } = scene(1);
  const starting = viewer.start();
  const closing = viewer.close();
  await eventually(() => all[0]?.kills === 1, 'its end');
  all[0]!.exits('SIGKILL');
  await Promise.all([starting, closing]);
  t.notOk(viewer.isUp);
  await viewer.start();
  t.equal(all.length, 1, 'nor is one started after that');
});

t.test('one that cannot even be started', async (t) => {
  const { viewer, failure } = scene();
  failure.error = new Error('spawn EAGAIN');
  await t.rejects(viewer.start(), {
    message: 'the inspector ended while it started (spawn EAGAIN)',
  });
});

t.test('when it dies another one takes its place, on the same port', async (t) => {
  const { viewer, log, all, first } = await started(t);
  const [order] = first.messages as [Extract<ToViewer, { kind: 'order' }>];
  first.writes('out of memory\n');
  first.exits('SIGABRT');
  t.notOk(viewer.isUp);
  t.match(log.lines.at(-1), {
    level: 'error',
    message: 'the inspector died',
    fields: { pid: 77, ended: 'SIGABRT', retryMs: 0, output: 'out of memory' },
  });
  viewer.feed.take(batchOf('lost\n'));
  await eventually(() => all.length === 2, 'another one');
  t.equal(viewer.counters.restarts, 1);
  const second = all[1]!;
  second.says({ kind: 'ready' });
  t.match(second.messages, [{ kind: 'order', order: { port: 9002, secret: order.order.secret } }]);
  second.listens();
  t.match(second.texts.at(-1), /"records":1,"error":"inspector-restarted"/);
  second.says({ kind: 'failed', sentence: 'the port is taken' });
  second.exits(1);
  t.match(log.lines.at(-1), {
    message: 'the inspector cannot start',
    fields: { ended: 1, retryMs: 100, reason: 'the port is taken' },
  });
  t.notMatch(log.lines.at(-1)!.fields, { output: String });
});

t.test('one that has served for long did not die of its start', async (t) => {
  let nowMs = 0;
  t.intercept(performance, 'now', { value: () => nowMs });
  const { all, log, first } = await started(t);
  first.exits(1);
  await eventually(() => all.length === 2, 'the second');
  all[1]!.listens();
  nowMs = 10_000;
  all[1]!.exits(1);
  t.equal(log.lines.at(-1)!.fields['retryMs'], 0);
});

t.test('it ends sessions', async (t) => {
  const { viewer, first, log } = await started(t);
  const asked: unknown[] = [];
  const ask = async (id: number, code = 1000): Promise<unknown> => {
    first.says({ kind: 'end', id, session: 'ONE', code, reason: 'enough' });
    await eventually(() => first.messages.length > id, 'an answer');
    return first.messages.at(-1);
  };
  t.strictSame(await ask(1), { kind: 'ended', id: 1, problem: 'no session is there' });
  viewer.onEnd = (...given) => {
    asked.push(given);
    return null;
  };
  t.strictSame(await ask(2), { kind: 'ended', id: 2, problem: null });
  t.strictSame(asked, [['ONE', 1000, 'enough']]);
  t.match(await ask(3, 1002), { problem: /^the code must be/ });
  viewer.onEnd = () => Promise.reject(new Error('no'));
  t.match(await ask(4), { problem: 'internal error' });
  t.match(log.lines.at(-1), { level: 'error', message: 'a session could not be ended' });
  t.equal(asked.length, 1);
});

t.test('one that has died meanwhile gets no answer', async (t) => {
  const { viewer, first } = await started(t);
  let answer: (problem: null) => void = () => undefined;
  viewer.onEnd = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  first.says({ kind: 'end', id: 1, session: 'ONE', code: 1000, reason: '' });
  first.exits(1);
  answer(null);
  await new Promise(setImmediate);
  t.notOk(first.messages.some(({ kind }) => kind === 'ended'));
});

t.test('a reload reaches it', async (t) => {
  const { viewer, first } = await started(t);
  viewer.reload();
  t.strictSame(first.messages.at(-1), { kind: 'reload' });
});

t.test('it ends when the records end', async (t) => {
  const { viewer, first, log } = await started(t);
  const closing = viewer.close();
  t.equal(viewer.close(), closing);
  t.equal(first.ends, 1);
  first.exits(0);
  await closing;
  t.equal(first.kills, 0);
  t.equal(log.lines.length, 1, 'and that is no news');
});

t.test('one that hangs is killed', async (t) => {
  const { viewer, first } = await started(t, 1);
  const closing = viewer.close();
  await eventually(() => first.kills === 1, 'its end');
  first.exits('SIGKILL');
  await closing;
});

t.test('one that is gone is not waited for, and is not started again', async (t) => {
  const { viewer, first, all } = await started(t);
  first.exits(1);
  viewer.reload();
  await viewer.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(all.length, 1);
});

t.test('what it says once it is being started again goes nowhere', async (t) => {
  const { first, viewer } = await started(t);
  first.exits(1);
  first.says({ kind: 'ready' });
  first.says({ kind: 'listening', address: '', port: 1 });
  t.strictSame(
    first.messages.map(({ kind }) => kind),
    ['order', 'check'],
    'as before it died',
  );
  viewer.kill();
});
