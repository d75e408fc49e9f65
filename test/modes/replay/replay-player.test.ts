import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type ReplayOptions, ReplayPlayer } from '../../../src/modes/replay/replay-player.js';
import type { ReplaySession } from '../../../src/recording/replay/replay-index.js';
import type { MessageStep, ReplayStep } from '../../../src/recording/replay/replay-script.js';
import type { SendResult } from '../../../src/session/session.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { eventually } from '../../fixtures/within.js';

/** Takes pieces as well. */
class PieceSession extends FakeSession {
  override sendChunkRange(
    opcode = 0,
    data: string | Uint8Array = '',
    start = 0,
    end = 0,
    isFirst = false,
    isLast = false,
  ): SendResult {
    const text = Buffer.from(data).subarray(start, end).toString();
    this.calls.push(`piece ${opcode} ${isFirst ? 'F' : '-'}${isLast ? 'L' : '-'} ${text}`);
    return this.canSend ? 'sent' : 'wait';
  }

  override sendRange(opcode: number, bytes: Uint8Array): SendResult {
    this.calls.push(`send ${opcode} ${Buffer.from(bytes).toString()}`);
    return this.canSend ? 'sent' : 'wait';
  }
}

function message(
  dir: 'in' | 'out',
  text: string | Uint8Array,
  fields: Partial<MessageStep> = {},
): MessageStep {
  const payload = Buffer.from(text);
  return {
    kind: 'message',
    t: 1000,
    dir,
    opcode: 1,
    lengthBytes: payload.length,
    payload,
    isFirst: true,
    isLast: true,
    ...fields,
  };
}

const FIRST = { isLast: false };
const MIDDLE = { isFirst: false, isLast: false };
const LAST = { isFirst: false };

/** Time that a test never waits for. */
const LONG = 1e6;

interface Client {
  /** Sends a message, or pieces of one. */
  send(...pieces: string[]): Promise<void>;
  begin(text: string): Promise<void>;
  end(text: string): Promise<void>;
  close(): Promise<void>;
}

interface Stage {
  readonly session: PieceSession;
  readonly log: KeptLog;
  readonly player: ReplayPlayer;
  readonly client: Client;
  /** How often the script was closed. */
  closings(): number;
  /** What was done with the session by now. */
  calls(): Promise<readonly string[]>;
  counts(): unknown;
}

/** @param batches what the script reads at a time */
function stage(
  batches: readonly (readonly ReplayStep[])[],
  options: Partial<ReplayOptions> = {},
): Stage {
  const session = new PieceSession();
  const log = new KeptLog();
  const rest = [...batches];
  let closings = 0;
  const script = {
    startTime: 1000,
    heldBytes: 1,
    read: async (): Promise<readonly ReplayStep[] | null> => {
      await turn();
      return rest.shift() ?? null;
    },
    close: async (): Promise<void> => {
      closings++;
      await turn();
    },
  };
  const all = batches.flat().filter((step) => step.kind === 'message');
  const countOf = (dir: string): number =>
    all.filter((step) => step.dir === dir && step.isFirst).length;
  const recorded = {
    s: 'S1',
    id: null,
    cutOut: 0,
    messages: { in: countOf('in'), out: countOf('out') },
  } as unknown as ReplaySession;
  const player = new ReplayPlayer(session, script, recorded, {
    speed: 0,
    isStrict: false,
    log,
    ...options,
  });
  player.start();
  const settle = async (): Promise<void> => {
    for (let count = 0; count < 10; count++) await turn();
  };
  const piece = (text: string, isFirst: boolean, isLast: boolean, opcode: 1 | 2 = 1): void => {
    player.receive(opcode, Buffer.from(text), isFirst, isLast);
  };
  const client: Client = {
    async send(...pieces) {
      for (const [index, text] of pieces.entries())
        piece(text, index === 0, index === pieces.length - 1);
      await settle();
    },
    async begin(text) {
      piece(text, true, false);
      await settle();
    },
    async end(text) {
      piece(text, false, true);
      await settle();
    },
    async close() {
      await player.clientClosed();
      await settle();
    },
  };
  return {
    session,
    log,
    player,
    client,
    closings: () => closings,
    async calls() {
      await settle();
      return session.takeCalls();
    },
    counts() {
      player.stop();
      return session.notes['replay'];
    },
  };
}

