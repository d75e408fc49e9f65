import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Message } from '../../src/extensions/extension.js';
import { MemoryAccount } from '../../src/budget/memory-account.js';
import { MessagePipeline, type PipelineOptions } from '../../src/extensions/pipeline.js';
import { CountedTurns } from '../fixtures/counted-turns.js';
import { Deferred, nextTurn, textMessage, textOf } from '../fixtures/extensions.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { within } from '../fixtures/within.js';

interface PipeOptions extends Partial<PipelineOptions> {
  /** How much work a turn has; by default there is no end of it. */
  readonly turnBytes?: number;
}

/** A pipeline that writes down what it does. */
class Pipe {
  readonly events: string[] = [];
  readonly memory: MemoryAccount;
  readonly pipeline: MessagePipeline;
  /** The messages that are in the transformation, by their text, until they are settled. */
  readonly pending = new Map<string, Deferred<Message>>();
  #onNextIdle: (() => void) | null = null;

  constructor(options: PipeOptions = {}) {
    const { transform, deliver, fail, onIdle } = options;
    this.memory = options.memory ?? new MemoryAccount();
    this.pipeline = new MessagePipeline({
      transform: (message) => (transform ? transform(message) : message),
      deliver: (message) => {
        this.events.push(textOf(message));
        deliver?.(message);
      },
      fail: (error) => {
        this.events.push(`fail ${error instanceof Error ? error.message : String(error)}`);
        fail?.(error);
      },
      onIdle: () => {
        this.events.push('idle');
        onIdle?.();
        this.#onNextIdle?.();
      },
      keepsPayload: options.keepsPayload ?? false,
      turns: options.turns ?? new CountedTurns(options.turnBytes),
      memory: this.memory,
      endsTurns: options.endsTurns ?? true,
    });
  }

  /** A pipeline whose messages stay in the transformation until the test settles them. */
  static slow(options: PipeOptions = {}): Pipe {
    const pipe: Pipe = new Pipe({
      transform: (message) => {
        const deferred = new Deferred<Message>();
        pipe.pending.set(textOf(message), deferred);
        return deferred.promise;
      },
      ...options,
    });
    return pipe;
  }

  push(...texts: readonly string[]): void {
    for (const text of texts) this.pipeline.push(textMessage(text));
  }

  /** Settles the message that is in the transformation, and lets what follows from it happen. */
  async settle(text: string, result = textMessage(text.toUpperCase())): Promise<void> {
    this.pending.get(text)!.resolve(result);
    this.pending.delete(text);
    await microtasks();
  }

  async reject(text: string, error: unknown): Promise<void> {
    this.pending.get(text)!.reject(error);
    this.pending.delete(text);
    await microtasks();
  }

  idle(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onNextIdle = resolve;
    });
    return within(idle, 'idle');
  }

  /** What whoever pushes sees. */
  get state(): readonly [isBusy: boolean, waitingBytes: number] {
    return [this.pipeline.isBusy, this.pipeline.waitingBytes];
  }
}

/** Promises that are settled are through; the event loop has not had a turn. */
async function microtasks(): Promise<void> {
  for (let ticks = 0; ticks < 10; ticks++) await Promise.resolve();
}

const IDLE = [false, 0];

/** What a message that waits takes beside its payload. */
const OBJECT_BYTES = 256;

t.test('at once: what is pushed is delivered when push returns', async (t) => {
  const pipe = new Pipe({
    transform: ({ payload }) => textMessage(`<${Buffer.from(payload).toString()}>`),
  });
  for (const text of ['a', '', 'c']) {
    pipe.push(text);
    t.equal(pipe.events.at(-1), `<${text}>`);
    t.strictSame(pipe.state, IDLE);
  }
  await nextTurn();
  t.strictSame(pipe.events, ['<a>', '<>', '<c>'], 'it was never busy, so it is not idle again');
});

t.test('at once: nothing is copied, unless the transformation keeps payloads', async (t) => {
  const message = textMessage('mine', 4);
  for (const keepsPayload of [false, true]) {
    let transformed: Message | null = null;
    const pipe = new Pipe({
      keepsPayload,
      transform: (given) => {
        transformed = given;
        return given;
      },
    });
    pipe.pipeline.push(message);
    t.strictSame(transformed, message, 'opcode, reserved bits and payload are as they were');
    t.equal(transformed!.payload.buffer === message.payload.buffer, !keepsPayload);
  }
});

