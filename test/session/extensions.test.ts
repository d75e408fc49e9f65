import { Buffer } from 'node:buffer';
import t from 'tap';
import { type Input, PauseReason } from '../../src/session/input.js';
import type { Output } from '../../src/session/output.js';
import { ServerSession } from '../../src/session/server-session.js';
import {
  ExtensionError,
  InvalidPayloadError,
  InvalidStateError,
  MessageTooBigError,
} from '../../src/errors.js';
import type { ExtensionSession, Message } from '../../src/extensions/extension.js';
import { wireLimitBytes } from '../../src/protocol/assembler.js';
import { CountedTurns } from '../fixtures/counted-turns.js';
import {
  Deferred,
  markingSession,
  nextTurn,
  reusingSession,
  sessionOf,
  textOf,
} from '../fixtures/extensions.js';
import { Bench, Witness } from '../fixtures/session-bench.js';
import { NO_KEEPALIVE } from '../fixtures/test-host.js';

const MAX_MESSAGE_BYTES = 1000;

/** What one turn of the event loop gives to a mode, in bytes. */
const TURN_BYTES = 256 * 1024;

/** Writes down what has come through the extensions, and what followed. */
class Owner {
  readonly told: string[] = [];
  readonly errors: unknown[] = [];
  /** Done with each message that was decoded. */
  onDecoded: (message: Message) => void = () => undefined;
  onEncoded: (message: Message) => void = () => undefined;

  constructor({ session }: Bench) {
    const { input, output } = session;
    input.decoded = (message): void => {
      this.told.push(`decoded ${describe(message)}`);
      this.onDecoded(message);
    };
    output.encoded = (message): void => {
      this.told.push(`encoded ${describe(message)}`);
      this.onEncoded(message);
    };
    session.fail = (error): void => {
      this.told.push('failed');
      this.errors.push(error);
    };
    const extensionsIdle = session.extensionsIdle.bind(session);
    session.extensionsIdle = (): void => {
      extensionsIdle();
      this.told.push('idle');
    };
  }
}

function describe(message: Message): string {
  return `${message.opcode}${message.rsv === 0 ? '' : `:${message.rsv}`} ${textOf(message)}`;
}

interface Fixture {
  readonly bench: Bench;
  readonly session: ServerSession;
  readonly input: Input;
  readonly output: Output;
  readonly owner: Owner;
  readonly told: readonly string[];
  receive(text: string, rsv?: number): void;
  send(text: string): boolean;
  sendChunk(text: string, isFirst: boolean, isLast: boolean): boolean;
}

/** Extensions at work, in the order of the response header. */
function make(
  sessions: readonly ExtensionSession[],
  mode = new Witness(),
  turns = new CountedTurns(),
): Fixture {
  const extensions = sessions.map((session, index) => ({
    name: `x-${index}`,
    // It accepts, and the first one has a bit.
    create: () =>
      Object.assign(session, {
        response: () => `x-${index}`,
        reserveRsv: () => (index === 0 ? 4 : 0),
      }),
  }));
  const limits = { ...NO_KEEPALIVE, maxMessage: MAX_MESSAGE_BYTES };
  const bench = new Bench(mode, { limits, extensions, turns }).open();
  const { session } = bench;
  const owner = new Owner(bench);
  const { input, output } = session;
  return {
    bench,
    session,
    input,
    output,
    owner,
    told: owner.told,
    receive: (text, rsv = 0) => {
      // As a read brings it: in the middle of something that is written over afterwards.
      const bytes = Buffer.from(`<<${text}>>`, 'latin1');
      input.message(1, bytes, 2, bytes.length - 2, rsv);
      bytes.fill('#');
    },
    send: (text) => {
      const bytes = Buffer.from(`<<${text}>>`, 'latin1');
      const result = output.send(1, bytes, 2, bytes.length - 2);
      bytes.fill('#');
      return result !== 'closed';
    },
    sendChunk: (text, isFirst, isLast) => {
      const bytes = Buffer.from(`<<${text}>>`, 'latin1');
      const result = output.sendChunk(1, bytes, 2, bytes.length - 2, isFirst, isLast);
      bytes.fill('#');
      return result !== 'closed';
    },
  };
}