const warnings = ({ log }: Stage): readonly string[] =>
  log.lines.filter(({ level }) => level === 'warn').map((line) => line.message);

t.test('what the server said, after what the client said', async (t) => {
  const one = stage([
    [message('out', 'hello')],
    [message('in', 'a'), message('out', 'A'), message('out', 'AA', { opcode: 2 })],
    [message('in', 'b'), message('in', 'c'), message('out', 'C')],
  ]);
  t.strictSame(await one.calls(), ['send 1 hello']);
  await one.client.send('a');
  t.strictSame(await one.calls(), ['send 1 A', 'send 2 AA']);
  await one.client.send('b');
  t.strictSame(await one.calls(), []);
  await one.client.send('c');
  t.strictSame(await one.calls(), ['send 1 C']);
  await one.client.close();
  t.strictSame(await one.calls(), []);
  t.strictSame(one.log.lines, []);
  t.equal(one.closings(), 1);
  t.strictSame(one.counts(), { session: 'S1', steps: 7, total: 7, mismatches: 0 });
  one.player.receive(1, Buffer.from('late'), true, true);
  t.strictSame(await one.calls(), []);
});

t.test('a client that is faster is matched in order', async (t) => {
  const one = stage([
    [message('in', 'a'), message('out', 'A')],
    [message('in', 'b'), message('out', 'B')],
  ]);
  void one.client.send('a');
  void one.client.send('b');
  await one.client.close();
  t.strictSame(await one.calls(), ['send 1 A', 'send 1 B']);
  t.strictSame(warnings(one), []);
});

t.test('pieces, wherever their borders are', async (t) => {
  for (const pieces of [
    ['hello, world'],
    ['hello', ', world'],
    ['h', '', 'ello, worl', 'd', ''],
    ['', 'hello, world'],
  ]) {
    for (const parts of [
      [message('in', 'hello, world')],
      [message('in', 'hel', FIRST), message('in', 'lo, w', MIDDLE), message('in', 'orld', LAST)],
      [message('in', '', FIRST), message('in', 'hello, world', MIDDLE), message('in', '', LAST)],
    ]) {
      const one = stage([[...parts, message('in', 'next'), message('out', 'done')]]);
      await one.client.send(...pieces);
      await one.client.send('next');
      t.strictSame(await one.calls(), ['send 1 done']);
      t.strictSame(warnings(one), []);
      t.strictSame(one.counts(), { session: 'S1', steps: 3, total: 3, mismatches: 0 });
    }
  }
});

t.test('a server that spoke inside a message', async (t) => {
  const one = stage([
    [message('in', 'abc', FIRST), message('out', '1', FIRST), message('in', 'def', LAST)],
    [message('out', '2', MIDDLE), message('out', '3', LAST), message('out', '')],
  ]);
  await one.client.begin('ab');
  t.strictSame(await one.calls(), []);
  await one.client.end('cdef');
  t.strictSame(await one.calls(), ['piece 1 F- 1', 'piece 1 -- 2', 'piece 1 -L 3', 'send 1 ']);
  t.strictSame(one.counts(), { session: 'S1', steps: 3, total: 3, mismatches: 0 });
});

t.test('what differs is told, and the replay goes on', async (t) => {
  const one = stage([
    [message('in', 'hello'), message('in', 'hello'), message('in', 'hel', FIRST)],
    [message('out', 'between'), message('in', 'lo', LAST), message('in', '')],
    [message('in', 'x', { opcode: 2 }), message('in', '', { opcode: 2 }), message('in', 'same')],
    [message('out', 'end')],
  ]);
  for (const text of ['help!', 'hell', 'he', 'much more than that', '', '1', 'same', 'more', 'on'])
    await one.client.send(text);
  t.strictSame(await one.calls(), ['send 1 between', 'send 1 end']);
  t.strictSame(warnings(one), [
    'message 1 is not the recorded one: byte 3 differs',
    'message 2 is not the recorded one: length 4 instead of 5',
    'message 3 is not the recorded one: length 2 instead of 5',
    'message 4 is not the recorded one: length 19 instead of 0',
    'message 5 is not the recorded one: opcode 1 instead of 2, length 0 instead of 1',
    'message 6 is not the recorded one: opcode 1 instead of 2, length 1 instead of 0',
    'message 8 is not in the recording',
    'message 9 is not in the recording',
  ]);
  t.strictSame(one.counts(), { session: 'S1', steps: 9, total: 9, mismatches: 8 });
});

