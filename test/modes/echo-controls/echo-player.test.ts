import { Buffer } from 'node:buffer';
import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { type HeavyWork, Turns } from '../../../src/budget/turns.js';
import {
  EchoPlayer,
  MOST_WAITING,
  MOST_WAITING_BYTES,
} from '../../../src/modes/echo-controls/echo-player.js';
import { parseControls } from '../../../src/modes/echo-controls/parse-controls.js';
import { BREAK_NAMES, brokenRule } from '../../../src/protocol/break/broken-rules.js';
import { brokenBytes } from '../../../src/protocol/break/broken-bytes.js';
import type { RawOutput } from '../../../src/session/raw-output.js';
import type { ModeSession, SendResult } from '../../../src/session/session.js';
import { FakeTicker } from '../../fixtures/fake-ticker.js';
import { hexOf } from '../../fixtures/hex.js';

/** A session, its way past the rules, and a clock. */
class World {
  readonly ticker = new FakeTicker();
  readonly memory = new MemoryAccount(1e9);
  readonly calls: string[] = [];
  readonly player: EchoPlayer;
  /** What `send` answers. */
  result: SendResult = 'sent';
  chance = 0.5;
  /** All sessions together have had the time of this turn. */
  isTurnOver = false;
  readonly parked: HeavyWork[] = [];

  constructor(query: string, info: string | null = null) {
    this.player = new EchoPlayer(this as unknown as ModeSession, {
      controls: parseControls(query)!,
      info,
      memory: this.memory,
      ticker: this.ticker,
      turns: {
        servedUs: 7,
        spend: () => this.isTurnOver,
        add: (work) => this.parked.push(work),
      },
      chance: () => this.chance,
    });
  }

  start(): this {
    this.player.start(this as unknown as RawOutput);
    return this;
  }

  receive(text: string): void {
    // Whoever reads uses its buffer again.
    const bytes = Buffer.from(text);
    this.player.receive(1, bytes);
    bytes.fill('x');
  }

  sendRange(opcode: number, bytes: Uint8Array): SendResult {
    this.calls.push(`${opcode} ${Buffer.from(bytes).toString()}`);
    return this.result;
  }