t.test('a payload that has to wait is copied', async (t) => {
  // All messages of a read are views of one buffer, which the next read writes over.
  const read = Buffer.from('abcdef');
  for (const keepsPayload of [false, true]) {
    read.write('abcdef');
    const seen: string[] = [];
    const gates: Deferred<undefined>[] = [];
    const pipe = new Pipe({
      keepsPayload,
      transform: (message) => {
        // Who keeps payloads looks at them later.
        if (!keepsPayload) seen.push(textOf(message));
        const gate = new Deferred<undefined>();
        gates.push(gate);
        return gate.promise.then(() => {
          if (keepsPayload) seen.push(textOf(message));
          return textMessage('done');
        });
      },
    });
    for (let at = 0; at < 6; at += 2) {
      pipe.pipeline.push({ opcode: 2, rsv: 7, payload: read.subarray(at, at + 2) });
    }
    read.fill('#');
    for (let index = 0; index < 3; index++) {
      gates[index]!.resolve(undefined);
      await microtasks();
    }
    t.strictSame(seen, ['ab', 'cd', 'ef']);
    t.strictSame(pipe.events, ['done', 'done', 'done', 'idle']);
  }
});

t.test('a message that waited is the same message', async (t) => {
  const seen: Message[] = [];
  const pipe = new Pipe({
    transform: (message) => {
      seen.push(message);
      return message;
    },
  });
  pipe.pipeline.hold();
  pipe.pipeline.push({ opcode: 2, rsv: 5, payload: Buffer.from('kept') });
  pipe.pipeline.release();
  await pipe.idle();
  t.match(seen, [{ opcode: 2, rsv: 5 }]);
  t.strictSame(pipe.events, ['kept', 'idle']);
});

t.test('behind a promise: in order, one at a time, busy until all is delivered', async (t) => {
  const pipe = Pipe.slow();
  pipe.push('a');
  t.strictSame(pipe.state, [true, 1]);
  pipe.push('bb', 'ccc');
  t.strictSame(pipe.state, [true, 6]);
  t.strictSame([...pipe.pending.keys()], ['a'], 'one is in the transformation');
  await pipe.settle('a');
  t.strictSame(pipe.state, [true, 5]);
  t.strictSame([...pipe.pending.keys()], ['bb']);
  t.strictSame(pipe.events, ['A']);
  await pipe.settle('bb');
  t.strictSame(pipe.state, [true, 3]);
  await pipe.settle('ccc');
  t.strictSame(pipe.state, IDLE);
  t.strictSame(pipe.events, ['A', 'BB', 'CCC', 'idle']);
  pipe.push('d');
  t.strictSame(pipe.state, [true, 1]);
  await pipe.settle('d');
  t.strictSame(pipe.state, IDLE);
  t.strictSame(pipe.events, ['A', 'BB', 'CCC', 'idle', 'D', 'idle'], 'and idle again');
});

t.test('an empty message makes it busy as well', async (t) => {
  const pipe = Pipe.slow();
  pipe.push('');
  t.strictSame(pipe.state, [true, 0]);
  await pipe.settle('');
  t.strictSame(pipe.state, IDLE);
  t.strictSame(pipe.events, ['', 'idle']);
});

t.test('only some answer later: those behind them wait', async (t) => {
  const gate = new Deferred<Message>();
  const pipe = new Pipe({
    transform: (message) => (textOf(message) === 'slow' ? gate.promise : message),
  });
  pipe.push('a', 'slow', 'b', 'c');
  t.strictSame(pipe.events, ['a']);
  t.strictSame(pipe.state, [true, 6]);
  gate.resolve(textMessage('at last'));
  await microtasks();
  t.strictSame(pipe.events, ['a', 'at last', 'b', 'c', 'idle']);
  t.strictSame(pipe.state, IDLE);
});

t.test('the counted bytes are those that came, whatever becomes of their memory', async (t) => {
  const gate = new Deferred<Message>();
  const pipe = new Pipe({
    transform: ({ payload }) => {
      // As who works in a worker thread does.
      structuredClone(payload.buffer, { transfer: [payload.buffer as ArrayBuffer] });
      return gate.promise;
    },
    keepsPayload: true,
  });
  pipe.push('12345');
  t.strictSame(pipe.state, [true, 5]);
  gate.resolve(textMessage(''));
  await microtasks();
  t.strictSame(pipe.state, IDLE);
});

