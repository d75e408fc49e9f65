import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type PageOptions, PageSession } from '../../../src/inspect/page/page-session.js';
import { FileStore } from '../../../src/inspect/store/file-store.js';
import { type LiveStore, MIN_MEMORY_BYTES } from '../../../src/inspect/store/live-store.js';
import { WorkQueue } from '../../../src/inspect/store/work-queue.js';
import { FakePageSession, bytesOf, liveStore, smallMessage } from '../../fixtures/inspected.js';
import { RecordedLines } from '../../fixtures/recorded-lines.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const A = new RecordedLines('A');
const B = new RecordedLines('B');

class Looking {
  readonly session = new FakePageSession();
  readonly queue = new WorkQueue();
  readonly page: PageSession;
  readonly store: LiveStore;
  #id = 0;

  constructor(t: Test, store: LiveStore, options: Partial<PageOptions> = {}) {
    this.store = store;
    const all = { version: '1.2.3', spoolDir: makeTempDir(t), ...options };
    this.page = new PageSession(this.session, store, this.queue, all);
    t.teardown(() => {
      this.page.close();
    });
  }

  /** Asks, without waiting. @returns the number of the request */
  say(request: object): number {
    const id = ++this.#id;
    const bytes = Buffer.from(`--${JSON.stringify({ id, ...request })}`);
    this.page.receive(1, bytes, 2, bytes.length);
    return id;
  }

  async ask(request: object): Promise<Record<string, unknown>> {
    return await this.session.answer(this.say(request));
  }
}

const looking = (t: Test, store: LiveStore, options: Partial<PageOptions> = {}): Looking =>
  new Looking(t, store, options);

t.test('what a page is told at once', async (t) => {
  const store = liveStore([A.open(), B.open(), A.in('a')]);
  const { session } = looking(t, store, { workers: 2, maxPayloadBytes: 5, memoryBytes: 9 });
  t.match(session.takeNews('hello'), [
    {
      version: '1.2.3',
      source: 'live',
      canEndSessions: false,
      workers: 2,
      maxPayloadBytes: 5,
      memoryBytes: 9,
    },
  ]);
  t.match(session.takeNews('sessions'), [
    { rows: [{ s: 'A', in: { msgs: 1, bytes: 1 }, openRecord: 0 }, { s: 'B' }] },
  ]);
  t.match(session.takeNews('state'), [{ records: 3, forgotten: 0, lost: 0, damaged: 0 }]);
  t.strictSame(session.told, [], 'and nothing else');
});

t.test('views, rows, places', async (t) => {
  const look = looking(t, liveStore([A.open(), A.in('one'), A.out('two'), A.in('three')]));
  const answer = await look.ask({ ask: 'view', filter: { direction: 'in' } });
  t.match(answer, { total: 2, goneTotal: 0, isComplete: true });
  const { view } = answer;
  t.match(await look.ask({ ask: 'rows', view, from: 0, count: 10 }), {
    from: 0,
    total: 2,
    goneTotal: 0,
    rows: [
      { n: 1, preview: 'one' },
      { n: 3, preview: 'three' },
    ],
  });
  t.match(await look.ask({ ask: 'rows', view, from: 1, count: 1 }), { from: 1, rows: [{ n: 3 }] });
  t.match(await look.ask({ ask: 'rows', view, from: 99, count: 9 }), { from: 2, rows: [] });
  t.match(await look.ask({ ask: 'place', view, n: 2 }), { place: 1, n: 3 });
  t.match(await look.ask({ ask: 'place', view, t: 0 }), { place: 0, n: 1 });
  const end = await look.ask({ ask: 'place', view, t: 99_999 });
  t.match(end, { place: 2 });
  t.notOk('n' in end);
  look.store.append(bytesOf([A.in('four'), A.out('five')]));
  look.session.told.splice(0);
  look.page.tell();
  while (look.queue.size > 0) await new Promise(setImmediate);
  look.page.tell();
  t.match(look.session.takeNews('view').at(-1), {
    view,
    total: 3,
    gone: 0,
    goneTotal: 0,
    isComplete: true,
  });
  t.match(look.session.takeNews('sessions'), [{ rows: [{ s: 'A', out: { msgs: 2, bytes: 7 } }] }]);
  t.match(look.session.takeNews('state'), [{ records: 6 }]);
  look.page.tell();
  t.strictSame(look.session.told, [], 'nothing new');
  look.store.end();
  look.page.tell();
  t.match(look.session.takeNews('state'), [{ hasEnded: true }]);
});

