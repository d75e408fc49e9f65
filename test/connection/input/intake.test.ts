import { Buffer } from 'node:buffer';
import t from 'tap';
import type { Mode } from '../../../src/session/mode.js';
import { echoMode } from '../../../src/modes/echo.js';
import { Bench, fromClient, fromServer, modeWith } from '../../fixtures/connection-bench.js';
import { CountedTurns } from '../../fixtures/counted-turns.js';
import { type TestFrame, binaryFrame, closeFrame, textFrame } from '../../fixtures/frames.js';
import { hexOf } from '../../fixtures/hex.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';
import { NO_KEEPALIVE } from '../../fixtures/test-host.js';
import { emptyPool } from '../../fixtures/slabs.js';

const KIB = 1024;

const LARGE = binaryFrame(new Uint8Array(100 * KIB));

/** An open connection, and the turns that it shares. */
function openBench(
  turnBytes = Infinity,
  mode: Mode = echoMode,
): { bench: Bench; turns: CountedTurns } {
  const turns = new CountedTurns(turnBytes);
  const limits = { ...NO_KEEPALIVE, outputPause: 10_000_000, outputLimit: 10_000_000 };
  return { bench: new Bench(mode, { limits, turns }).open(), turns };
}

/** Until nothing waits for its turn. */
async function through({ bench, turns }: { bench: Bench; turns: CountedTurns }): Promise<void> {
  do await bench.settle();
  while (turns.waitingCount > 0);
}

t.test('while there is time a read is looked at as it comes', async (t) => {
  const { bench, turns } = openBench();
  bench.receiveFrames(LARGE);
  t.equal(bench.written(), hexOf(fromServer(LARGE)));
  t.notOk(bench.socket.isPaused);
  t.equal(turns.waitingCount, 0);
});

t.test(
  'when the turn is over the rest waits, and the client is not read until its turn',
  async (t) => {
    const { bench, turns } = openBench();
    turns.isOver = true;
    bench.receiveFrames(LARGE);
    t.equal(bench.written(), '');
    t.ok(bench.socket.isPaused);
    t.equal(turns.waitingCount, 1);
    await through({ bench, turns });
    t.equal(bench.written(), hexOf(fromServer(LARGE)));
    t.notOk(bench.socket.isPaused);
  },
);

t.test('a light read is served although the turn is over', async (t) => {
  const { bench, turns } = openBench();
  turns.isOver = true;
  bench.receiveFrames(textFrame('light'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('light'))));
  t.notOk(bench.socket.isPaused);
  // The same, of one that has read much before.
  turns.isOver = false;
  bench.receiveFrames(LARGE);
  bench.written();
  turns.isOver = true;
  bench.receiveFrames(textFrame('light'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('light'))));
  const middle = binaryFrame(new Uint8Array(2 * KIB));
  bench.receiveFrames(middle);
  t.equal(bench.written(), '', 'one of middle size waits');
  await through({ bench, turns });
  t.equal(bench.written(), hexOf(fromServer(middle)));
});

t.test('once a turn is watched, a read that would else go by unmeasured is measured', async (t) => {
  const { bench, turns } = openBench();
  const middle = binaryFrame(new Uint8Array(8 * KIB));
  const charged: number[] = [];
  t.capture(turns, 'charge', (_work: unknown, ms: number) => charged.push(ms));
  bench.receiveFrames(middle);
  t.equal(charged.length, 0);
  turns.isWatched = true;
  bench.receiveFrames(middle);
  t.equal(charged.length, 1);
  turns.isWatched = false;
  bench.receiveFrames(middle);
  t.equal(charged.length, 1);
  t.equal(bench.written(), hexOf(fromServer(middle, middle, middle)));
});

t.test('a turn that ends with the last byte: not read until its turn', async (t) => {
  const { bench, turns } = openBench(50 * KIB);
  const whole = binaryFrame(new Uint8Array(60 * KIB));
  bench.receiveFrames(whole);
  t.equal(bench.written(), hexOf(fromServer(whole)));
  t.ok(bench.socket.isPaused);
  await through({ bench, turns });
  t.notOk(bench.socket.isPaused);
});

t.test('what comes while it waits is behind what waits, and FIN behind that', async (t) => {
  const { bench, turns } = openBench();
  turns.isOver = true;
  bench.receiveFrames(LARGE);
  // TLS gives what it has deciphered.
  bench.receiveFrames(textFrame('a'));
  bench.receiveFrames(textFrame('b'), closeFrame(1000));
  bench.socket.emit('end');
  t.equal(bench.written(), '');
  await through({ bench, turns });
  const all = [LARGE, textFrame('a'), textFrame('b'), closeFrame(1000)];
  t.equal(bench.written(), hexOf(fromServer(...all)));
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closeCode: 1000 }]);
});

t.test('FIN without a Close, behind what waits', async (t) => {
  const { bench, turns } = openBench();
  turns.isOver = true;
  bench.receiveFrames(LARGE);
  bench.socket.emit('end');
  await through({ bench, turns });
  t.ok(bench.written().startsWith(hexOf(fromServer(LARGE))));
  t.ok(bench.calls().includes('end'));
});