t.test('what waits is charged while it waits, and no longer', async (t) => {
  const memory = new MemoryAccount();
  const pipe = Pipe.slow({ memory });
  const held = (): readonly number[] => [pipe.pipeline.heldBytes, memory.bytes];
  pipe.push('one');
  t.strictSame(held(), [0, 0], 'one in the transformation is its own affair');
  pipe.push('three', '');
  const [first = 0, charged] = held();
  t.ok(first > 5, `${first}`);
  t.equal(charged, first);
  await pipe.settle('one');
  const [rest = 0, restCharged] = held();
  t.ok(rest > 0 && rest < first, 'an empty message takes memory as well');
  t.equal(restCharged, rest);
  await pipe.settle('three');
  t.strictSame(held(), [0, 0]);
  pipe.push('four');
  pipe.pipeline.close();
  t.strictSame(held(), [0, 0], 'what is dropped is given back');
  pipe.pipeline.close();
  t.strictSame(held(), [0, 0], 'once');

  const failing = Pipe.slow({ memory });
  failing.push('a', 'b', 'c');
  t.ok(memory.bytes > 0);
  await failing.reject('a', new Error('broken'));
  t.strictSame([failing.pipeline.heldBytes, memory.bytes], [0, 0], 'and what a fault drops');
});

t.test('state seen from inside', async (t) => {
  const states: unknown[] = [];
  const look = (where: string): void => {
    states.push([where, ...pipe.state]);
  };
  const pipe: Pipe = Pipe.slow({
    deliver: (message) => {
      look(textOf(message));
    },
    onIdle: () => {
      look('idle');
    },
  });
  pipe.push('a', 'bb');
  await pipe.settle('a');
  await pipe.settle('bb');
  t.strictSame(states, [
    ['A', true, 2],
    ['BB', true, 0],
    ['idle', false, 0],
  ]);
});

t.test('hold: nothing begins until release, which goes on in a turn of its own', async (t) => {
  const pipe = new Pipe();
  pipe.pipeline.hold();
  t.strictSame(pipe.state, IDLE, 'nothing waits yet');
  pipe.push('a', 'bb');
  t.strictSame(pipe.state, [true, 3]);
  pipe.pipeline.hold();
  await nextTurn();
  t.strictSame(pipe.events, []);
  pipe.pipeline.release();
  t.strictSame(pipe.state, [true, 3]);
  t.strictSame(pipe.events, []);
  pipe.push('c');
  t.strictSame(pipe.state, [true, 4], 'what comes now is behind what waits');
  await nextTurn();
  t.strictSame(pipe.events, ['a', 'bb', 'c', 'idle']);
  t.strictSame(pipe.state, IDLE);
  pipe.push('d');
  t.equal(pipe.events.at(-1), 'd', 'and at once again');
});

t.test('release without anything that waits, or without hold, does nothing', async (t) => {
  const pipe = new Pipe();
  pipe.pipeline.release();
  pipe.pipeline.hold();
  pipe.pipeline.release();
  pipe.pipeline.release();
  t.strictSame(pipe.state, IDLE);
  pipe.push('a');
  t.strictSame(pipe.events, ['a'], 'it is not held');
  await nextTurn();
  t.strictSame(pipe.events, ['a']);

  const slow = Pipe.slow();
  slow.push('b', 'c');
  slow.pipeline.release();
  await slow.settle('b');
  t.ok(slow.pending.has('c'), 'it does not end the turn of what waits');
});

t.test('hold again before the turn comes', async (t) => {
  const pipe = new Pipe();
  pipe.pipeline.hold();
  pipe.push('a');
  pipe.pipeline.release();
  pipe.pipeline.hold();
  await nextTurn();
  t.strictSame(pipe.events, []);
  t.strictSame(pipe.state, [true, 1]);
  pipe.pipeline.release();
  pipe.pipeline.hold();
  pipe.pipeline.release();
  await nextTurn();
  t.strictSame(pipe.events, ['a', 'idle']);
});

t.test('hold while one is in the transformation: what comes out waits for release', async (t) => {
  const pipe = Pipe.slow();
  pipe.push('a');
  pipe.pipeline.hold();
  await pipe.settle('a', textMessage('longer'));
  await nextTurn();
  t.strictSame(pipe.events, []);
  t.strictSame(pipe.state, [true, 1], 'it counts as what it was before');
  t.equal(pipe.pipeline.heldBytes, 6 + OBJECT_BYTES, 'and takes what it is now');
  t.equal(pipe.memory.bytes, pipe.pipeline.heldBytes);
  pipe.push('bb', 'c');
  t.equal(pipe.pending.size, 0, 'nothing begins before it');
  pipe.pipeline.release();
  t.strictSame(pipe.events, [], 'a turn of its own');
  await nextTurn();
  t.strictSame(pipe.events, ['longer']);
  t.strictSame(pipe.state, [true, 3]);
  t.strictSame([...pipe.pending.keys()], ['bb']);
  pipe.pipeline.hold();
  await pipe.settle('bb');
  // Held again before its turn comes.
  pipe.pipeline.release();
  pipe.pipeline.hold();
  await nextTurn();
  t.strictSame(pipe.events, ['longer']);
  pipe.pipeline.release();
  await nextTurn();
  await pipe.settle('c');
  t.strictSame(pipe.events, ['longer', 'BB', 'C', 'idle']);
  t.strictSame(pipe.state, IDLE);
  t.equal(pipe.memory.bytes, 0);
});