t.test('a strict replay closes', async (t) => {
  const strict = { isStrict: true };
  const differs = stage([[message('in', 'a'), message('in', 'b'), message('out', 'B')]], strict);
  await differs.client.send('a');
  t.strictSame(await differs.calls(), []);
  await differs.client.send('x');
  const sentence = 'message 2 is not the recorded one: byte 0 differs';
  t.strictSame(await differs.calls(), [`close 1008 ${sentence}`]);
  t.strictSame(warnings(differs), [sentence]);
  t.equal(differs.closings(), 1);
  const more = stage([[message('in', 'a')]], strict);
  await more.client.send('a');
  await more.client.send('b', 'c');
  t.strictSame(await more.calls(), ['close 1008 message 2 is not in the recording']);
});

t.test('payloads that are cut', async (t) => {
  const one = stage([
    [message('in', 'hel', { lengthBytes: 5 }), message('in', 'hel', { lengthBytes: 5 })],
    [message('out', 'hel', { lengthBytes: 5 })],
    [message('out', Buffer.from('h\u00e9').subarray(0, 2), { lengthBytes: 5 })],
    [message('out', 'he', { lengthBytes: 5, opcode: 2 })],
  ]);
  await one.client.send('hello');
  await one.client.send('hel', 'p');
  t.strictSame(await one.calls(), ['send 1 hel', 'send 1 h', 'send 2 he']);
  t.strictSame(warnings(one), ['message 2 is not the recorded one: length 4 instead of 5']);
});

t.test('a message whose end is not in the recording', async (t) => {
  const one = stage([[message('in', 'hel', FIRST)]]);
  await one.client.begin('hello');
  await one.client.end(' world');
  t.strictSame(warnings(one), []);
  await one.client.send('more');
  t.strictSame(warnings(one), ['message 2 is not in the recording']);
});

// ---- The end

const serverClose = { kind: 'server-close', t: 1000, code: 4000, reason: 'bye' } as const;

t.test('the server closed', async (t) => {
  const one = stage([[message('in', 'a'), serverClose]]);
  t.strictSame(await one.calls(), []);
  await one.client.send('a');
  t.strictSame(await one.calls(), ['close 4000 bye']);
  t.equal(one.closings(), 1);
  const faster = stage([[message('in', 'a'), serverClose]]);
  void faster.client.send('a');
  await faster.client.close();
  t.strictSame(await faster.calls(), [], 'a client that was faster gets its own code back');
});

t.test('the client closed, and closes again', async (t) => {
  const close = { kind: 'client-close', t: 1000 } as const;
  const one = stage([[message('in', 'a'), close, message('out', 'the rest')]]);
  await one.client.send('a');
  t.strictSame(await one.calls(), []);
  await one.client.send('b');
  t.strictSame(warnings(one), ['message 2 is not in the recording']);
  await one.client.close();
  t.strictSame(await one.calls(), ['send 1 the rest']);
});

t.test(
  'a client that closes early gets the answers, and nothing that came much later',
  async (t) => {
    const one = stage(
      [
        [message('in', 'a', { t: 1000 + LONG }), message('out', 'A', { t: 1001 + LONG })],
        [message('out', 'a tick', { t: 1001.5 + LONG }), message('in', 'b')],
      ],
      { speed: 1 },
    );
    void one.client.send('a');
    await one.client.close();
    t.strictSame(await one.calls(), ['send 1 A']);
    t.match(one.log.lines, [
      {
        level: 'debug',
        message: 'the client closed before the end of the recorded session',
        fields: { steps: 2, total: 4 },
      },
    ]);
    t.equal(one.closings(), 1);
  },
);

t.test('a client that closes while its next message is awaited', async (t) => {
  const one = stage([[message('in', 'a'), message('in', 'b'), message('out', 'B')]]);
  await one.client.send('a');
  await one.client.close();
  t.strictSame(await one.calls(), []);
  t.match(one.log.lines, [{ level: 'debug', fields: { steps: 1, total: 3 } }]);
});

