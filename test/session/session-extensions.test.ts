import { Buffer } from 'node:buffer';
import t from 'tap';
import { type ExtensionsOwner, SessionExtensions } from '../../src/session/session-extensions.js';
import {
  ExtensionError,
  InvalidPayloadError,
  InvalidStateError,
  MessageTooBigError,
} from '../../src/errors.js';
import { ExtensionChain } from '../../src/extensions/chain.js';
import type { ExtensionSession, Message } from '../../src/extensions/extension.js';
import { wireLimitBytes } from '../../src/protocol/assembler.js';
import {
  Deferred,
  markingSession,
  nextTurn,
  reusingSession,
  sessionOf,
  textOf,
  linkOf,
  unexpected,
} from '../fixtures/extensions.js';

const MAX_MESSAGE_BYTES = 1000;

/** What one turn of the event loop gives to a mode, in bytes. */
const TURN_BYTES = 256 * 1024;

/** Writes down what it is told. */
class Owner implements ExtensionsOwner {
  readonly told: string[] = [];
  /** What is told around the beginning of each encoding. */
  readonly begun: string[] = [];
  readonly errors: unknown[] = [];
  /** Done with each message that was decoded. */
  onDecoded: (message: Message) => void = () => undefined;
  onEncoded: (message: Message) => void = () => undefined;
  onIdle: () => void = () => undefined;

  decoded(message: Message): void {
    this.told.push(`decoded ${describe(message)}`);
    this.onDecoded(message);
  }

  encoding(message: Message): void {
    this.begun.push(describe(message));
  }

  keepUnencoded(): void {
    this.begun.push('begun');
  }

  encoded(message: Message): void {
    this.told.push(`encoded ${describe(message)}`);
    this.onEncoded(message);
  }

  fail(error: unknown): void {
    this.told.push('failed');
    this.errors.push(error);
  }

  extensionsIdle(): void {
    this.told.push('idle');
    this.onIdle();
  }
}

function describe(message: Message): string {
  return `${message.opcode}${message.rsv === 0 ? '' : `:${message.rsv}`} ${textOf(message)}`;
}

interface Fixture {
  readonly extensions: SessionExtensions;
  readonly owner: Owner;
  readonly told: readonly string[];
  receive(text: string, rsv?: number): void;
  send(text: string): boolean;
  sendPiece(text: string, isFirst: boolean, isLast: boolean): boolean;
}