t.test('places of a page that does not know yet what has left', async (t) => {
  const look = looking(t, liveStore(Array.from({ length: 100 }, (_, at) => A.in(String(at)))));
  const { view } = await look.ask({ ask: 'view', filter: {} });
  for (let n = 0; n < 30; n++) look.store.index.forgetFirst();
  t.match(await look.ask({ ask: 'rows', view, from: 40, count: 1, gone: 0 }), {
    from: 10,
    rows: [{ n: 40 }],
    goneTotal: 30,
  });
  t.match(await look.ask({ ask: 'rows', view, from: 40, count: 1 }), {
    from: 40,
    rows: [{ n: 70 }],
  });
  t.match(await look.ask({ ask: 'rows', view, from: 29, count: 3, gone: 0 }), {
    from: 0,
    rows: [{ n: 30 }, { n: 31 }],
  });
  t.match(await look.ask({ ask: 'rows', view, from: 2, count: 3, gone: 0 }), { from: 0, rows: [] });
  t.match(await look.ask({ ask: 'find', view, from: 50, text: '60', gone: 0 }), {
    place: 30,
    n: 60,
    goneTotal: 30,
  });
  look.page.tell();
  t.match(look.session.takeNews('view'), [{ gone: 30, goneTotal: 30, total: 70 }]);
});

t.test('finding', async (t) => {
  const look = looking(t, liveStore(['one', 'two', 'one'].map((word) => A.in(word))));
  const { view } = await look.ask({ ask: 'view', filter: {} });
  t.match(await look.ask({ ask: 'find', view, from: -1, text: 'ONE' }), { place: 0, n: 0 });
  t.match(await look.ask({ ask: 'find', view, from: 2, text: 'one', isBackwards: true }), {
    place: 0,
  });
  const none = await look.ask({ ask: 'find', view, from: -1, pattern: 'x$' });
  t.match(none, { place: -1 });
  t.notOk('n' in none);
  const first = look.say({ ask: 'find', view, from: -1, text: 'one' });
  const second = look.say({ ask: 'find', view, from: 0, text: 'one' });
  t.match(await look.session.answer(first), { fault: 'another search has begun' });
  t.match(await look.session.answer(second), { place: 2 });
  const forgotten = look.say({ ask: 'find', view, from: -1, text: 'one' });
  look.say({ ask: 'forget', view });
  t.match(await look.session.answer(forgotten), { fault: 'the view was forgotten' });
  look.say({ ask: 'forget', view });
});

t.test('a record whole', async (t) => {
  const large = A.in('y'.repeat(2 * 1024 ** 2));
  const look = looking(t, liveStore([A.open(), A.in('a'), large], { memoryBytes: 64 * 1024 ** 2 }));
  t.match(await look.ask({ ask: 'record', n: 0 }), {
    record: { headers: { host: 'localhost' } },
    row: { kind: 'open' },
  });
  const whole = await look.ask({ ask: 'record', n: 1 });
  t.match(whole, { record: { data: 'a' } });
  t.notOk('isShortened' in whole);
  t.match(await look.ask({ ask: 'record', n: 2 }), { isShortened: true });
  t.match(await look.ask({ ask: 'record', n: 3 }), { fault: 'there is no record 3 yet' });
  look.store.index.forgetFirst();
  t.match(await look.ask({ ask: 'record', n: 0 }), { fault: 'record 0 is not in memory any more' });
});