t.test('what came out while held is copied, unless payloads stay as they are', async (t) => {
  for (const keepsPayload of [false, true]) {
    let delivered: Message | null = null;
    const pipe = Pipe.slow({
      keepsPayload,
      deliver: (message) => {
        delivered = message;
      },
    });
    const payload = Buffer.from('shared');
    pipe.push('a');
    pipe.pipeline.hold();
    await pipe.settle('a', { opcode: 2, rsv: 3, payload });
    // As who uses one buffer for all messages does in a later turn.
    payload.fill('#');
    pipe.pipeline.release();
    await nextTurn();
    t.match(delivered, { opcode: 2, rsv: 3 });
    t.strictSame(pipe.events, [keepsPayload ? '######' : 'shared', 'idle']);
  }
});

t.test('hold inside the delivery of what was held: nothing begins', async (t) => {
  const pipe: Pipe = Pipe.slow({
    deliver: () => {
      pipe.pipeline.hold();
    },
  });
  pipe.push('a', 'b');
  pipe.pipeline.hold();
  await pipe.settle('a');
  pipe.pipeline.release();
  await nextTurn();
  t.strictSame([pipe.events, pipe.pending.size], [['A'], 0]);
  pipe.pipeline.release();
  await nextTurn();
  await pipe.settle('b');
  t.strictSame(pipe.events, ['A', 'B', 'idle']);
  t.strictSame(pipe.state, IDLE);
});

t.test('close while what came out is held: it is dropped, and its memory is free', async (t) => {
  const pipe = Pipe.slow();
  pipe.push('a', 'b');
  pipe.pipeline.hold();
  await pipe.settle('a');
  pipe.pipeline.close();
  t.strictSame([pipe.state, pipe.pipeline.heldBytes, pipe.memory.bytes], [IDLE, 0, 0]);
  pipe.pipeline.release();
  await nextTurn();
  t.strictSame(pipe.events, []);

  const released = Pipe.slow();
  released.push('a');
  released.pipeline.hold();
  await released.settle('a');
  released.pipeline.release();
  released.pipeline.close();
  await nextTurn();
  t.strictSame([released.events, released.state, released.memory.bytes], [[], IDLE, 0]);
});

t.test('an error of what is in the transformation does not wait for release', async (t) => {
  const pipe = Pipe.slow();
  pipe.push('a', 'b');
  pipe.pipeline.hold();
  await pipe.reject('a', new Error('over'));
  t.strictSame([pipe.events, pipe.state], [['fail over'], IDLE]);
  pipe.pipeline.release();
  await nextTurn();
  t.strictSame([pipe.events.length, pipe.pending.size, pipe.memory.bytes], [1, 0, 0]);

  const undelivered = Pipe.slow({
    deliver: () => {
      throw new Error('not taken');
    },
  });
  undelivered.push('a', 'b');
  undelivered.pipeline.hold();
  await undelivered.settle('a');
  undelivered.pipeline.release();
  await nextTurn();
  t.strictSame(undelivered.events, ['A', 'fail not taken']);
  t.strictSame([undelivered.state, undelivered.memory.bytes], [IDLE, 0]);
});

t.test('release while one is in the transformation: still one at a time', async (t) => {
  const pipe = Pipe.slow();
  pipe.push('a', 'b');
  pipe.pipeline.hold();
  pipe.pipeline.release();
  await nextTurn();
  t.strictSame([...pipe.pending.keys()], ['a']);
  t.strictSame(pipe.state, [true, 2]);
  await pipe.settle('a');
  t.strictSame([...pipe.pending.keys()], ['b']);
  await pipe.settle('b');
  t.strictSame(pipe.events, ['A', 'B', 'idle']);
  // The other way round: it is through before the turn comes.
  pipe.push('c', 'd');
  pipe.pipeline.hold();
  pipe.pipeline.release();
  await pipe.settle('c');
  t.strictSame([...pipe.pending.keys()], []);
  t.strictSame(pipe.state, [true, 1]);
  await nextTurn();
  await pipe.settle('d');
  t.strictSame(pipe.events, ['A', 'B', 'idle', 'C', 'D', 'idle']);
  t.strictSame(pipe.state, IDLE);
});