/** A session whose messages wait for the test, in the directions that are named. */
function slowSession(...directions: readonly ('decode' | 'encode')[]) {
  const decoding: Deferred<Message>[] = [];
  const encoding: Deferred<Message>[] = [];
  const inputs: Message[] = [];
  const wait = (message: Message, waiting: Deferred<Message>[]): Promise<Message> => {
    const deferred = new Deferred<Message>();
    inputs.push(message);
    waiting.push(deferred);
    return deferred.promise;
  };
  const session = sessionOf({
    decode: (message) => (directions.includes('decode') ? wait(message, decoding) : message),
    encode: (message) => (directions.includes('encode') ? wait(message, encoding) : message),
  });
  const pass = async (waiting: Deferred<Message>[]): Promise<void> => {
    waiting.shift()!.resolve(inputs.shift()!);
    await nextTurn();
  };
  return {
    session,
    decoding,
    encoding,
    decoded: async () => {
      await pass(decoding);
    },
    encoded: async () => {
      await pass(encoding);
    },
  };
}

/** An `end` that writes itself down. */
const end =
  ({ owner }: Fixture, name: string) =>
  (): void => {
    owner.told.push(name);
  };

t.test('at once: through the chain in both directions, and nothing waits', async (t) => {
  const fixture = make([markingSession('a'), markingSession('b')]);
  const { session, output, told } = fixture;
  fixture.receive('inab', 4);
  t.ok(fixture.send('out'));
  t.strictSame(told, ['decoded 1:4 in', 'encoded 1 outab']);
  t.notOk(session.isBusy);
  t.notOk(session.isEnding);
  t.equal(output.waitingBytes, 0);
  await nextTurn();
  t.equal(told.length, 2, 'idle is not told: nobody waited');
});

t.test('payloads that an extension uses again are right while they are given', async (t) => {
  const fixture = make([reusingSession('a'), reusingSession('b')]);
  fixture.receive('1ab');
  fixture.send('2');
  fixture.receive('3ab');
  t.strictSame(fixture.told, ['decoded 1 1', 'encoded 1 2ab', 'decoded 1 3']);
});

t.test('behind a promise: received messages come in order, one after the other', async (t) => {
  const slow = slowSession('decode');
  const fixture = make([slow.session]);
  const { session, input, output, told } = fixture;
  for (const text of ['first', 'second', 'third']) fixture.receive(text);
  t.ok(input.isBusy);
  t.equal(output.waitingBytes, 0);
  t.equal(slow.decoding.length, 1);
  await slow.decoded();
  await slow.decoded();
  t.strictSame(told, ['decoded 1 first', 'decoded 1 second']);
  t.ok(input.isBusy);
  await slow.decoded();
  t.strictSame(told.slice(2), ['decoded 1 third', 'idle']);
  t.notOk(session.isBusy);
});

t.test('behind a promise: messages that are sent wait in order, and are counted', async (t) => {
  const slow = slowSession('encode');
  const fixture = make([slow.session]);
  const { session, input, output, told } = fixture;
  t.ok(fixture.send('first'));
  t.ok(fixture.send('second'));
  t.notOk(input.isBusy);
  t.ok(session.isBusy);
  const waiting = output.waitingBytes;
  t.ok(waiting >= 11, 'the payloads are counted');
  await slow.encoded();
  t.strictSame(told, ['encoded 1 first']);
  t.ok(output.waitingBytes < waiting);
  await slow.encoded();
  t.strictSame(told.slice(1), ['encoded 1 second', 'idle']);
  t.notOk(session.isBusy);
  t.equal(output.waitingBytes, 0);
});