t.test('strips, of all and of a session', async (t) => {
  const look = looking(
    t,
    liveStore([A.open({ t: 1 }), A.in('abc', { t: 2 }), B.in('x', { t: 3 })]),
  );
  t.match(await look.ask({ ask: 'strip', buckets: 1 }), {
    since: 1,
    until: 3,
    buckets: [{ inBytes: 4, inMsgs: 2 }],
  });
  t.match(await look.ask({ ask: 'strip', buckets: 1, session: 'A' }), {
    buckets: [{ inBytes: 3 }],
  });
  t.match(await look.ask({ ask: 'strip', buckets: 1, session: 'X' }), {
    fault: 'that session is not kept any more',
  });
  const ids = Array.from({ length: 17 }, () => look.say({ ask: 'strip', buckets: 1 }));
  t.match(await look.session.answer(ids[16]!), {
    fault: 'too much is asked at a time: wait for an answer',
  });
  for (const id of ids.slice(0, 16)) await look.session.answer(id);
});

t.test('a file comes in pieces, as fast as the page reads', async (t) => {
  const look = looking(
    t,
    liveStore([
      A.open(),
      ...Array.from({ length: 3000 }, (_, at) => A.in(`message ${at}`)),
      A.close(),
    ]),
  );
  const { view } = await look.ask({ ask: 'view', filter: {} });
  look.session.reads = 0;
  const id = look.say({ ask: 'export', view, format: 'ndjson' });
  const second = look.say({ ask: 'export', view, format: 'ndjson' });
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  t.match(await look.session.answer(second), { fault: 'another export is under way' });
  const before = look.session.files.get(id)?.length ?? 0;
  t.ok(before < 140_000, 'it waits');
  t.ok(look.session.takeCalls().includes('pause'), 'and asks nothing meanwhile');
  look.page.tell();
  look.session.reads = Infinity;
  while (!look.session.told.some((one) => one['id'] === id)) {
    look.page.drain();
    await new Promise(setImmediate);
  }
  const answer = await look.session.answer(id);
  t.match(answer, {
    records: 3002,
    type: 'application/x-ndjson',
    bytes: look.session.files.get(id)!.length,
  });
  t.notOk('note' in answer);
  t.ok(look.session.takeCalls().includes('resume'));
  const one = await look.ask({ ask: 'export', view, format: 'ndjson', records: [5, 5, 2] });
  t.match(one, { records: 4 });
  t.match(await look.ask({ ask: 'export', view: 99, format: 'har' }), {
    fault: 'there is no view 99',
  });
  const stray = looking(t, liveStore([B.in('a')]));
  const { view: strayView } = await stray.ask({ ask: 'view', filter: {} });
  t.match(await stray.ask({ ask: 'export', view: strayView, format: 'har' }), {
    note: /^The beginning/,
  });
});

t.test('an export that fails', async (t) => {
  const lines = Array.from({ length: 20 }, () => A.in('z'.repeat(900_000)));
  const look = looking(t, liveStore([A.open(), ...lines], { memoryBytes: 64 * 1024 ** 2 }), {
    spoolDir: '/nowhere/at/all',
  });
  const { view } = await look.ask({ ask: 'view', filter: {} });
  t.match(await look.ask({ ask: 'export', view, format: 'har' }), {
    fault: /^the export has failed: cannot write a temporary file/,
  });
  t.match(
    await look.ask({ ask: 'export', view, format: 'ndjson' }),
    { records: 21 },
    'the next one works',
  );
});

t.test('a page that leaves amid everything', async (t) => {
  const look = looking(
    t,
    liveStore(Array.from({ length: 5000 }, (_, at) => A.in(`message ${at}`))),
  );
  const { view } = await look.ask({ ask: 'view', filter: { text: 'x' } });
  look.session.reads = 0;
  look.say({ ask: 'export', view, format: 'ndjson' });
  const { view: all } = await look.ask({ ask: 'view', filter: {} });
  const late = looking(t, look.store, {
    endSession: () => new Promise((resolve) => setTimeout(resolve, 5, null)),
  });
  late.session.reads = 0;
  const { view: other } = await late.ask({ ask: 'view', filter: {} });
  late.say({ ask: 'export', view: other, format: 'ndjson' });
  for (const request of [
    { ask: 'find', view: all, from: -1, text: 'nothing' },
    { ask: 'strip', buckets: 3 },
    { ask: 'view', filter: { pattern: 'y' } },
  ])
    look.say(request);
  late.say({ ask: 'end', session: 'A', code: 1000, reason: '' });
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  const told = look.session.told.length;
  const toldLate = late.session.told.length;
  look.page.close();
  late.page.close();
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.equal(look.session.told.length, told, 'it is told nothing more');
  t.equal(late.session.told.length, toldLate);
  t.equal(look.queue.size, 0, 'nothing works for it');
});