t.test('hold inside deliver: the message behind it waits', async (t) => {
  // At once, and with messages that waited.
  for (const isWaiting of [false, true]) {
    const pipe: Pipe = new Pipe({
      deliver: () => {
        pipe.pipeline.hold();
      },
    });
    if (isWaiting) pipe.pipeline.hold();
    pipe.push('a', 'bb', 'ccc');
    if (isWaiting) pipe.pipeline.release();
    await nextTurn();
    t.strictSame(pipe.events, ['a']);
    t.strictSame(pipe.state, [true, 5]);
    pipe.pipeline.release();
    await nextTurn();
    t.strictSame(pipe.events, ['a', 'bb']);
    t.strictSame(pipe.state, [true, 3]);
    pipe.pipeline.release();
    await nextTurn();
    t.strictSame(pipe.events, ['a', 'bb', 'ccc', 'idle']);
    t.strictSame(pipe.state, IDLE);
  }
});

t.test('hold and release inside deliver', async (t) => {
  const pipe: Pipe = new Pipe({
    deliver: () => {
      pipe.pipeline.hold();
      pipe.pipeline.release();
    },
  });
  pipe.push('a', 'b');
  t.strictSame(pipe.events, ['a', 'b'], 'with nothing that waits it changes nothing');
  pipe.pipeline.hold();
  pipe.push('c', 'd', 'e');
  pipe.pipeline.release();
  await pipe.idle();
  t.strictSame(pipe.events, ['a', 'b', 'c', 'd', 'e', 'idle']);
});

t.test('turnBytes: what is over the share of one turn waits, and others get theirs', async (t) => {
  const turns = new CountedTurns(30_000);
  const pipe = new Pipe({ turns });
  const text = 'x'.repeat(1000);
  pipe.push(...Array.from({ length: 100 }, () => text));
  t.strictSame(
    pipe.state,
    [true, 98_000],
    'a byte that comes in counts more than one that goes out',
  );
  t.equal(turns.waitingCount, 1);
  await pipe.idle();
  t.strictSame([pipe.events.length, pipe.events.at(-1), pipe.state], [101, 'idle', IDLE]);
  t.equal(turns.sliceCount, 50);
});

t.test('where others set the pace, a turn has no end', async (t) => {
  const turns = new CountedTurns(1000);
  const pipe = new Pipe({ turns, endsTurns: false });
  const text = 'x'.repeat(1000);
  pipe.push(...Array.from({ length: 100 }, () => text));
  t.strictSame([pipe.events.length, pipe.state], [100, IDLE]);
  t.ok(turns.isOver, 'but the work is counted');
});

t.test('turnBytes: other work of the same turn is between', async (t) => {
  const pipe = new Pipe({ turnBytes: 1 });
  setImmediate(() => pipe.events.push('other'));
  pipe.push('a', 'b', 'c');
  await pipe.idle();
  t.strictSame(pipe.events, ['a', 'other', 'b', 'c', 'idle']);
});

t.test('turnBytes: messages of no bytes count as well', async (t) => {
  const pipe = new Pipe({ turnBytes: 64 * 1024 });
  pipe.push(...Array.from({ length: 5000 }, () => ''));
  t.ok(pipe.pipeline.isBusy);
  t.ok(pipe.events.length < 5000);
  await pipe.idle();
  t.equal(pipe.events.length, 5001);
});

t.test('turnBytes: the size of what comes out counts', async (t) => {
  const large = { ...textMessage(''), payload: new Uint8Array(100_000) };
  const turns = new CountedTurns(100_000);
  const pipe = new Pipe({ turns, transform: () => large });
  pipe.push('a');
  t.strictSame(pipe.state, [true, 0], 'the turn is over, nothing waits');
  pipe.push('b');
  t.strictSame(pipe.state, [true, 1]);
  t.equal(pipe.events.length, 1);
  await pipe.idle();
  t.strictSame(pipe.state, IDLE);
  t.equal(pipe.events.length, 3);
  t.equal(turns.sliceCount, 2);
});

t.test('turnBytes: also where the answers come behind promises', async (t) => {
  const pipe = new Pipe({ turnBytes: 600, transform: (message) => Promise.resolve(message) });
  pipe.push('a', 'b', 'c', 'd', 'e', 'f');
  await microtasks();
  const { length } = pipe.events;
  t.ok(length > 0 && length < 6, `${length} in the first turn`);
  t.strictSame(pipe.state, [true, 6 - length]);
  await pipe.idle();
  t.strictSame(pipe.events, ['a', 'b', 'c', 'd', 'e', 'f', 'idle']);
});

