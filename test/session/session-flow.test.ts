import t from 'tap';
import type { SessionDeadlines } from '../../src/session/deadlines.js';
import type { SessionExtensions } from '../../src/session/session-extensions.js';
import { SessionFlow } from '../../src/session/session-flow.js';
import type { SessionTransport } from '../../src/session/session-transport.js';
import { Deferred, nextTurn } from '../fixtures/extensions.js';

/** Everything around a flow; `calls` is what was done with it. */
class Bench {
  readonly calls: string[] = [];
  isInputPaused = false;
  isReceiving = false;
  isEnding = false;
  waiting: (() => void)[] = [];
  readonly flow: SessionFlow;

  constructor(hasExtensions: boolean) {
    const extensions = hasExtensions ? (this as unknown as SessionExtensions) : null;
    const transport = this as unknown as SessionTransport;
    this.flow = new SessionFlow(extensions, transport, this as unknown as SessionDeadlines);
  }

  pauseInput(): void {
    this.isInputPaused = true;
    this.calls.push('pause');
  }

  resumeInput(): void {
    this.isInputPaused = false;
    this.calls.push('resume');
  }

  scheduleFlush(): void {
    this.calls.push('flush');
  }

  ending(): void {
    this.calls.push('deadline');
  }

  hold(): void {
    this.calls.push('hold');
  }

  release(): void {
    this.calls.push('release');
  }

  whenIdle(end: () => void): void {
    this.isEnding = true;
    this.waiting.push(end);
  }

  takeCalls(): readonly string[] {
    return this.calls.splice(0);
  }
}

t.test('without extensions the consumer decides about reading, and nothing waits', async (t) => {
  const bench = new Bench(false);
  bench.flow.pause(true);
  bench.flow.pause(true);
  t.ok(bench.flow.isPaused);
  bench.flow.pause(false);
  t.strictSame(bench.takeCalls(), ['pause', 'resume']);
  let isDone = false;
  bench.flow.whenIdle(() => {
    isDone = true;
  });
  t.ok(isDone);
  t.notOk(bench.flow.isEnding);
  t.strictSame(bench.takeCalls(), []);
});

t.test('extensions and consumer both must be able to take more', async (t) => {
  const bench = new Bench(true);
  bench.isReceiving = true;
  bench.flow.update();
  bench.flow.pause(true);
  bench.isReceiving = false;
  bench.flow.update();
  t.strictSame(bench.takeCalls(), ['pause', 'hold']);
  bench.flow.pause(false);
  t.strictSame(bench.takeCalls(), ['release', 'resume']);
});

t.test('what comes behind all messages waits for the extensions, with one deadline', async (t) => {
  const bench = new Bench(true);
  const done: string[] = [];
  bench.flow.whenIdle(() => done.push('a'));
  bench.flow.whenIdle(() => done.push('b'));
  t.ok(bench.flow.isEnding);
  t.strictSame(bench.takeCalls(), ['deadline']);
  for (const end of bench.waiting) end();
  t.strictSame(done, ['a', 'b']);
  t.strictSame(bench.takeCalls(), ['flush', 'flush']);
});

t.test('the answer to a Close waits for the consumer', async (t) => {
  const done: unknown[] = [];
  const hold = (bench: Bench, held: Deferred<undefined>, answer: () => void): void => {
    bench.flow.holdAnswer(held.promise, answer, (error) => done.push(error));
  };
  const good = new Deferred<undefined>();
  const bench = new Bench(false);
  hold(bench, good, () => done.push('answer'));
  t.ok(bench.flow.isEnding);
  t.strictSame(bench.takeCalls(), ['deadline']);
  good.resolve(undefined);
  await nextTurn();
  t.notOk(bench.flow.isEnding);

  const bad = new Deferred<undefined>();
  const defect = new Error('a defect');
  hold(bench, bad, () => done.push('never'));
  bad.reject(defect);
  await nextTurn();
  t.notOk(bench.flow.isEnding);
  t.strictSame(done, ['answer', defect]);
});

t.test('an observer can stop reading, whatever the consumer wants', async (t) => {
  const bench = new Bench(false);
  bench.flow.pauseForObserver(true);
  bench.flow.pause(true);
  bench.flow.pause(false);
  t.ok(bench.isInputPaused);
  bench.flow.pauseForObserver(false);
  t.notOk(bench.isInputPaused);
});

t.test('what the extensions have waits for the observer as for the consumer', async (t) => {
  const { flow, calls } = new Bench(true);
  const held = (): readonly string[] =>
    calls.splice(0).filter((call) => call === 'hold' || call === 'release');
  flow.pauseForObserver(true);
  t.strictSame(held(), ['hold']);
  flow.pause(true);
  flow.pause(false);
  t.ok(flow.isPaused);
  t.notOk(held().includes('release'), 'the consumer does not let go what the observer holds');
  flow.pauseForObserver(false);
  t.strictSame(held(), ['release']);
  t.notOk(flow.isPaused);
});