t.test('a client that is gone, whatever is waited for', async (t) => {
  for (const [name, steps] of [
    ['a message', [message('in', 'a')]],
    ['its time', [message('out', 'late', { t: 1000 + LONG })]],
    ['the time of a Close', [{ ...serverClose, t: 1000 + LONG }]],
    ['a Close', []],
  ] as const) {
    const one = stage([steps], { speed: 1 });
    await one.calls();
    one.player.stop();
    t.strictSame(await one.calls(), [], name);
    t.ok(one.closings() > 0, name);
    t.strictSame(one.log.lines, []);
  }
  const early = stage([[message('out', 'hello')]]);
  early.player.stop();
  t.strictSame(await early.calls(), [], 'before anything was read');
});

t.test('what goes wrong ends the session', async (t) => {
  const session = new PieceSession();
  const script = {
    startTime: 1000,
    heldBytes: 1,
    read: async (): Promise<never> => {
      await turn();
      throw new Error('EIO');
    },
    close: turn,
  };
  const recorded = { s: 'S1', id: null, cutOut: 0, messages: { in: 0, out: 0 } };
  const options = { speed: 0, isStrict: false, log: new KeptLog() };
  const player = new ReplayPlayer(session, script, recorded as unknown as ReplaySession, options);
  player.start();
  await eventually(() => session.calls.length > 0, 'the failure');
  t.strictSame(session.takeCalls(), ['fail Error: EIO']);
  const other = new ReplayPlayer(session, script, recorded as unknown as ReplaySession, options);
  other.start();
  other.stop();
  await other.clientClosed();
  t.strictSame(session.calls, [], 'nobody is there any more');
});

// ---- Time, and slow clients

async function timed(t: Test, speed: number): Promise<void> {
  const one = stage(
    [
      [message('out', '1', { t: 1000.002 }), message('in', 'a', { t: 1000.5 })],
      [message('out', '2', { t: 1000.503 }), message('out', '3', { t: 1000.2 })],
    ],
    { speed },
  );
  await eventually(() => one.session.calls.length === 1, 'the first message');
  await one.client.send('a');
  await eventually(() => one.session.calls.length === 3, 'the others');
  t.strictSame(await one.calls(), ['send 1 1', 'send 1 2', 'send 1 3']);
}

t.test('in time, and faster', async (t) => {
  await timed(t, 0.1);
  await timed(t, 1);
  await timed(t, 1000);
});

t.test('a message that comes while another one is waited for does not end the wait', async (t) => {
  const one = stage([[message('out', 'late', { t: 1000 + LONG }), message('in', 'a')]], {
    speed: 1,
  });
  await one.client.send('a');
  t.strictSame(await one.calls(), []);
  one.player.stop();
});

t.test('times are longer than a timer can count', async (t) => {
  const one = stage([[message('out', 'late', { t: 1e11 })]], { speed: 0.001 });
  t.strictSame(await one.calls(), []);
  one.player.stop();
});

t.test('a client that does not read', async (t) => {
  const one = stage([[message('out', '1'), message('out', '2'), message('in', 'a')]]);
  one.session.canSend = false;
  t.strictSame(await one.calls(), ['send 1 1']);
  await one.client.send('a');
  t.strictSame(await one.calls(), [], 'something else has happened');
  one.player.resume();
  t.strictSame(await one.calls(), ['send 1 2']);
  one.player.stop();
  const gone = stage([[message('out', '1'), message('out', '2')]]);
  gone.session.canSend = false;
  await gone.calls();
  gone.player.stop();
  t.strictSame(await gone.calls(), []);
});

t.test('a client that sends much too early is not read', async (t) => {
  const half = 'x'.repeat(150_000);
  const one = stage([
    [message('out', '1'), message('out', '2'), message('in', half), message('in', half)],
    [message('in', half)],
  ]);
  one.session.canSend = false;
  await one.calls();
  await one.client.send(half);
  t.strictSame(await one.calls(), []);
  await one.client.send(half);
  await one.client.send(half);
  t.strictSame(await one.calls(), ['pause']);
  one.session.canSend = true;
  one.player.resume();
  t.strictSame(await one.calls(), ['send 1 2', 'resume']);
  t.strictSame(warnings(one), []);
  const strict = stage([[message('out', '1'), message('out', '2'), message('in', 'a')]], {
    isStrict: true,
  });
  strict.session.canSend = false;
  await strict.calls();
  await strict.client.send(half, half);
  t.strictSame(await strict.calls(), ['pause']);
  strict.player.resume();
  t.strictSame(await strict.calls(), [
    'send 1 2',
    'resume',
    'close 1008 message 1 is not the recorded one: length 300000 instead of 1, byte 0 differs',
  ]);
});