t.test('messages without a payload count too while they wait', async (t) => {
  const fixture = make([slowSession('encode').session]);
  for (let count = 0; count < 1000; count++) fixture.send('');
  t.ok(fixture.output.waitingBytes >= 100_000, 'each costs memory');
  fixture.session.finish();
  t.equal(fixture.output.waitingBytes, 0);
});

t.test('one direction does not wait for the other', async (t) => {
  const slow = slowSession('decode');
  const fixture = make([slow.session]);
  fixture.receive('in');
  fixture.send('out');
  t.strictSame(fixture.told, ['encoded 1 out']);
  await slow.decoded();
  t.strictSame(fixture.told.slice(1), ['decoded 1 in', 'idle']);
});

t.test('§8.1: text must be UTF-8 behind the chain, and need not be before it', async (t) => {
  const fixture = make([
    sessionOf({ decode: (message) => ({ ...message, payload: message.payload.subarray(1) }) }),
  ]);
  fixture.receive('\xff\xc3\xa9x', 4);
  t.strictSame(fixture.told, ['decoded 1:4 \xc3\xa9x']);
  for (const text of [' \xff', ' cut \xc3']) {
    t.throws(() => {
      fixture.receive(text);
    }, new InvalidPayloadError('text-not-utf8'));
  }
  const bytes = Buffer.from(' \xff', 'latin1');
  fixture.input.message(2, bytes, 0, bytes.length, 0);
  t.strictSame(fixture.told.slice(1), ['decoded 2 \xff'], 'binary may be anything');
});

t.test('what throws at once throws at the endpoint, that knows what to do', async (t) => {
  const extension = make([
    sessionOf({
      decode: () => {
        throw new Error('boom');
      },
    }),
  ]);
  t.throws(() => {
    extension.receive('a');
  }, ExtensionError);
  const mode = make([sessionOf()]);
  const defect = new Error('in the mode');
  mode.owner.onDecoded = (): void => {
    throw defect;
  };
  t.throws(() => {
    mode.receive('a');
  }, defect);
  t.strictSame([extension.owner.errors, mode.owner.errors], [[], []]);
});

t.test('a message that is over the limit once it is decoded', async (t) => {
  const fixture = make([
    sessionOf({
      decode: (message, maxBytes) => ({ ...message, payload: new Uint8Array(maxBytes) }),
    }),
    sessionOf({
      decode: (message, maxBytes) =>
        message.payload.length === 2
          ? { ...message, payload: new Uint8Array(maxBytes + 1) }
          : message,
    }),
  ]);
  fixture.receive('1');
  t.equal(fixture.told[0]!.length, 'decoded 1 '.length + MAX_MESSAGE_BYTES, 'at the limit');
  t.throws(
    () => {
      fixture.receive('12');
    },
    new MessageTooBigError(wireLimitBytes(MAX_MESSAGE_BYTES, 4, 1)),
  );
});

t.test('what throws later goes to the owner, once', async (t) => {
  const slow = slowSession('decode');
  const fixture = make([slow.session]);
  fixture.receive('first');
  fixture.receive('second');
  slow.decoding[0]!.reject(Object.assign(new Error('bad data'), { closeCode: 1007 }));
  await nextTurn();
  t.strictSame(fixture.owner.errors, [new InvalidPayloadError('extension-data', 'bad data')]);
  t.strictSame(fixture.told, ['failed']);
  t.notOk(fixture.input.isBusy, 'nothing waits any more');
  fixture.receive('third');
  t.equal(slow.decoding.length, 1, 'and nothing more is taken');

  const mode = slowSession('decode');
  const modeFixture = make([mode.session]);
  const defect = new Error('in the mode');
  modeFixture.owner.onDecoded = (): void => {
    throw defect;
  };
  modeFixture.receive('a');
  await mode.decoded();
  t.strictSame(modeFixture.owner.errors, [defect]);

  const text = slowSession('decode');
  const textFixture = make([text.session]);
  textFixture.receive('\xff', 4);
  await text.decoded();
  t.strictSame(textFixture.owner.errors, [new InvalidPayloadError('text-not-utf8')]);
});