t.test('sessions are ended', async (t) => {
  const asked: unknown[] = [];
  const results = [null, 'it is closing already', new Error('no link')];
  const endSession = async (...given: unknown[]): Promise<string | null> => {
    asked.push(given);
    const result = results.shift()!;
    if (result instanceof Error) throw result;
    return result;
  };
  const store = liveStore([A.open(), B.open(), B.close()]);
  const look = looking(t, store, { endSession });
  t.match(look.session.takeNews('hello'), [{ canEndSessions: true }]);
  const end = { ask: 'end', session: 'A', code: 4000, reason: 'bye' };
  t.match(await look.ask(end), { isDone: true });
  t.match(await look.ask(end), { fault: 'it is closing already' });
  t.match(await look.ask(end), { fault: 'the session could not be ended: no link' });
  t.match(await look.ask({ ...end, session: 'B' }), { fault: 'that session is over' });
  t.match(await look.ask({ ...end, session: 'C' }), { fault: 'that session is over' });
  t.strictSame(asked, Array(3).fill(['A', 4000, 'bye']));
  t.match(await looking(t, store).ask(end), { fault: 'sessions cannot be ended here' });
});

t.test('wrong requests get a sentence', async (t) => {
  const look = looking(t, liveStore([A.open()]));
  t.match(await look.ask({ ask: 'nothing' }), { fault: /^"ask" must be/ });
  t.match(await look.ask({ ask: 'view', filter: { session: 'B' } }), {
    fault: 'that session is not kept any more',
  });
  t.match(await look.ask({ ask: 'view', filter: { pattern: '(' } }), {
    fault: /not a regular expression/,
  });
  for (const ask of ['rows', 'place', 'find'])
    t.match(await look.ask({ ask, view: 5, from: 0, count: 1, n: 1, text: 'a' }), {
      fault: 'there is no view 5',
    });
  const { view } = await look.ask({ ask: 'view', filter: {} });
  t.match(await look.ask({ ask: 'find', view, from: 0, pattern: '(' }), {
    fault: /not a regular expression/,
  });
  t.match(await look.ask({ ask: 'find', view, from: 0, text: '' }), {
    fault: 'there is nothing to find: give a text',
  });
  for (let more = 0; more < 7; more++)
    t.match(await look.ask({ ask: 'view', filter: {} }), { total: 1 });
  t.match(await look.ask({ ask: 'view', filter: {} }), {
    fault: 'a page has at most 8 views: forget one',
  });
  t.match(
    await look.ask({ ask: 'view', filter: {}, instead: view }),
    { total: 1 },
    'but one may be replaced',
  );
  look.page.receive(1, Buffer.from('x'), 0, 1);
  t.match(await look.session.answer(0), { fault: 'a request is JSON' });
  look.session.takeCalls();
  look.page.receive(2, Buffer.from('{}'), 0, 2);
  look.page.receive(1, Buffer.alloc(300_000, ' '), 0, 300_000);
  t.strictSame(look.session.takeCalls(), [
    'close 1003 requests are texts',
    'close 1009 a request is shorter',
  ]);
});

t.test('a filter that is given up', async (t) => {
  const evil = A.in(`${'a'.repeat(50)}!`);
  const look = looking(t, liveStore([A.in('a')]));
  const filter = { pattern: '^(a+)+$' };
  const { view } = await look.ask({ ask: 'view', filter });
  look.store.append(bytesOf([evil, A.in('aa')]));
  look.page.tell();
  while (look.queue.size > 0) await new Promise(setImmediate);
  look.page.tell();
  const [news] = look.session.takeNews('view').slice(-1);
  t.match(news, { view, total: 1, fault: /takes too long/ });
  t.match(await look.ask({ ask: 'view', filter }), { fault: /takes too long/ }, 'at once');
  const { view: all } = await look.ask({ ask: 'view', filter: {} });
  t.match(await look.ask({ ask: 'find', view: all, from: 0, ...filter }), {
    fault: /takes too long/,
  });
});