t.test(
  'turnBytes: an end of the turn behind the last message is idle in the next one',
  async (t) => {
    for (const transform of [
      (message: Message) => message,
      (message: Message) => Promise.resolve(message),
    ]) {
      const pipe = new Pipe({ turnBytes: 1, transform });
      pipe.push('a');
      await microtasks();
      t.strictSame(pipe.events, ['a']);
      t.strictSame(pipe.state, [true, 0]);
      await pipe.idle();
      t.strictSame(pipe.events, ['a', 'idle']);
      t.strictSame(pipe.state, IDLE);
    }
  },
);

t.test('turnBytes and hold: held stays held', async (t) => {
  const pipe = new Pipe({ turnBytes: 1 });
  pipe.push('a', 'b');
  pipe.pipeline.hold();
  await nextTurn();
  await nextTurn();
  t.strictSame(pipe.events, ['a']);
  t.strictSame(pipe.state, [true, 1]);
  pipe.pipeline.release();
  await pipe.idle();
  t.strictSame(pipe.events, ['a', 'b', 'idle']);
});

t.test('an error at once goes to whoever pushes', async (t) => {
  const wrong = new Error('wrong');
  const throwIt = (message: Message): Message => {
    if (textOf(message) === 'bad') throw wrong;
    return message;
  };
  for (const pipe of [new Pipe({ transform: throwIt }), new Pipe({ deliver: throwIt })]) {
    pipe.push('a');
    t.throws(() => {
      pipe.push('bad');
    }, wrong);
    t.strictSame(pipe.state, IDLE);
    await nextTurn();
    t.notOk(pipe.events.some((event) => event.startsWith('fail')));
  }
});

t.test('a rejection ends it: fail once, and what waited is dropped', async (t) => {
  for (const error of [new Error('over'), 'over', undefined, null]) {
    const pipe = Pipe.slow();
    pipe.push('a', 'b', 'c');
    await pipe.settle('a');
    await pipe.reject('b', error);
    const words = error instanceof Error ? error.message : String(error);
    t.strictSame(pipe.events, ['A', `fail ${words}`]);
    t.strictSame(pipe.state, IDLE);
    pipe.push('d');
    await nextTurn();
    t.equal(pipe.pending.size, 0, 'nothing begins any more');
    t.equal(pipe.events.length, 2);
    t.strictSame(pipe.state, IDLE);
  }
});

t.test('an error of the one behind a promise goes to fail as well', async (t) => {
  const gate = new Deferred<Message>();
  const transform = (message: Message): Message | Promise<Message> => {
    if (textOf(message) === 'slow') return gate.promise;
    if (textOf(message) === 'bad') throw new Error('bad');
    return message;
  };
  const pipe = new Pipe({ transform });
  pipe.push('slow', 'a', 'bad', 'b');
  gate.resolve(textMessage('at last'));
  await microtasks();
  t.strictSame(pipe.events, ['at last', 'a', 'fail bad']);
  t.strictSame(pipe.state, IDLE);
  await nextTurn();
  t.equal(pipe.events.length, 3);
});

t.test(
  'an error of deliver or onIdle behind a promise, or in a later turn, goes to fail',
  async (t) => {
    const throwing = (): void => {
      throw new Error('not taken');
    };
    const delivering = Pipe.slow({ deliver: throwing });
    delivering.push('a', 'b');
    await delivering.settle('a');
    t.strictSame(delivering.events, ['A', 'fail not taken']);
    t.strictSame(delivering.state, IDLE);

    const idling = Pipe.slow({ onIdle: throwing });
    idling.push('a');
    await idling.settle('a');
    t.strictSame(idling.events, ['A', 'idle', 'fail not taken']);

    const held = new Pipe({ deliver: throwing });
    held.pipeline.hold();
    held.push('a', 'b');
    held.pipeline.release();
    await nextTurn();
    t.strictSame(held.events, ['a', 'fail not taken']);
    await nextTurn();
    t.equal(held.events.length, 2);
  },
);

t.test('fail may close it, and is called once', async (t) => {
  const pipe: Pipe = Pipe.slow({
    fail: () => {
      t.strictSame(pipe.state, IDLE);
      pipe.pipeline.close();
      pipe.push('late');
    },
  });
  pipe.push('a', 'b');
  await pipe.reject('a', new Error('over'));
  await nextTurn();
  t.strictSame(pipe.events, ['fail over']);
});