t.test('an extension that fails in encode is the owner’s to end, not the mode’s', async (t) => {
  const cause = new Error('boom');
  const fixture = make([
    sessionOf({
      encode: () => {
        throw cause;
      },
    }),
  ]);
  t.equal(fixture.send('a'), false);
  t.equal(fixture.sendChunk('a', true, true), false);
  t.strictSame(fixture.told, ['failed', 'failed']);
  for (const error of fixture.owner.errors) {
    t.type(error, ExtensionError);
    t.equal((error as Error).cause, cause);
  }

  const slow = slowSession('encode');
  const later = make([slow.session]);
  t.ok(later.send('a'));
  slow.encoding[0]!.reject(cause);
  await nextTurn();
  t.strictSame(later.told, ['failed']);
  t.type(later.owner.errors[0], ExtensionError);
});

t.test(
  'what the owner throws when it is given what is encoded is not the extension’s',
  async (t) => {
    const fixture = make([sessionOf()]);
    const defect = new InvalidStateError('in the owner');
    fixture.owner.onEncoded = (): void => {
      throw defect;
    };
    t.throws(() => fixture.send('a'), defect);
    t.strictSame(fixture.owner.errors, []);
  },
);

// ---- Pieces

t.test('pieces wait for the last one and are one message then', async (t) => {
  const fixture = make([markingSession('!')]);
  t.ok(fixture.sendChunk('one ', true, false));
  t.ok(fixture.sendChunk('', false, false));
  t.ok(fixture.sendChunk('two', false, false));
  t.strictSame(fixture.told, []);
  t.ok(fixture.sendChunk(' three', false, true));
  t.ok(fixture.sendChunk('alone', true, true));
  t.ok(fixture.sendChunk('', true, true));
  t.strictSame(fixture.told, ['encoded 1 one two three!', 'encoded 1 alone!', 'encoded 1 !']);
});

t.test('§5.4: pieces of one message are not mixed with anything else', async (t) => {
  const fixture = make([sessionOf()]);
  const outside = new InvalidStateError('no message is being sent');
  const inside = new InvalidStateError('a message is being sent in pieces');
  t.throws(() => fixture.sendChunk('a', false, true), outside);
  t.ok(fixture.sendChunk('a', true, false));
  t.throws(() => fixture.sendChunk('b', true, true), inside);
  t.throws(() => fixture.send('b'), inside);
  t.strictSame(fixture.told, []);
  t.ok(fixture.sendChunk('c', false, true));
  t.throws(() => fixture.sendChunk('d', false, true), outside);
  t.ok(fixture.send('e'));
  t.strictSame(fixture.told, ['encoded 1 ac', 'encoded 1 e']);
});

t.test('pieces up to the limit are kept, and not one byte more', async (t) => {
  const fixture = make([sessionOf()]);
  t.ok(fixture.sendChunk('x'.repeat(MAX_MESSAGE_BYTES - 1), true, false));
  t.ok(fixture.sendChunk('y', false, true), 'at the limit');
  t.ok(fixture.sendChunk('x'.repeat(MAX_MESSAGE_BYTES), true, false), 'each message has its own');
  t.throws(
    () => fixture.sendChunk('y', false, false),
    new InvalidStateError('a message sent in pieces is over the limit for extensions'),
  );
  t.equal(fixture.told.length, 1);
});

// ---- Held

t.test('hold: what comes waits until release', async (t) => {
  const fixture = make([sessionOf()]);
  const { input, told } = fixture;
  input.pause(PauseReason.Mode);
  t.notOk(input.isBusy, 'nothing waits yet');
  fixture.receive('a');
  fixture.receive('b');
  t.strictSame(told, []);
  t.ok(input.isBusy);
  t.ok(fixture.send('out'), 'sending is not held');
  t.strictSame(told, ['encoded 1 out']);
  input.resume(PauseReason.Mode);
  await nextTurn();
  t.strictSame(told.slice(1), ['decoded 1 a', 'decoded 1 b', 'idle']);
  t.notOk(input.isBusy);
});