t.test('a fault of ours is not hidden', async (t) => {
  const look = looking(t, liveStore([A.in('a')]));
  look.store.line = () => {
    throw new TypeError('ours');
  };
  t.throws(() => look.say({ ask: 'record', n: 0 }), TypeError);
});

t.test('a file whose index is made', async (t) => {
  const file = path.join(makeTempDir(t), 'large.ndjson');
  writeFileSync(file, smallMessage('A', 'in', 1).repeat(40_000));
  const queue = new WorkQueue();
  const store = new FileStore(file, { queue, maxIndexBytes: 1000 });
  const session = new FakePageSession();
  const page = new PageSession(session, store, queue, { version: '1', spoolDir: '/' });
  t.teardown(() => {
    page.close();
    store.close();
  });
  t.match(session.takeNews('hello'), [{ source: 'file', file: { name: 'large.ndjson' } }]);
  t.match(session.takeNews('state'), [{ progress: 0 }]);
  while (queue.size > 0) await new Promise(setImmediate);
  page.tell();
  const [state] = session.takeNews('state');
  t.match(state, { fault: /more records/ });
  t.notOk('hasEnded' in state!, 'of a file there is no server that could end');
});

t.test('news of a slow page are merged', async (t) => {
  const sessions = Array.from({ length: 5000 }, (_, at) => new RecordedLines(`S${at}`));
  const store = liveStore(
    sessions.map((lines) => lines.open()),
    { memoryBytes: 64 * 1024 ** 2 },
  );
  const look = looking(t, store);
  const told = new Set<unknown>();
  const note = (): void => {
    for (const { rows } of look.session.takeNews('sessions'))
      for (const { s } of rows as { s: string }[]) told.add(s);
  };
  note();
  t.ok(told.size >= 4000, 'many at once');
  look.page.tell();
  note();
  t.equal(told.size, 5000, 'all of them, in parts');
  look.session.told.splice(0);
  look.session.reads = 0;
  const { view } = await look.ask({ ask: 'view', filter: { session: 'S7' } });
  await look.ask({ ask: 'view', filter: { session: 'S8' } });
  for (let round = 0; round < 50; round++) {
    store.append(Buffer.from(smallMessage('S7', 'in', round)));
    look.page.tell();
    while (look.queue.size > 0) await new Promise(setImmediate);
  }
  t.strictSame(look.session.told, [], 'it reads nothing, and gets nothing');
  look.session.reads = 1;
  look.page.drain();
  look.page.tell();
  t.match(look.session.takeNews('view'), [{ view, total: 51 }], 'the latest');
  look.session.reads = Infinity;
  look.page.drain();
  look.page.tell();
  t.match(look.session.takeNews('sessions'), [{ rows: [{ s: 'S7', in: { msgs: 50 } }] }]);
});

t.test('sessions that go', async (t) => {
  const store = liveStore([A.open()]);
  const look = looking(t, store);
  look.session.takeNews('sessions');
  const many = Array.from({ length: 700 }, (_, at) => new RecordedLines(`S${at}`));
  const lines = [A.close(), ...many.flatMap((one) => [one.open(), one.close()])];
  store.append(bytesOf(lines));
  while (store.index.first < store.index.end) store.index.forgetFirst();
  look.page.tell();
  t.equal(store.sessions.size, 500);
  t.match(look.session.takeNews('sessions')[0], { gone: ['A'] }, 'only those that it knew');
  look.session.takeNews('sessions');
  store.append(bytesOf([many[699]!.open({ id: 5 })]));
  look.page.tell();
  const [news] = look.session.takeNews('sessions');
  t.match(news, { rows: [{ s: 'S699', id: 5 }] });
  t.notOk('gone' in news!, 'it is there again');
});

t.test('a page is told of lines that are too long', async (t) => {
  const store = liveStore([A.in('x'.repeat(MIN_MEMORY_BYTES / 8)), A.in('one')]);
  const look = looking(t, store);
  t.match(
    look.session.told.find(({ news }) => news === 'state'),
    { tooLong: 1, maxLineBytes: MIN_MEMORY_BYTES / 8, lost: 0, records: 1 },
  );
});