  sendChunkRange(
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult {
    const marks = `${isFirst ? '[' : ''}${Buffer.from(bytes.subarray(start, end)).toString()}${isLast ? ']' : ''}`;
    this.calls.push(`${opcode} ${marks}`);
    return this.result;
  }

  ping(): boolean {
    this.calls.push('ping');
    return true;
  }

  close(code: number, reason: string): void {
    this.calls.push(`close ${code} ${reason}`.trim());
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }

  send(bytes: Uint8Array, close: object | null): void {
    this.calls.push(`raw ${hexOf(bytes.subarray(0, 8))}${close === null ? '' : ' close'}`);
  }

  end(): void {
    this.calls.push('end');
  }

  reset(): void {
    this.calls.push('reset');
  }

  withholdPongs(): void {
    this.calls.push('no pongs');
  }

  taken(): string[] {
    return this.calls.splice(0);
  }
}

t.test('a message comes back when its delay has passed, and in its order', async (t) => {
  const world = new World('delay=200ms').start();
  world.receive('a');
  world.ticker.pass(100);
  world.receive('b');
  t.strictSame(world.taken(), []);
  world.ticker.pass(100);
  t.strictSame(world.taken(), ['1 a']);
  t.equal(world.ticker.waiting, 1, 'one timer');
  world.ticker.pass(100);
  t.strictSame(world.taken(), ['1 b']);
  t.equal(world.ticker.waiting, 0, 'none where nothing waits');
  t.equal(world.player.heldBytes, 0);
});

t.test('jitter never turns messages round', async (t) => {
  const world = new World('delay=100ms&jitter=100ms').start();
  world.chance = 1;
  world.receive('late');
  world.chance = 0;
  world.receive('early');
  world.ticker.pass(199);
  t.strictSame(world.taken(), []);
  world.ticker.pass(2);
  t.strictSame(world.taken(), ['1 late', '1 early']);
});

t.test('a throttle counts bytes, and cuts messages', async (t) => {
  const world = new World('throttle=100').start();
  world.receive('0123456789abcdefghijKLMNO');
  t.strictSame(world.taken(), ['1 [0123456789', '1 abcdefghij'], 'what was saved up before');
  world.ticker.pass(99);
  t.strictSame(world.taken(), []);
  world.ticker.pass(2);
  t.strictSame(world.taken(), ['1 KLMNO]']);
  world.receive('x');
  t.strictSame(world.taken(), []);
  world.ticker.pass(50);
  t.strictSame(world.taken(), ['1 x']);
});

t.test('a throttle of one byte, and an empty message', async (t) => {
  const world = new World('throttle=1').start();
  world.receive('ab');
  world.receive('');
  world.ticker.pass(950);
  t.strictSame(world.taken(), ['1 [a', '1 b]']);
  world.ticker.pass(1000);
  t.strictSame(world.taken(), ['1 ']);
});

t.test('fragments and bursts', async (t) => {
  const world = new World('fragment=2&burst=2').start();
  world.receive('abc');
  world.receive('d');
  t.strictSame(world.taken(), ['1 [ab', '1 c]', '1 [ab', '1 c]', '1 d', '1 d']);
  t.equal(world.player.heldBytes, 0);
});

t.test('the slower one of throttle and fragment', async (t) => {
  const world = new World('throttle=1k&fragment=3').start();
  world.receive('abcd');
  t.strictSame(world.taken(), ['1 [abc', '1 d]']);
});

t.test('one turn has a bounded number of pieces', async (t) => {
  const world = new World('burst=1000').start();
  for (let count = 0; count < 3; count++) world.receive('a');
  t.ok(world.taken().length <= 3 * 1024);
  const slow = new World('fragment=1').start();
  slow.receive('a'.repeat(3000));
  t.equal(slow.taken().length, 1024);
  slow.ticker.pass(1);
  t.equal(slow.taken().length, 1024);
  slow.ticker.pass(5);
  t.equal(slow.taken().length, 952);
});

t.test('a client that does not read is waited for', async (t) => {
  const world = new World('burst=3').start();
  world.result = 'wait';
  world.receive('a');
  t.strictSame(world.taken(), ['1 a']);
  world.ticker.pass(1000);
  t.strictSame(world.taken(), []);
  t.equal(world.ticker.waiting, 0);
  world.result = 'sent';
  world.player.drained();
  t.strictSame(world.taken(), ['1 a', '1 a']);
});

t.test('a session that takes nothing more', async (t) => {
  const world = new World('delay=1s').start();
  world.receive('a');
  world.receive('b');
  world.result = 'closed';
  world.ticker.pass(1000);
  t.strictSame(world.taken(), ['1 a']);
  t.equal(world.player.heldBytes, 0);
  world.receive('late');
  world.player.drained();
  t.equal(world.ticker.waiting, 0);
  t.strictSame(world.taken(), []);
});

t.test('what waits is bounded in bytes, and charged', async (t) => {
  const world = new World('delay=1m').start();
  const mebibyte = 'm'.repeat(1024 ** 2);
  for (let count = 0; count < 4; count++) world.receive(mebibyte);
  t.strictSame(world.taken(), ['pause']);
  t.ok(world.player.heldBytes > MOST_WAITING_BYTES);
  t.equal(world.memory.bytes, world.player.heldBytes);
  world.ticker.pass(60_000);
  t.strictSame(
    world.taken().map((call) => call.slice(0, 6)),
    ['1 mmmm', '1 mmmm', '1 mmmm', '1 mmmm', 'resume'],
  );
  t.equal(world.memory.bytes, 0);
});

t.test('and in number', async (t) => {
  const world = new World('delay=1s').start();
  for (let count = 0; count < MOST_WAITING; count++) world.receive('');
  t.strictSame(world.taken(), []);
  world.receive('');
  t.strictSame(world.taken(), ['pause']);
  world.player.stop();
  t.equal(world.memory.bytes, 0);
  t.equal(world.ticker.waiting, 0);
});

t.test('mute: nothing comes back, and messages are counted', async (t) => {
  const world = new World('mute&close=1000&after=2').start();
  world.receive('a');
  t.strictSame(world.taken(), []);
  world.receive('b');
  t.strictSame(world.taken(), ['close 1000']);
});

t.test('it begins with the request, then the greeting', async (t) => {
  t.strictSame(new World('info&greeting=hi', '{}').start().taken(), ['1 {}', '1 hi']);
  t.strictSame(new World('greeting').start().taken(), ['1 hello']);
});

t.test('Pings, but none that wait', async (t) => {
  const world = new World('ping=10ms').start();
  world.ticker.pass(25);
  t.strictSame(world.taken(), ['ping', 'ping']);
  world.result = 'wait';
  world.receive('a');
  world.ticker.pass(100);
  t.strictSame(world.taken(), ['1 a']);
  world.player.drained();
  world.ticker.pass(10);
  t.strictSame(world.taken(), ['ping']);
  world.player.stop();
  t.equal(world.ticker.waiting, 0);
});

t.test('no Pongs', async (t) => {
  t.strictSame(new World('no-pong').start().taken(), ['no pongs']);
});

t.test('ends, behind the answer to the last message', async (t) => {
  const cases = [
    ['close=1008&reason=x&after=2', 'close 1008 x'],
    ['close&after=2', 'close 1005'],
    ['reset&after=2', 'reset'],
    ['end&after=2', 'end'],
  ] as const;
  for (const [query, end] of cases) {
    const world = new World(query).start();
    world.receive('a');
    t.strictSame(world.taken(), ['1 a']);
    world.receive('b');
    world.receive('late');
    t.strictSame(world.taken(), ['1 b', end]);
    t.equal(world.player.heldBytes, 0);
  }
});

t.test('at once where no number is given, and in the delay', async (t) => {
  t.strictSame(new World('close').start().taken(), ['close 1005']);
  const world = new World('delay=1s&end&after=1').start();
  world.receive('a');
  world.ticker.pass(999);
  t.strictSame(world.taken(), []);
  world.ticker.pass(1);
  t.strictSame(world.taken(), ['1 a', 'end']);
});

t.test('rules are broken once, and the echo goes on where it can', async (t) => {
  for (const rule of BREAK_NAMES) {
    const { when } = brokenRule(rule);
    const world = new World(`break=${rule}${when === 'messages' ? '&after=1' : ''}`).start();
    world.receive('a');
    world.receive('b');
    if (when !== 'messages') {
      t.strictSame(world.taken(), ['1 a', '1 b'], rule);
      continue;
    }
    const { bytes, close, isLast } = brokenBytes(rule);
    const raw = `raw ${hexOf(bytes.subarray(0, 8))}${close === null ? '' : ' close'}`;
    const after = isLast ? ['end'] : close === null ? ['1 b'] : [];
    t.strictSame(world.taken(), ['1 a', raw, ...after], rule);
  }
});

t.test('the Close of the client', async (t) => {
  const world = new World('delay=1s').start();
  world.receive('a');
  world.player.clientClosed();
  world.ticker.pass(2000);
  t.strictSame(world.taken(), [], 'what waits is dropped');
  t.equal(world.memory.bytes, 0);
  const silent = new World('break=no-close').start();
  silent.player.clientClosed();
  t.strictSame(silent.taken(), ['end']);
  const other = new World('break=frame-masked&after=9').start();
  other.player.clientClosed();
  t.strictSame(other.taken(), []);
});

t.test('before it has begun', async (t) => {
  const world = new World('break=no-close');
  world.player.clientClosed();
  world.player.stop();
  t.strictSame(world.taken(), []);
});

t.test('without an account', async (t) => {
  const sent: string[] = [];
  const session = { sendRange: () => (sent.push('sent'), 'sent') } as unknown as ModeSession;
  const player = new EchoPlayer(session, {
    controls: parseControls('burst=2')!,
    info: null,
    memory: null,
    turns: new Turns(),
    ticker: new FakeTicker(),
    chance: Math.random,
  });
  player.start({} as unknown as RawOutput);
  player.receive(2, Buffer.from('a'));
  t.equal(sent.length, 2);
});

t.test('all sessions share the time of a turn', async (t) => {
  const world = new World('fragment=1&ping=10ms').start();
  t.equal(world.player.servedUs, 7);
  world.isTurnOver = true;
  world.receive('abc');
  t.strictSame(world.taken(), ['1 [a'], 'little is done in any case');
  t.strictSame(world.parked.splice(0), [world.player]);
  world.receive('d');
  world.player.drained();
  t.strictSame([...world.taken(), ...world.parked], [], 'it waits, and only once');
  world.ticker.pass(10);
  t.strictSame(world.taken(), ['ping'], 'no timer but that of the Ping');
  world.player.work();
  t.strictSame(world.taken(), ['1 b']);
  t.strictSame(world.parked.splice(0), [world.player]);
  world.isTurnOver = false;
  world.player.work();
  t.strictSame(world.taken(), ['1 c]', '1 d']);
  world.isTurnOver = true;
  world.receive('e');
  t.strictSame([world.taken(), world.parked], [['1 e'], []], 'there is nothing to wait for');
});

t.test('a session that is over when its turn comes', async (t) => {
  const world = new World('fragment=1').start();
  world.isTurnOver = true;
  world.receive('abc');
  world.player.stop();
  t.equal(world.memory.bytes, 0);
  world.parked[0]?.work();
  t.strictSame(world.taken(), ['1 [a']);
  const gone = new World('fragment=1').start();
  gone.isTurnOver = true;
  gone.result = 'closed';
  gone.receive('abc');
  t.strictSame(gone.parked, []);
});