t.test('hold inside a message: those behind it wait', async (t) => {
  const fixture = make([sessionOf()]);
  fixture.owner.onDecoded = (): void => {
    fixture.input.pause(PauseReason.Mode);
  };
  fixture.receive('a');
  fixture.receive('b');
  t.strictSame(fixture.told, ['decoded 1 a']);
  fixture.input.resume(PauseReason.Mode);
  await nextTurn();
  t.strictSame(fixture.told, ['decoded 1 a', 'decoded 1 b', 'idle']);
});

t.test('what a mode gets in one turn has a bound', async (t) => {
  const bytes = Buffer.alloc(TURN_BYTES / 2);
  // A byte that comes in counts for sixteen more.
  const turns = new CountedTurns(TURN_BYTES * 16);
  const grown = make([sessionOf({ decode: (message) => message })], new Witness(), turns);
  const receiveLarge = (): void => {
    grown.input.message(2, bytes, 0, bytes.length, 0);
  };
  receiveLarge();
  t.notOk(grown.input.isBusy);
  receiveLarge();
  t.ok(grown.input.isBusy, 'others have their turn');
  receiveLarge();
  t.equal(grown.told.length, 2);
  await nextTurn();
  t.equal(grown.told.length, 4);
  t.equal(grown.told[3], 'idle');

  const out = make([sessionOf()]);
  for (let count = 0; count < 10; count++) out.output.send(2, bytes, 0, bytes.length);
  t.equal(out.told.length, 10, 'what the mode does by itself is its own affair');
  t.notOk(out.session.isBusy);
});

// ---- What waits for the messages

t.test('an end runs at once when nothing is on its way', async (t) => {
  const fixture = make([sessionOf()]);
  fixture.session.ending.whenThrough(end(fixture, 'Close'));
  t.strictSame(fixture.told, ['Close']);
  t.notOk(fixture.session.isEnding);
});

t.test('ends run in order, behind both directions, before idle is told', async (t) => {
  const slow = slowSession('decode', 'encode');
  const fixture = make([slow.session]);
  const { session, told } = fixture;
  fixture.owner.onDecoded = (): void => {
    fixture.send('answer');
  };
  fixture.receive('question');
  session.ending.whenThrough(end(fixture, 'first'));
  session.ending.whenThrough(end(fixture, 'second'));
  t.ok(session.isEnding);
  await slow.decoded();
  t.strictSame(told, ['decoded 1 question', 'idle'], 'the answer is still on its way');
  t.ok(session.isEnding);
  await slow.encoded();
  t.strictSame(told.slice(2), ['encoded 1 answer', 'first', 'second', 'idle']);
  t.notOk(session.isEnding);
});

t.test('an end that makes work lets the next one wait', async (t) => {
  const slow = slowSession('encode');
  const fixture = make([slow.session]);
  fixture.send('a');
  fixture.session.ending.whenThrough(() => {
    fixture.send('b');
  });
  fixture.session.ending.whenThrough(end(fixture, 'Close'));
  await slow.encoded();
  t.strictSame(fixture.told, ['encoded 1 a', 'idle']);
  await slow.encoded();
  t.strictSame(fixture.told.slice(2), ['encoded 1 b', 'Close', 'idle']);
});

t.test('stopReceiving: received messages are dropped, those that are sent are not', async (t) => {
  const slow = slowSession('decode', 'encode');
  const fixture = make([slow.session]);
  const { session, input, told } = fixture;
  fixture.receive('unwanted');
  fixture.receive('unwanted too');
  input.stop();
  t.notOk(input.isBusy);
  fixture.receive('late');
  await slow.decoded();
  t.strictSame(told, []);
  fixture.send('last');
  session.ending.whenThrough(end(fixture, 'Close'));
  t.strictSame(told, []);
  await slow.encoded();
  t.strictSame(told, ['encoded 1 last', 'Close', 'idle']);
});