t.test(
  'close: what waits is dropped, what is in the transformation is not delivered',
  async (t) => {
    const settled = Pipe.slow();
    const rejected = Pipe.slow();
    for (const pipe of [settled, rejected]) {
      pipe.push('a', 'b');
      pipe.pipeline.close();
      t.strictSame(pipe.state, IDLE);
    }
    await settled.settle('a');
    await rejected.reject('a', new Error('nobody cares'));
    for (const pipe of [settled, rejected]) {
      await nextTurn();
      t.strictSame(pipe.events, []);
      t.strictSame(pipe.state, IDLE, 'nothing is counted twice');
      pipe.push('c');
      pipe.pipeline.hold();
      pipe.push('d');
      pipe.pipeline.release();
      pipe.pipeline.close();
      await nextTurn();
      t.strictSame(pipe.events, []);
      t.strictSame(pipe.state, IDLE);
      t.equal(pipe.pending.size, 0);
    }
  },
);

t.test('close before its turn comes', async (t) => {
  const held = new Pipe();
  held.pipeline.hold();
  held.push('a');
  held.pipeline.release();
  held.pipeline.close();
  const over = new Pipe({ turnBytes: 1 });
  over.push('a', 'b');
  over.pipeline.close();
  for (const pipe of [held, over]) {
    t.strictSame(pipe.state, IDLE);
    await nextTurn();
    t.strictSame(pipe.state, IDLE);
  }
  t.strictSame(held.events, []);
  t.strictSame(over.events, ['a']);
});

t.test('close inside deliver: nothing more, not even idle', async (t) => {
  const closing = (options: PipeOptions): Pipe => {
    const pipe: Pipe = Pipe.slow({
      deliver: () => {
        pipe.pipeline.close();
      },
      ...options,
    });
    return pipe;
  };
  const atOnce = (message: Message): Message => message;
  const sync = closing({ transform: atOnce });
  sync.push('A', 'B');
  const turn = closing({ transform: atOnce, turnBytes: 1 });
  turn.push('A', 'B');
  const waiting = closing({ transform: atOnce });
  waiting.pipeline.hold();
  waiting.push('A', 'B');
  waiting.pipeline.release();
  const last = closing({});
  last.push('a');
  await last.settle('a');
  const slow = closing({});
  slow.push('a', 'b');
  await slow.settle('a');
  await nextTurn();
  for (const pipe of [sync, turn, waiting, last, slow]) {
    t.strictSame(pipe.events, ['A']);
    t.strictSame(pipe.state, IDLE);
    t.equal(pipe.pending.size, 0);
  }
});

t.test('close inside onIdle', async (t) => {
  const pipe: Pipe = Pipe.slow({
    onIdle: () => {
      pipe.pipeline.close();
    },
  });
  pipe.push('a');
  await pipe.settle('a');
  pipe.push('b');
  t.strictSame(pipe.events, ['A', 'idle']);
  t.strictSame(pipe.state, IDLE);
});

t.test('push inside deliver: begun after what was there before', async (t) => {
  const answering = (options: PipeOptions): Pipe => {
    const pipe: Pipe = new Pipe({
      deliver: (message) => {
        const text = textOf(message);
        if (text.length === 1) pipe.push(`${text}1`, `${text}2`);
      },
      ...options,
    });
    return pipe;
  };
  const sync = answering({});
  sync.push('a', 'b');
  t.strictSame(sync.events, ['a', 'a1', 'a2', 'b', 'b1', 'b2']);
  t.strictSame(sync.state, IDLE);

  const slow = answering({ transform: (message) => nextTurn().then(() => message) });
  slow.push('a', 'b');
  await slow.idle();
  t.strictSame(slow.events, ['a', 'b', 'a1', 'a2', 'b1', 'b2', 'idle']);

  const held = answering({ turnBytes: 300 });
  held.pipeline.hold();
  held.push('a', 'b');
  held.pipeline.release();
  await held.idle();
  t.strictSame(held.events, ['a', 'b', 'a1', 'a2', 'b1', 'b2', 'idle']);
  t.strictSame(held.state, IDLE);
});

t.test('push inside deliver, of what cannot be transformed', async (t) => {
  const answering = (): Pipe => {
    const pipe: Pipe = new Pipe({
      transform: (message) => {
        if (textOf(message) === 'bad') throw new Error('bad');
        return message;
      },
      deliver: () => {
        pipe.push('bad');
      },
    });
    return pipe;
  };
  const sync = answering();
  t.throws(() => {
    sync.push('a');
  }, /^bad$/);
  t.strictSame(sync.events, ['a']);
  const held = answering();
  held.pipeline.hold();
  held.push('a');
  held.pipeline.release();
  await nextTurn();
  t.strictSame(held.events, ['a', 'fail bad']);
});

