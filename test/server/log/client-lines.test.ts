import t, { type Test } from 'tap';
import { ClientLines, WINDOW_MS } from '../../../src/server/log/client-lines.js';
import { KeptLog } from '../../fixtures/kept-log.js';

const A = '192.0.2.1';
const B = '192.0.2.2';

/** Lines at a rate of 10 a second, and a clock that stands still. */
class Bench {
  readonly log = new KeptLog();
  readonly lines: ClientLines;
  nowMs = 5000;
  /** Null when nothing waits. */
  timer: { readonly run: () => void; readonly ms: number } | null = null;
  /** How often fields were made. */
  made = 0;

  constructor(t: Test, maxLogRate = 10) {
    t.intercept(performance, 'now', { value: () => this.nowMs });
    t.intercept(globalThis, 'setTimeout', {
      value: (run: () => void, ms: number) => {
        this.timer = { run, ms };
        return { unref: () => this };
      },
    });
    t.intercept(globalThis, 'clearTimeout', {
      value: () => {
        this.timer = null;
      },
    });
    this.lines = new ClientLines(this.log, maxLogRate);
  }

  write(count: number, address = A, message = 'session ended', rule: string | null = null): void {
    for (let index = 0; index < count; index++)
      this.lines.write('info', address, message, () => ({ number: this.made++ }), rule);
  }

  get written(): number {
    return this.log.lines.length;
  }
}

t.test('one address has a second’s worth at once, and a tenth of the rate after it', async (t) => {
  const bench = new Bench(t);
  bench.write(10);
  t.equal(bench.written, 10);
  bench.write(1000);
  t.equal(bench.written, 10, 'one past it');
  t.equal(bench.made, 10, 'and no fields are made for it');
  bench.nowMs += 999;
  bench.write(1);
  t.equal(bench.written, 10);
  bench.nowMs += 1;
  bench.write(2);
  t.equal(bench.written, 11);
  t.equal(bench.lines.leftOut.info, 1002);
});

t.test('a flood from one address hides no line of another', async (t) => {
  const bench = new Bench(t);
  bench.write(100_000, A);
  bench.write(1, B);
  t.equal(bench.written, 11);
});

t.test('all addresses have ten seconds’ worth at once, and the rate after it', async (t) => {
  const bench = new Bench(t);
  for (let index = 0; index < 5000; index++) bench.write(1, `198.51.${index >> 8}.${index & 255}`);
  t.equal(bench.written, 100);
  bench.nowMs += 1000;
  for (let index = 0; index < 5000; index++) bench.write(1, `203.0.${index >> 8}.${index & 255}`);
  t.equal(bench.written, 110);
});

t.test('the addresses of an IPv6 network are one', async (t) => {
  const bench = new Bench(t);
  for (let index = 0; index < 100; index++) bench.write(1, `2001:db8::${index.toString(16)}`);
  t.equal(bench.written, 10);
});

t.test('the first line of its kind is always written', async (t) => {
  const bench = new Bench(t);
  bench.write(1000);
  bench.write(2, A, 'handshake refused: origin not allowed', 'origin');
  bench.write(2, A, 'session ended', 'pong-timeout');
  t.strictSame(
    bench.log.lines.slice(10).map(({ message }) => message),
    ['handshake refused: origin not allowed', 'session ended'],
  );
  // In the next window again.
  bench.nowMs += WINDOW_MS;
  bench.log.lines.length = 0;
  bench.write(1000, B);
  bench.write(1, B, 'session ended', 'pong-timeout');
  t.equal(bench.log.find('session ended').length, 11);
});

t.test('each level has the rate for itself', async (t) => {
  const bench = new Bench(t);
  bench.write(1000);
  for (let index = 0; index < 20; index++)
    bench.lines.write('error', A, 'session ended by an internal error', () => ({}));
  t.equal(bench.log.find('session ended by an internal error').length, 10);
  t.strictSame(bench.lines.leftOut, { debug: 0, info: 990, warn: 0, error: 10 });
});

t.test('what was left out is told once, with who it was', async (t) => {
  const bench = new Bench(t);
  bench.write(1010, A, 'session ended', 'message-too-big');
  for (const [count, address] of [
    [40, B],
    [30, '192.0.2.3'],
    [20, '192.0.2.4'],
    [5, '192.0.2.5'],
  ] as const)
    bench.write(count, address, 'session ended', 'message-too-big');
  t.equal(bench.timer!.ms, WINDOW_MS);
  bench.nowMs += WINDOW_MS;
  bench.log.lines.length = 0;
  bench.timer!.run();
  t.strictSame(bench.log.lines, [
    {
      level: 'info',
      message: 'more like this: session ended',
      fields: {
        rule: 'message-too-big',
        lines: 1060,
        seconds: 10,
        addresses: 4,
        from: { [A]: 1000, [B]: 30, '192.0.2.3': 20 },
      },
    },
  ]);
  t.equal(bench.timer, null);
  bench.lines.tell();
  t.equal(bench.written, 1, 'nothing is told twice');
});

t.test('a window that nobody ends is ended by the next line', async (t) => {
  const bench = new Bench(t);
  bench.write(11);
  bench.nowMs += WINDOW_MS + 2400;
  bench.write(1, B);
  t.match(bench.log.lines.slice(-2), [
    { message: 'more like this: session ended', fields: { lines: 1, seconds: 12 } },
    { message: 'session ended' },
  ]);
});

t.test('the timer waits for the rest of the window, and no less than for a turn', async (t) => {
  const bench = new Bench(t);
  bench.nowMs += WINDOW_MS - 300;
  bench.write(11);
  t.equal(bench.timer!.ms, 300);
});

t.test('memory has a bound: kinds and addresses beyond it are counted together', async (t) => {
  const bench = new Bench(t);
  for (let kind = 0; kind < 100; kind++) bench.write(2, A, `kind ${kind}`);
  for (let index = 0; index < 10_000; index++)
    bench.write(1, `198.51.${index >> 8}.${index & 255}`, 'kind 1');
  bench.log.lines.length = 0;
  bench.lines.tell();
  const others = bench.log.find('more like this: lines of other kinds');
  t.match(others, [{ fields: { lines: 72, from: { [A]: 72 } } }]);
  const [one] = bench.log.find('more like this: kind 1');
  const { lines, addresses, elsewhere } = one!.fields as Record<string, number>;
  t.equal(addresses! + elsewhere!, lines);
  t.ok(addresses! <= 4096);
  t.equal(bench.log.lines.length, 64 - 4 + 1, 'the first kinds had room at all levels');
});

t.test('without a bound everything is written', async (t) => {
  const bench = new Bench(t, 0);
  bench.write(5000);
  t.equal(bench.written, 5000);
  bench.lines.tell();
  t.equal(bench.written, 5000);
});

t.test('a level that is not written counts nothing', async (t) => {
  const log = Object.assign(new KeptLog(), {
    isLevelEnabled: (level: string) => level !== 'debug',
  });
  const lines = new ClientLines(log, 1);
  for (let index = 0; index < 100; index++) lines.write('debug', A, 'session opened', () => ({}));
  lines.tell();
  t.strictSame(log.lines, []);
  t.equal(lines.leftOut.debug, 0);
  lines.write('info', A, 'session ended', () => ({}));
  t.equal(log.lines.length, 1);
});

t.test('long fields are cut', async (t) => {
  const bench = new Bench(t);
  bench.lines.write('info', A, 'session ended', () => ({ path: `/${'a'.repeat(8000)}` }));
  t.equal(bench.log.lines[0]!.fields['path'], `/${'a'.repeat(255)}... (8001 characters)`);
});