t.test('a failure: what waited before it is forgotten', async (t) => {
  const slow = slowSession('decode', 'encode');
  const fixture = make([slow.session]);
  const { bench, session, owner, told } = fixture;
  fixture.receive('in');
  fixture.send('out');
  session.ending.whenThrough(end(fixture, 'Close'));
  t.ok(session.isEnding);
  ServerSession.prototype.fail.call(session, new Error('a defect'));
  await slow.decoded();
  t.strictSame(told, []);
  session.endpoint.fail = end(fixture, 'failure');
  await slow.encoded();
  t.strictSame(told, ['encoded 1 out', 'failure', 'idle']);
  t.notOk(session.isEnding);
  t.strictSame(owner.errors, []);
  t.match(bench.finish().error, { message: 'a defect' });
});

t.test('stopSending: what is not encoded is dropped, and nobody waits for it', async (t) => {
  const slow = slowSession('encode');
  const fixture = make([slow.session]);
  const { session, output, told } = fixture;
  fixture.send('a');
  fixture.send('b');
  session.ending.whenThrough(end(fixture, 'Close'));
  t.ok(output.waitingBytes > 2);
  output.dropUnencoded();
  t.strictSame(told, ['Close']);
  t.equal(output.waitingBytes, 0);
  t.notOk(session.isBusy);
  await slow.encoded();
  t.strictSame(told, ['Close'], 'the one that was at work comes too late');
});

// ---- The end

t.test('close gives everything back, once, and nothing more comes', async (t) => {
  const slow = slowSession('decode', 'encode');
  let closeCount = 0;
  const counting = sessionOf({
    close: () => {
      closeCount += 1;
    },
  });
  const fixture = make([slow.session, counting]);
  const { session, output, told } = fixture;
  fixture.receive('in');
  fixture.receive('behind');
  fixture.send('out');
  fixture.sendChunk('begun', true, false);
  session.ending.whenThrough(end(fixture, 'Close'));
  session.finish();
  session.finish();
  t.equal(closeCount, 1);
  t.notOk(session.isBusy);
  t.notOk(session.isEnding);
  t.equal(output.waitingBytes, 0);
  await slow.decoded();
  slow.encoding[0]!.reject(new Error('too late'));
  fixture.receive('late');
  fixture.send('late');
  await nextTurn();
  t.strictSame(told, []);
});

t.test('close says what went wrong', async (t) => {
  const cause = new Error('boom');
  const fixture = make([
    sessionOf({
      close: () => {
        throw cause;
      },
    }),
  ]);
  fixture.session.finish();
  fixture.session.finish();
  t.match(fixture.bench.host.ended[0]?.error, { name: 'ExtensionError', cause });
  t.strictSame(fixture.bench.host.failedLate, [], 'once');
});

t.test('stats are those of the end: a closed extension is not asked', async (t) => {
  let isClosed = false;
  let count = 0;
  const counting = sessionOf({
    close: () => {
      isClosed = true;
    },
    decode: (message) => {
      count += 1;
      return message;
    },
  });
  Object.defineProperty(counting, 'stats', {
    get: () => {
      if (isClosed) throw new Error('nothing is left to count');
      return { count };
    },
  });
  const mode = new Witness();
  const fixture = make([counting, sessionOf()], mode);
  const { bench, session } = fixture;
  fixture.receive('a');
  session.finish();
  session.finish();
  const summaries = [...mode.summaries, ...bench.host.ended];
  t.equal(summaries.length, 4);
  for (const { extensionStats } of summaries) t.strictSame(extensionStats, { 'x-0': { count: 1 } });
});