t.test('push inside onIdle: at once, or busy again', async (t) => {
  const goesOn = (options: PipeOptions = {}): Pipe => {
    let rounds = 3;
    const pipe: Pipe = new Pipe({
      onIdle: () => {
        if (rounds-- > 0) pipe.push(`${rounds}`);
      },
      ...options,
    });
    return pipe;
  };
  const sync = goesOn();
  sync.pipeline.hold();
  sync.push('a');
  sync.pipeline.release();
  await nextTurn();
  t.strictSame(sync.events, ['a', 'idle', '2'], 'it was not busy with it');
  t.strictSame(sync.state, IDLE);

  const slow = goesOn({ transform: (message) => Promise.resolve(message) });
  slow.push('a');
  await nextTurn();
  t.strictSame(slow.events, ['a', 'idle', '2', 'idle', '1', 'idle', '0', 'idle']);
  t.strictSame(slow.state, IDLE);

  const turns = goesOn({ turnBytes: 1 });
  turns.push('a');
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  t.strictSame(turns.events, slow.events);
  t.strictSame(turns.state, IDLE);
});

t.test('hold inside onIdle', async (t) => {
  const pipe: Pipe = Pipe.slow({
    onIdle: () => {
      pipe.pipeline.hold();
    },
  });
  pipe.push('a');
  await pipe.settle('a');
  t.strictSame(pipe.state, IDLE);
  pipe.push('b');
  t.strictSame(pipe.state, [true, 1]);
  t.equal(pipe.pending.size, 0);
  pipe.pipeline.release();
  await nextTurn();
  await pipe.settle('b');
  t.strictSame(pipe.events, ['A', 'idle', 'B', 'idle']);
});

t.test('a hundred thousand messages that wait', async (t) => {
  const COUNT = 100_000;
  const pipe = new Pipe();
  const message = textMessage('m');
  pipe.pipeline.hold();
  for (let index = 0; index < COUNT; index++) pipe.pipeline.push(message);
  t.strictSame(pipe.state, [true, COUNT]);
  pipe.pipeline.release();
  await pipe.idle();
  t.equal(pipe.events.length, COUNT + 1);
});

t.test('whatever takes how long: the order is kept, and what waits is counted', async (t) => {
  const random = new SeededRandom(6455);
  const wrong: string[] = [];
  const check = (isRight: boolean, what: string): void => {
    if (!isRight) wrong.push(what);
  };
  let deliveredCount = 0;
  const RUNS = 15;
  const MESSAGES = 100;
  for (let round = 0; round < RUNS; round++) {
    const delivered: number[] = [];
    const sizes: number[] = [];
    let pushed = 0;
    let idleCount = 0;
    let wasBusy = false;
    const pipeline = new MessagePipeline({
      transform: (message) => {
        switch (random.below(5)) {
          case 0:
          case 1:
            return message;
          case 2:
            return Promise.resolve(message);
          case 3:
            return nextTurn().then(() => message);
          default:
            return sleep(random.below(3)).then(() => message);
        }
      },
      deliver: ({ payload }) => {
        const index = Buffer.from(payload).readUInt32BE(0);
        check(payload.length === sizes[index], `size of ${index}`);
        delivered.push(index);
        if (random.below(8) === 0) pipeline.hold();
      },
      fail: (error) => {
        throw error;
      },
      onIdle: () => {
        idleCount++;
        check(delivered.length === pushed, 'idle before all is delivered');
        wasBusy = false;
      },
      keepsPayload: true,
      turns: new CountedTurns(1 + random.below(3000)),
      memory: new MemoryAccount(),
      endsTurns: true,
    });
    const source = Buffer.alloc(64);
    while (pushed < MESSAGES || pipeline.isBusy) {
      if (pushed < MESSAGES && random.below(4) !== 0) {
        const size = 4 + random.below(60);
        source.writeUInt32BE(pushed);
        sizes.push(size);
        pushed++;
        pipeline.push({ opcode: 2, rsv: 0, payload: source.subarray(0, size) });
        source.fill(0xff);
      } else {
        pipeline.release();
        await (random.below(2) === 0 ? nextTurn() : microtasks());
      }
      wasBusy ||= pipeline.isBusy;
      const missing = sizes.slice(delivered.length).reduce((sum, size) => sum + size, 0);
      check(pipeline.waitingBytes === missing, `bytes in round ${round}`);
      check(pipeline.isBusy === wasBusy, `busy without idle in round ${round}`);
    }
    check(
      delivered.every((index, place) => index === place),
      `order in round ${round}`,
    );
    check(idleCount > 0, `never idle in round ${round}`);
    deliveredCount += delivered.length;
  }
  t.strictSame(wrong.slice(0, 10), []);
  t.equal(deliveredCount, RUNS * MESSAGES);
});