/** Extensions at work, in the order of the response header. */
function make(sessions: readonly ExtensionSession[], reservedRsv = 7): Fixture {
  const owner = new Owner();
  const links = sessions.map((session, index) => linkOf(`x-${index}`, session));
  const chain = new ExtensionChain(links, reservedRsv);
  const extensions = new SessionExtensions(chain, MAX_MESSAGE_BYTES, owner);
  return {
    extensions,
    owner,
    told: owner.told,
    receive: (text, rsv = 0) => {
      // As a read brings it: in the middle of something that is written over afterwards.
      const bytes = Buffer.from(`<<${text}>>`, 'latin1');
      extensions.receive(1, bytes, 2, bytes.length - 2, rsv);
      bytes.fill('#');
    },
    send: (text) => {
      const bytes = Buffer.from(`<<${text}>>`, 'latin1');
      const isSent = extensions.send(1, bytes, 2, bytes.length - 2);
      bytes.fill('#');
      return isSent;
    },
    sendPiece: (text, isFirst, isLast) => {
      const bytes = Buffer.from(`<<${text}>>`, 'latin1');
      const isSent = extensions.sendChunk(1, bytes, 2, bytes.length - 2, isFirst, isLast);
      bytes.fill('#');
      return isSent;
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
  const { extensions, told } = fixture;
  fixture.receive('inab', 4);
  t.ok(fixture.send('out'));
  t.strictSame(told, ['decoded 1:4 in', 'encoded 1 outab']);
  t.match(extensions, { isReceiving: false, isBusy: false, isEnding: false, waitingBytes: 0 });
  t.equal(extensions.reservedRsv, 7);
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
  const { extensions, told } = fixture;
  for (const text of ['first', 'second', 'third']) fixture.receive(text);
  t.match(extensions, { isReceiving: true, isBusy: true, waitingBytes: 0 });
  t.equal(slow.decoding.length, 1);
  await slow.decoded();
  await slow.decoded();
  t.strictSame(told, ['decoded 1 first', 'decoded 1 second']);
  t.ok(extensions.isReceiving);
  await slow.decoded();
  t.strictSame(told.slice(2), ['decoded 1 third', 'idle']);
  t.match(extensions, { isReceiving: false, isBusy: false });
});

t.test('behind a promise: messages that are sent wait in order, and are counted', async (t) => {
  const slow = slowSession('encode');
  const fixture = make([slow.session]);
  const { extensions, told } = fixture;
  t.ok(fixture.send('first'));
  t.ok(fixture.send('second'));
  t.match(extensions, { isReceiving: false, isBusy: true });
  const waiting = extensions.waitingBytes;
  t.ok(waiting >= 11, 'the payloads are counted');
  await slow.encoded();
  t.strictSame(told, ['encoded 1 first']);
  t.ok(extensions.waitingBytes < waiting);
  await slow.encoded();
  t.strictSame(told.slice(1), ['encoded 1 second', 'idle']);
  t.match(extensions, { isBusy: false, waitingBytes: 0 });
});

t.test('messages without a payload count too while they wait', async (t) => {
  const fixture = make([slowSession('encode').session]);
  for (let count = 0; count < 1000; count++) fixture.send('');
  t.ok(fixture.extensions.waitingBytes >= 100_000, 'each costs memory');
  fixture.extensions.close(unexpected);
  t.equal(fixture.extensions.waitingBytes, 0);
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
  fixture.extensions.receive(2, bytes, 0, bytes.length, 0);
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
  t.notOk(fixture.extensions.isReceiving, 'nothing waits any more');
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
  t.equal(fixture.sendPiece('a', true, true), false);
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
  t.ok(fixture.sendPiece('one ', true, false));
  t.ok(fixture.sendPiece('', false, false));
  t.ok(fixture.sendPiece('two', false, false));
  t.strictSame(fixture.told, []);
  t.ok(fixture.sendPiece(' three', false, true));
  t.ok(fixture.sendPiece('alone', true, true));
  t.ok(fixture.sendPiece('', true, true));
  t.strictSame(fixture.told, ['encoded 1 one two three!', 'encoded 1 alone!', 'encoded 1 !']);
});

t.test('§5.4: pieces of one message are not mixed with anything else', async (t) => {
  const fixture = make([sessionOf()]);
  const outside = new InvalidStateError('no message is being sent');
  const inside = new InvalidStateError('a message is being sent in pieces');
  t.throws(() => fixture.sendPiece('a', false, true), outside);
  t.ok(fixture.sendPiece('a', true, false));
  t.throws(() => fixture.sendPiece('b', true, true), inside);
  t.throws(() => fixture.send('b'), inside);
  t.strictSame(fixture.told, []);
  t.ok(fixture.sendPiece('c', false, true));
  t.throws(() => fixture.sendPiece('d', false, true), outside);
  t.ok(fixture.send('e'));
  t.strictSame(fixture.told, ['encoded 1 ac', 'encoded 1 e']);
});

t.test('pieces up to the limit are kept, and not one byte more', async (t) => {
  const fixture = make([sessionOf()]);
  t.ok(fixture.sendPiece('x'.repeat(MAX_MESSAGE_BYTES - 1), true, false));
  t.ok(fixture.sendPiece('y', false, true), 'at the limit');
  t.ok(fixture.sendPiece('x'.repeat(MAX_MESSAGE_BYTES), true, false), 'each message has its own');
  t.throws(
    () => fixture.sendPiece('y', false, false),
    new InvalidStateError('a message sent in pieces is over the limit for extensions'),
  );
  t.equal(fixture.told.length, 1);
});

// ---- Held

t.test('hold: what comes waits until release', async (t) => {
  const fixture = make([sessionOf()]);
  const { extensions, told } = fixture;
  extensions.hold();
  t.notOk(extensions.isReceiving, 'nothing waits yet');
  fixture.receive('a');
  fixture.receive('b');
  t.strictSame(told, []);
  t.ok(extensions.isReceiving);
  t.ok(fixture.send('out'), 'sending is not held');
  t.strictSame(told, ['encoded 1 out']);
  extensions.release();
  await nextTurn();
  t.strictSame(told.slice(1), ['decoded 1 a', 'decoded 1 b', 'idle']);
  t.notOk(extensions.isReceiving);
});

t.test('hold inside a message: those behind it wait', async (t) => {
  const fixture = make([sessionOf()]);
  fixture.owner.onDecoded = (): void => {
    fixture.extensions.hold();
  };
  fixture.receive('a');
  fixture.receive('b');
  t.strictSame(fixture.told, ['decoded 1 a']);
  fixture.extensions.release();
  await nextTurn();
  t.strictSame(fixture.told, ['decoded 1 a', 'decoded 1 b', 'idle']);
});

t.test('what a mode gets in one turn has a bound', async (t) => {
  const bytes = Buffer.alloc(TURN_BYTES / 2);
  const grown = make([sessionOf({ decode: (message) => message })]);
  const receiveLarge = (): void => {
    grown.extensions.receive(2, bytes, 0, bytes.length, 0);
  };
  receiveLarge();
  t.notOk(grown.extensions.isReceiving);
  receiveLarge();
  t.ok(grown.extensions.isReceiving, 'others have their turn');
  receiveLarge();
  t.equal(grown.told.length, 2);
  await nextTurn();
  t.equal(grown.told.length, 4);
  t.equal(grown.told[3], 'idle');

  const out = make([sessionOf()]);
  for (let count = 0; count < 10; count++) out.extensions.send(2, bytes, 0, bytes.length);
  t.equal(out.told.length, 10, 'what the mode does by itself is its own affair');
  t.notOk(out.extensions.isBusy);
});

// ---- What waits for the messages

t.test('an end runs at once when nothing is on its way', async (t) => {
  const fixture = make([sessionOf()]);
  fixture.extensions.whenIdle(end(fixture, 'Close'));
  t.strictSame(fixture.told, ['Close']);
  t.notOk(fixture.extensions.isEnding);
});

t.test('ends run in order, behind both directions, before idle is told', async (t) => {
  const slow = slowSession('decode', 'encode');
  const fixture = make([slow.session]);
  const { extensions, told } = fixture;
  fixture.owner.onDecoded = (): void => {
    fixture.send('answer');
  };
  fixture.receive('question');
  extensions.whenIdle(end(fixture, 'first'));
  extensions.whenIdle(end(fixture, 'second'));
  t.ok(extensions.isEnding);
  await slow.decoded();
  t.strictSame(told, ['decoded 1 question', 'idle'], 'the answer is still on its way');
  t.ok(extensions.isEnding);
  await slow.encoded();
  t.strictSame(told.slice(2), ['encoded 1 answer', 'first', 'second', 'idle']);
  t.notOk(extensions.isEnding);
});

t.test('an end that makes work lets the next one wait', async (t) => {
  const slow = slowSession('encode');
  const fixture = make([slow.session]);
  fixture.send('a');
  fixture.extensions.whenIdle(() => {
    fixture.send('b');
  });
  fixture.extensions.whenIdle(end(fixture, 'Close'));
  await slow.encoded();
  t.strictSame(fixture.told, ['encoded 1 a', 'idle']);
  await slow.encoded();
  t.strictSame(fixture.told.slice(2), ['encoded 1 b', 'Close', 'idle']);
});

t.test('stopReceiving: received messages are dropped, those that are sent are not', async (t) => {
  const slow = slowSession('decode', 'encode');
  const fixture = make([slow.session]);
  const { extensions, told } = fixture;
  fixture.receive('unwanted');
  fixture.receive('unwanted too');
  extensions.stopReceiving();
  t.notOk(extensions.isReceiving);
  fixture.receive('late');
  await slow.decoded();
  t.strictSame(told, []);
  fixture.send('last');
  extensions.whenIdle(end(fixture, 'Close'));
  t.strictSame(told, []);
  await slow.encoded();
  t.strictSame(told, ['encoded 1 last', 'Close', 'idle']);
});

t.test('dropEnds: what waited is forgotten', async (t) => {
  const slow = slowSession('decode', 'encode');
  const fixture = make([slow.session]);
  const { extensions, told } = fixture;
  fixture.receive('in');
  extensions.whenIdle(end(fixture, 'Close'));
  extensions.dropEnds();
  t.notOk(extensions.isEnding);
  extensions.stopReceiving();
  await slow.decoded();
  t.strictSame(told, []);
  fixture.send('out');
  extensions.whenIdle(end(fixture, 'failure'));
  await slow.encoded();
  t.strictSame(told, ['encoded 1 out', 'failure', 'idle']);
});

t.test('stopSending: what is not encoded is dropped, and nobody waits for it', async (t) => {
  const slow = slowSession('encode');
  const fixture = make([slow.session]);
  const { extensions, told } = fixture;
  fixture.send('a');
  fixture.send('b');
  extensions.whenIdle(end(fixture, 'Close'));
  t.ok(extensions.waitingBytes > 2);
  extensions.stopSending();
  t.strictSame(told, ['Close']);
  t.equal(extensions.waitingBytes, 0);
  t.notOk(extensions.isBusy);
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
  const { extensions, told } = fixture;
  fixture.receive('in');
  fixture.receive('behind');
  fixture.send('out');
  fixture.sendPiece('begun', true, false);
  extensions.whenIdle(end(fixture, 'Close'));
  extensions.close(unexpected);
  extensions.close(unexpected);
  t.equal(closeCount, 1);
  t.match(extensions, { isBusy: false, isReceiving: false, isEnding: false, waitingBytes: 0 });
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
  const errors: Error[] = [];
  fixture.extensions.close((error) => errors.push(error));
  t.match(errors, [{ name: 'ExtensionError', cause }]);
  fixture.extensions.close(unexpected);
});

t.test('stats are those of the end: a closed extension is not asked', async (t) => {
  let isClosed = false;
  let count = 0;
  const session = sessionOf({
    close: () => {
      isClosed = true;
    },
    decode: (message) => {
      count += 1;
      return message;
    },
  });
  Object.defineProperty(session, 'stats', {
    get: () => {
      if (isClosed) throw new Error('nothing is left to count');
      return { count };
    },
  });
  const fixture = make([session, sessionOf()]);
  const { extensions } = fixture;
  t.strictSame(extensions.stats, { 'x-0': { count: 0 } });
  fixture.receive('a');
  t.strictSame(extensions.stats, { 'x-0': { count: 1 } });
  extensions.close(unexpected);
  extensions.close(unexpected);
  t.strictSame(extensions.stats, { 'x-0': { count: 1 } });
});