t.test('a session that pauses: what waits, waits for it too', async (t) => {
  for (const isEarly of [true, false]) {
    let count = 0;
    const mode = modeWith({
      message: (session) => {
        if (++count === 1) session.pause();
      },
    });
    const { bench, turns } = openBench(Infinity, mode);
    // Read much before, so that it is cut into pieces.
    bench.receiveFrames(binaryFrame(new Uint8Array(4 * KIB)));
    const [session] = bench.host.opened;
    session!.resume();
    count = 0;
    const frames = Array.from({ length: 100 }, () => binaryFrame(new Uint8Array(4 * KIB)));
    turns.isOver = !isEarly;
    bench.receiveFrames(...frames);
    await through({ bench, turns });
    t.ok(count >= 1 && count < 100, `${count} of 100`);
    t.ok(bench.socket.isPaused);
    session!.resume();
    await through({ bench, turns });
    t.equal(count, 100);
    t.notOk(bench.socket.isPaused);
  }
});

t.test('one that pauses before its turn comes', async (t) => {
  let count = 0;
  const mode = modeWith({
    message: () => {
      count++;
    },
  });
  const { bench, turns } = openBench(Infinity, mode);
  const [session] = bench.host.opened;
  turns.isOver = true;
  bench.receiveFrames(LARGE);
  session!.pause();
  await through({ bench, turns });
  t.equal(count, 0);
  session!.resume();
  session!.pause();
  session!.resume();
  t.ok(bench.socket.isPaused, 'not before its turn');
  await through({ bench, turns });
  t.equal(count, 1);
  t.notOk(bench.socket.isPaused);
});

t.test('gone while it waits, however it goes', async (t) => {
  const { bench: good } = openBench();
  good.receiveFrames(LARGE);
  good.socket.emit('close');
  emptyPool(good.host.slabPool);
  t.equal(good.host.memory.bytes, 0);
  for (const [name, go] of [
    ['the socket closes', (bench: Bench) => bench.socket.emit('close')],
    [
      'it is dropped',
      (bench: Bench): void => {
        bench.connection.drop('send-timeout');
      },
    ],
    ['a reset', (bench: Bench) => bench.socket.emit('error', new Error('ECONNRESET'))],
    [
      'the server stops',
      (bench: Bench): void => {
        bench.connection.shutDown();
      },
    ],
    [
      'the mode fails',
      (bench: Bench): void => {
        bench.host.opened[0]!.fail(new Error('mode'));
      },
    ],
  ] as const) {
    const { bench, turns } = openBench();
    turns.isOver = true;
    bench.receiveFrames(LARGE);
    t.ok(bench.connection.heldBytes > 100 * KIB, 'it counts as held');
    go(bench);
    await through({ bench, turns });
    if (bench.host.closed.length === 0) bench.socket.emit('close');
    await through({ bench, turns });
    t.equal(turns.waitingCount, 0, name);
    t.equal(bench.host.ended.length, 1, name);
    emptyPool(bench.host.slabPool);
    t.equal(bench.host.memory.bytes, 0, name);
  }
});

t.test('one that ends within a read is not paused again', async (t) => {
  const { bench, turns } = openBench(16 * KIB);
  bench.receiveFrames(binaryFrame(new Uint8Array(4 * KIB)));
  await through({ bench, turns });
  bench.receiveFrames(LARGE, closeFrame(1000), LARGE, LARGE);
  await through({ bench, turns });
  t.ok(bench.written().endsWith(hexOf(fromServer(LARGE, closeFrame(1000)))));
  t.notOk(bench.socket.isPaused, 'its FIN must come');
});

t.test('one whose mode drops it within a read: what is behind is nobody’s', async (t) => {
  let count = 0;
  const mode = modeWith({
    message: (session) => {
      count++;
      session.drop();
    },
  });
  const { bench, turns } = openBench(Infinity, mode);
  bench.receiveFrames(LARGE, LARGE, LARGE);
  await through({ bench, turns });
  t.equal(count, 1);
  t.equal(turns.waitingCount, 0);
  t.ok(bench.socket.destroyed);
});

t.test('the same answers, however the bytes come and the turns end', async (t) => {
  const random = new SeededRandom(14);
  for (let round = 0; round < 30; round++) {
    const frames: TestFrame[] = Array.from({ length: 20 }, () =>
      binaryFrame(random.bytes(random.below(4) === 0 ? random.below(90_000) : random.below(2000))),
    );
    const bytes = fromClient(...frames);
    const turnBytes = 1 + random.below(200_000);
    const { bench, turns } = openBench(turnBytes);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random.below(65_536));
      bench.receive(Buffer.from(bytes.subarray(at, end)));
      at = end;
      // A socket that is paused is not read, but for what TLS has deciphered.
      if (random.below(3) > 0) await through({ bench, turns });
    }
    await through({ bench, turns });
    t.equal(bench.written(), hexOf(fromServer(...frames)), `${turnBytes} bytes in a turn`);
    t.notOk(bench.socket.isPaused);
  }
});
