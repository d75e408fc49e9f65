import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import {
  ExtensionError,
  InvalidPayloadError,
  MessageTooBigError,
  PAYLOAD_RULES,
  PolicyError,
  ProtocolError,
} from '../../src/errors.js';
import { ExtensionChain } from '../../src/extensions/chain.js';
import type { ExtensionSession, Message } from '../../src/extensions/extension.js';
import { wireLimitBytes } from '../../src/protocol/assembler.js';
import { closeStatusOf } from '../../src/protocol/close.js';
import {
  Deferred,
  linkOf,
  markingSession,
  nextTurn,
  reusingSession,
  sessionOf,
  textMessage,
  textOf,
  thenableOf,
  unexpected,
} from '../fixtures/extensions.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { within } from '../fixtures/within.js';

const MAX_BYTES = 1000;

type Direction = 'decode' | 'encode';

const DIRECTIONS: readonly Direction[] = ['decode', 'encode'];

/** A chain of sessions whose names are their places: x0, x1 and so on. */
function chainOf(sessions: readonly ExtensionSession[], reservedRsv = 7): ExtensionChain {
  const links = sessions.map((session, index) => linkOf(`x${index}`, session));
  return new ExtensionChain(links, reservedRsv);
}

/** A session that does the same thing in one direction. */
function oneWay(direction: Direction, run: () => Message | Promise<Message>): ExtensionSession {
  return sessionOf({ [direction]: run });
}

function run(chain: ExtensionChain, direction: Direction, message: Message) {
  return direction === 'decode' ? chain.decode(message, MAX_BYTES) : chain.encode(message);
}

/** The result of a chain that must not make a promise of it. */
function atOnce(result: Message | Promise<Message>): Message {
  if (result instanceof Promise) throw new Error('it is a promise');
  return result;
}

/** The result of a chain that must make a promise of it. */
async function later(result: Message | Promise<Message>): Promise<Message> {
  if (!(result instanceof Promise)) throw new Error('it is no promise');
  return await within(result, 'the chain');
}

/** What a chain makes of something that its one extension throws: at once, or behind a promise. */
async function failuresOf(direction: Direction, thrown: unknown): Promise<unknown[]> {
  const failures: unknown[] = [];
  const rejecting = async (): Promise<Message> => {
    throw thrown;
  };
  const sessions = [
    oneWay(direction, () => {
      throw thrown;
    }),
    oneWay(direction, rejecting),
    oneWay(direction, () => thenableOf(rejecting())),
  ];
  for (const session of sessions) {
    // With one that answers by a promise on each side of it as well.
    const neighbour = (): ExtensionSession =>
      markingSession('', (result) => nextTurn().then(() => result));
    for (const neighbours of [[session], [neighbour(), session, neighbour()]]) {
      try {
        await run(chainOf(neighbours), direction, textMessage('in'));
        failures.push('nothing was thrown');
      } catch (error) {
        failures.push(error);
      }
    }
  }
  return failures;
}

t.test('§9.1: encode has the order of the response, decode the reverse', async (t) => {
  const chain = chainOf(['a', 'b', 'c'].map((mark) => markingSession(mark)));
  t.equal(textOf(atOnce(chain.encode(textMessage('x')))), 'xabc');
  t.equal(textOf(atOnce(chain.decode(textMessage('xabc'), MAX_BYTES))), 'x');
  t.throws(() => chain.decode(textMessage('xcba'), MAX_BYTES), ExtensionError);
});

t.test('each call has what the contract says', async (t) => {
  const calls: unknown[] = [];
  const session = sessionOf({
    decode: (...all: unknown[]) => {
      calls.push(['decode', ...all]);
      return textMessage('decoded');
    },
    encode: (...all: unknown[]) => {
      calls.push(['encode', ...all]);
      return textMessage('encoded');
    },
  });
  const chain = chainOf([session, session]);
  const message: Message = { opcode: 2, rsv: 5, payload: Uint8Array.of(1, 2, 3) };
  chain.decode(message, 9);
  chain.encode(message);
  t.strictSame(calls, [
    ['decode', message, 91],
    ['decode', textMessage('decoded'), 9],
    ['encode', message],
    ['encode', textMessage('encoded')],
  ]);
});

t.test('sessions are called as methods', async (t) => {
  class Counting {
    readonly enabled = true;
    #count = 0;

    init(): void {
      this.#count = 0;
    }

    response(): null {
      return null;
    }

    reserveRsv(): number {
      return 0;
    }

    decode(message: Message): Message {
      this.#count++;
      return message;
    }

    encode(message: Message): Message {
      this.#count++;
      return message;
    }

    get stats(): object {
      return { count: this.#count };
    }

    close(): void {
      this.#count = -1;
    }
  }
  const chain = chainOf([new Counting()]);
  chain.encode(textMessage('one'));
  chain.decode(textMessage('two'), MAX_BYTES);
  t.strictSame(chain.stats, { x0: { count: 2 } });
  chain.close(unexpected);
  t.strictSame(chain.stats, { x0: { count: -1 } });
});

t.test('what nobody touches goes through as it is', async (t) => {
  const message = textMessage('same', 4);
  for (const chain of [chainOf([]), chainOf([sessionOf()]), chainOf([sessionOf(), sessionOf()])]) {
    t.equal(chain.encode(message), message);
    t.equal(chain.decode(message, MAX_BYTES), message);
  }
});

t.test('opcode and reserved bits are the extensions’ to change', async (t) => {
  const session = sessionOf({
    encode: ({ payload }) => ({ opcode: 2, rsv: 6, payload }),
    decode: ({ payload }) => ({ opcode: 1, rsv: 0, payload }),
  });
  const chain = chainOf([session], 6);
  t.equal(chain.reservedRsv, 6);
  const sent = atOnce(chain.encode(textMessage('x')));
  t.strictSame([sent.opcode, sent.rsv, textOf(sent)], [2, 6, 'x']);
  const received = atOnce(chain.decode(sent, MAX_BYTES));
  t.strictSame([received.opcode, received.rsv, textOf(received)], [1, 0, 'x']);
});

t.test('a promise anywhere: the same result, behind one promise', async (t) => {
  const slow = (result: Message) => nextTurn().then(() => result);
  const quick = (result: Message) => Promise.resolve(result);
  const foreign = (result: Message) => thenableOf(slow(result));
  for (const carry of [slow, quick, foreign]) {
    for (const places of [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]) {
      const chain = chainOf(
        ['a', 'b', 'c'].map((mark, index) =>
          places.includes(index) ? markingSession(mark, carry) : markingSession(mark),
        ),
      );
      const sent = await later(chain.encode(textMessage('x')));
      t.equal(textOf(sent), 'xabc');
      t.equal(textOf(await later(chain.decode(sent, MAX_BYTES))), 'x');
    }
  }
});

t.test('keepsPayload: true unless every session says no', async (t) => {
  const keeping = sessionOf();
  const sayingSo = sessionOf({ keepsPayload: true });
  const notKeeping = sessionOf({ keepsPayload: false });
  t.equal(chainOf([notKeeping]).keepsPayload, false);
  t.equal(chainOf([notKeeping, notKeeping]).keepsPayload, false);
  t.equal(chainOf([keeping]).keepsPayload, true);
  t.equal(chainOf([sayingSo]).keepsPayload, true);
  t.equal(chainOf([notKeeping, keeping]).keepsPayload, true);
  t.equal(chainOf([keeping, notKeeping]).keepsPayload, true);
});

t.test('nothing is copied where nobody keeps anything', async (t) => {
  const buffers = { decoded: new Uint8Array(64), encoded: new Uint8Array(64) };
  const chain = chainOf([reusingSession('a'), reusingSession('b', buffers)]);
  t.equal(atOnce(chain.encode(textMessage('x'))).payload.buffer, buffers.encoded.buffer);
  const keeping = markingSession('k');
  const payloads: Uint8Array[] = [];
  const looking = sessionOf({
    encode: (message) => {
      payloads.push(message.payload);
      return message;
    },
  });
  const other = chainOf([keeping, looking]);
  const sent = atOnce(other.encode(textMessage('x')));
  t.equal(sent.payload, payloads[0], 'nor what a keeping session made: it stays as it is');
});

t.test('a keeping session has payloads that stay as they are', async (t) => {
  for (const direction of DIRECTIONS) {
    const kept: Message[] = [];
    const keeping = sessionOf({
      [direction]: (message: Message) => {
        kept.push(message);
        return message;
      },
    });
    const reusing = reusingSession('a');
    const chain = chainOf(direction === 'encode' ? [reusing, keeping] : [keeping, reusing]);
    const before = direction === 'encode' ? ['one', 'two', 'three'] : ['onea', 'twoa', 'threea'];
    const after = direction === 'encode' ? ['onea', 'twoa', 'threea'] : ['one', 'two', 'three'];
    const results = before.map((text) => atOnce(run(chain, direction, textMessage(text))));
    t.strictSame(kept.map(textOf), after);
    t.strictSame(results.map(textOf), after);
  }
});

t.test('a keeping session that is slow finds what it was given', async (t) => {
  const gate = new Deferred<undefined>();
  const marking = markingSession('k');
  const slow = sessionOf({ encode: (message) => gate.promise.then(() => marking.encode(message)) });
  const chain = chainOf([reusingSession('r'), slow, reusingSession('s')]);
  const results = ['one', 'two'].map((text) => later(chain.encode(textMessage(text))));
  gate.resolve(undefined);
  t.strictSame((await Promise.all(results)).map(textOf), ['onerks', 'tworks']);
});

t.test('a keeping session behind one that is slow and reuses its buffer', async (t) => {
  const reusing = reusingSession('r');
  const slow = sessionOf({
    keepsPayload: false,
    encode: (message) => {
      const copy = { ...message, payload: message.payload.slice() };
      return nextTurn().then(() => reusing.encode(copy));
    },
  });
  const kept: Message[] = [];
  const keeping = sessionOf({
    encode: (message) => {
      kept.push(message);
      return message;
    },
  });
  const chain = chainOf([slow, keeping]);
  for (const text of ['one', 'two', 'three']) await later(chain.encode(textMessage(text)));
  t.strictSame(kept.map(textOf), ['oner', 'twor', 'threer']);
});

t.test('a copy has the opcode and the bits of the original', async (t) => {
  const chain = chainOf([reusingSession('r'), sessionOf()]);
  for (const opcode of [1, 2] as const) {
    const sent = atOnce(chain.encode({ ...textMessage('x', 5), opcode }));
    t.strictSame([sent.opcode, sent.rsv, textOf(sent)], [opcode, 5, 'xr']);
  }
});

t.test('views of what a reusing session was given are copied, or are the same', async (t) => {
  const message = textMessage('body');
  const cutting = sessionOf({
    keepsPayload: false,
    encode: ({ opcode, rsv, payload }) => ({ opcode, rsv, payload: payload.subarray(1) }),
  });
  const flagging = sessionOf({
    keepsPayload: false,
    encode: ({ opcode, payload }) => ({ opcode, rsv: 4, payload }),
  });
  const keeping = sessionOf();
  t.equal(textOf(atOnce(chainOf([cutting, keeping]).encode(message))), 'ody');
  const flagged = atOnce(chainOf([flagging, keeping]).encode(message));
  t.equal(flagged.rsv, 4);
  t.equal(flagged.payload, message.payload, 'its own input is not its buffer: no copy');
});

t.test('behind a promise nobody writes over what a reusing session made', async (t) => {
  // Two connections whose promises are settled together, and one buffer that both work in.
  const gate = new Deferred<undefined>();
  const buffers = { decoded: new Uint8Array(64), encoded: new Uint8Array(64) };
  const chains = [0, 1].map(() => {
    const slow = markingSession('s', (result) => gate.promise.then(() => result));
    return chainOf([{ ...slow, keepsPayload: false }, reusingSession('r', buffers)]);
  });
  t.notOk(chains[0]!.keepsPayload);
  const results = chains.map((chain, index) =>
    later(chain.encode(textMessage(`${index}`))).then(textOf),
  );
  gate.resolve(undefined);
  t.strictSame(await Promise.all(results), ['0sr', '1sr']);
});

t.test('whatever the sessions are and however long they take, payloads are right', async (t) => {
  const random = new SeededRandom(91);
  const mismatches = new Mismatches();
  const shared = { decoded: new Uint8Array(64), encoded: new Uint8Array(64) };
  const delay = async (): Promise<void> => {
    for (let ticks = random.below(4); ticks > 0; ticks--) await Promise.resolve();
    if (random.below(3) === 0) await nextTurn();
  };
  const kinds: readonly ((mark: string) => ExtensionSession)[] = [
    (mark) => markingSession(mark),
    (mark) => markingSession(mark, (result) => delay().then(() => result)),
    (mark) => markingSession(mark, (result) => thenableOf(delay().then(() => result))),
    // Is done with the payload at once, and answers later.
    (mark) => ({
      ...markingSession(mark, (result) => delay().then(() => result)),
      keepsPayload: false,
    }),
    // Looks at the payload later.
    (mark) => {
      const marking = markingSession(mark);
      return sessionOf({
        decode: (message, maxBytes) => delay().then(() => marking.decode(message, maxBytes)),
        encode: (message) => delay().then(() => marking.encode(message)),
      });
    },
    (mark) => reusingSession(mark),
    (mark) => reusingSession(mark, shared),
    (mark) => reusingSession(mark, shared),
  ];
  const CHAINS = 60;
  const MESSAGES = 10;
  const direct = async (chain: ExtensionChain, marks: string, direction: Direction, id: string) => {
    for (let index = 0; index < MESSAGES; index++) {
      const plain = `${id}.${index}`;
      const source = textMessage(direction === 'encode' ? plain : plain + marks);
      const result = run(chain, direction, source);
      // The source is reused as well, where nobody keeps anything.
      if (!chain.keepsPayload) source.payload.fill(0x40);
      const text = await (result instanceof Promise ? result.then(textOf) : textOf(result));
      const expected = direction === 'encode' ? plain + marks : plain;
      mismatches.compare(text, expected, () => `${direction} with ${marks}`);
      await delay();
    }
  };
  const all = Array.from({ length: CHAINS }, (_, id) => {
    const marks = Array.from({ length: 1 + random.below(4) }, (_, index) => 'abcd'[index]!);
    const chain = chainOf(marks.map((mark) => random.pick(kinds)(mark)));
    return DIRECTIONS.map((direction) => direct(chain, marks.join(''), direction, `${id}`));
  });
  await within(Promise.all(all.flat()), 'the chains');
  mismatches.assertNone(t, CHAINS * MESSAGES * 2, 'messages');
});

t.test('maxBytes: what decode returns is held to it', async (t) => {
  const making = (length: number): Message => ({
    opcode: 2,
    rsv: 0,
    payload: new Uint8Array(length),
  });
  for (const carry of [
    (length: number) => making(length),
    (length: number) => Promise.resolve(making(length)),
  ]) {
    const chain = (length: number) => chainOf([oneWay('decode', () => carry(length))]);
    for (const length of [0, 9, 10]) {
      t.equal((await chain(length).decode(making(1), 10)).payload.length, length);
    }
    for (const length of [11, 1000]) {
      try {
        await chain(length).decode(making(1), 10);
        t.fail('nothing was thrown');
      } catch (error) {
        t.ok(error instanceof MessageTooBigError);
        t.equal((error as MessageTooBigError).limitBytes, 10);
      }
    }
  }
});

t.test(
  'maxBytes: each extension of several is held to it, and the next one is not called',
  async (t) => {
    let calls = 0;
    const counting = sessionOf({
      decode: (message) => {
        calls++;
        return message;
      },
    });
    // Behind another extension a quarter, 16 and 64 bytes more are allowed.
    const growing = oneWay('decode', () => textMessage('x'.repeat(87)));
    t.throws(
      () => chainOf([counting, growing]).decode(textMessage('x'), 5),
      new MessageTooBigError(86),
    );
    t.equal(calls, 0);
    const fitting = oneWay('decode', () => textMessage('x'.repeat(86)));
    t.throws(
      () => chainOf([counting, fitting]).decode(textMessage('x'), 5),
      new MessageTooBigError(5),
      'what comes out in the end is not',
    );
    t.equal(calls, 1);
    const late = oneWay('decode', () => Promise.resolve(textMessage('x'.repeat(87))));
    await t.rejects(
      Promise.resolve(chainOf([counting, late]).decode(textMessage('x'), 5)),
      new MessageTooBigError(86),
    );
    const shrinking = oneWay('decode', () => textMessage('five!'));
    const chain = chainOf([shrinking, fitting]);
    t.equal(atOnce(chain.decode(textMessage('x'), 5)).payload.length, 5);
  },
);

t.test('maxBytes does not count for what is sent', async (t) => {
  const large = { ...textMessage(''), payload: new Uint8Array(1 << 20) };
  const { payload } = atOnce(chainOf([oneWay('encode', () => large)]).encode(textMessage('x')));
  t.equal(payload, large.payload);
});

t.test('decode: errors of our own about the peer stay as they are', async (t) => {
  for (const thrown of [
    new InvalidPayloadError('deflate-data'),
    new MessageTooBigError(77),
    new PolicyError('too-many-fragments'),
    new ProtocolError('reserved-bit'),
  ]) {
    for (const error of await failuresOf('decode', thrown)) t.equal(error, thrown);
  }
});

t.test('decode: closeCode 1007 is an invalid payload, and the message its reason', async (t) => {
  const thrown = Object.assign(new Error('checksum does not fit'), { closeCode: 1007 });
  for (const error of await failuresOf('decode', thrown)) {
    t.ok(error instanceof InvalidPayloadError);
    const { rule, message } = error as InvalidPayloadError;
    t.strictSame([rule, message], ['extension-data', 'checksum does not fit']);
    t.equal(closeStatusOf(error).code, 1007);
  }
  const bare = { closeCode: 1007, message: 'an object will do' };
  t.match(await failuresOf('decode', bare), [{ message: 'an object will do' }]);
});

t.test(
  'decode: closeCode 1007 without a usable message has the sentence of its rule',
  async (t) => {
    for (const thrown of [
      { closeCode: 1007 },
      { closeCode: 1007, message: 5 },
      Object.assign(new Error(), { closeCode: 1007 }),
    ]) {
      for (const error of await failuresOf('decode', thrown)) {
        t.ok(error instanceof InvalidPayloadError);
        t.equal((error as Error).message, PAYLOAD_RULES['extension-data']);
      }
    }
  },
);

t.test('decode: closeCode 1009 is a message over the limit that was given', async (t) => {
  for (const thrown of [
    Object.assign(new Error('too much'), { closeCode: 1009 }),
    { closeCode: 1009 },
  ]) {
    // Alone it is the last one; behind another one it has more room.
    const limits = [MAX_BYTES, wireLimitBytes(MAX_BYTES, 4, 1)];
    for (const error of await failuresOf('decode', thrown)) {
      t.ok(error instanceof MessageTooBigError);
      t.ok(limits.includes((error as MessageTooBigError).limitBytes));
      t.equal(closeStatusOf(error).code, 1009);
    }
  }
});

/** What may be thrown that says nothing about the peer, and the words for it. */
const OWN_FAULTS: readonly (readonly [thrown: unknown, words: string])[] = [
  [new TypeError('x is not a function'), 'x is not a function'],
  [new Error(''), ''],
  [Object.assign(new Error('other code'), { closeCode: 1002 }), 'other code'],
  [Object.assign(new Error('no number'), { closeCode: '1007' }), 'no number'],
  ['a string', 'a string'],
  [undefined, 'undefined'],
  [null, 'null'],
  [1007, '1007'],
  [Symbol('sign'), 'Symbol(sign)'],
  [{ toString: () => 'an object' }, 'an object'],
  [Object.create(null), 'something without a text'],
];

t.test('everything else is the extension’s own fault, with its cause', async (t) => {
  for (const direction of DIRECTIONS) {
    for (const [thrown, words] of OWN_FAULTS) {
      for (const error of await failuresOf(direction, thrown)) {
        t.ok(error instanceof ExtensionError, words);
        t.equal((error as Error).cause, thrown);
        t.match((error as Error).message, /^extension x[01] failed in (en|de)code: /);
        t.ok((error as Error).message.endsWith(`code: ${words}`), words);
        t.ok((error as Error).message.includes(direction));
        t.equal(closeStatusOf(error).code, 1011);
      }
    }
  }
});

t.test('encode: nothing is the peer’s fault', async (t) => {
  for (const thrown of [
    Object.assign(new Error('mine'), { closeCode: 1007 }),
    Object.assign(new Error('mine'), { closeCode: 1009 }),
    new InvalidPayloadError('deflate-data'),
    new MessageTooBigError(3),
  ]) {
    for (const error of await failuresOf('encode', thrown)) {
      t.ok(error instanceof ExtensionError);
      t.equal((error as Error).cause, thrown);
      t.equal(closeStatusOf(error).code, 1011);
    }
  }
});

t.test('an error ends the message: nobody behind it is called', async (t) => {
  for (const carry of [
    (message: Message) => message,
    (message: Message) => Promise.resolve(message),
  ]) {
    const calls: string[] = [];
    const sessionNamed = (name: string, isFailing: boolean): ExtensionSession =>
      sessionOf({
        encode: (message) => {
          calls.push(name);
          if (isFailing) throw new Error('over');
          return carry(message);
        },
      });
    const chain = chainOf([
      sessionNamed('a', false),
      sessionNamed('b', true),
      sessionNamed('c', false),
    ]);
    await t.rejects(async () => await chain.encode(textMessage('x')), {
      message: /^extension x1 /,
    });
    t.strictSame(calls, ['a', 'b']);
  }
});

t.test('what is not a message is the extension’s own fault', async (t) => {
  const payload = new Uint8Array(1);
  const wrong: readonly unknown[] = [
    ...[undefined, null, 0, true, 'text', Symbol('x'), payload, [], {}, () => undefined],
    { opcode: 1, rsv: 0 },
    { opcode: 1, payload },
    { rsv: 0, payload },
    // Frames of other kinds, and what only looks like a number (RFC 6455 §5.2).
    ...[0, 3, 8, 9, 10, -1, 1.5, '1', null].map((opcode) => ({ opcode, rsv: 0, payload })),
    ...[-1, 8, 16, 0.5, NaN, Infinity, 2 ** 32, '4', null].map((rsv) => ({
      opcode: 1,
      rsv,
      payload,
    })),
    ...['text', [1], payload.buffer, new DataView(payload.buffer), new Uint16Array(1), null].map(
      (odd) => ({ opcode: 1, rsv: 0, payload: odd }),
    ),
  ];
  for (const direction of DIRECTIONS) {
    for (const result of wrong) {
      for (const carry of [() => result, () => Promise.resolve(result)]) {
        const chain = chainOf([oneWay(direction, carry as () => Message)]);
        await t.rejects(
          async () => await run(chain, direction, textMessage('x')),
          { name: 'ExtensionError', message: `extension x0: ${direction} must return a message` },
          typeof result,
        );
      }
    }
  }
});

t.test('Buffers and instances of classes are messages too', async (t) => {
  class Lazy {
    readonly opcode = 2;
    readonly rsv = 0;

    get payload(): Uint8Array {
      return Buffer.from('lazy');
    }
  }
  t.equal(
    textOf(atOnce(chainOf([oneWay('encode', () => new Lazy())]).encode(textMessage('')))),
    'lazy',
  );
});

t.test('§5.2: a reserved bit that nobody has agreed on is the extension’s own fault', async (t) => {
  for (const direction of DIRECTIONS) {
    for (let reserved = 0; reserved <= 7; reserved++) {
      for (let rsv = 0; rsv <= 7; rsv++) {
        const chain = chainOf([oneWay(direction, () => textMessage('x', rsv))], reserved);
        if ((rsv & reserved) === rsv) {
          t.equal(atOnce(run(chain, direction, textMessage('x'))).rsv, rsv);
        } else {
          t.throws(() => run(chain, direction, textMessage('x')), {
            name: 'ExtensionError',
            message: `extension x0: ${direction} set a bit that is not reserved`,
          });
        }
      }
    }
  }
});

t.test('stats: by name, without those that say nothing', async (t) => {
  const stats = { ratioIn: 2 };
  const chain = new ExtensionChain(
    [
      linkOf('one', sessionOf({ stats })),
      linkOf('without', sessionOf()),
      linkOf('null', sessionOf({ stats: null })),
      linkOf('throwing', {
        ...sessionOf(),
        close: () => undefined,
        get stats(): object {
          throw new Error('not now');
        },
      }),
      linkOf('__proto__', sessionOf({ stats: { odd: true } })),
    ],
    0,
  );
  t.strictSame(Object.entries(chain.stats), [
    ['one', stats],
    ['__proto__', { odd: true }],
  ]);
  chain.close(unexpected);
  t.strictSame(chain.stats['one'], stats, 'also at the end');
  t.strictSame(chainOf([]).stats, {});
});

t.test(
  'held bytes: the sum of what the sessions say, as far as it is a number of bytes',
  async (t) => {
    t.equal(chainOf([]).heldBytes, 0);
    t.equal(chainOf([sessionOf()]).heldBytes, 0, 'one that says nothing');
    let held = 1000;
    const withGetter = (get: () => number): ExtensionSession =>
      Object.defineProperty(sessionOf(), 'heldBytes', { get });
    const telling = withGetter(() => held);
    const odd = [-5, NaN, '7', null, {}].map((heldBytes) =>
      sessionOf({ heldBytes: heldBytes as number }),
    );
    const throwing = withGetter(() => {
      throw new Error('broken');
    });
    const chain = chainOf([telling, sessionOf({ heldBytes: 24 }), ...odd, throwing]);
    t.equal(chain.heldBytes, 1024);
    held = 0;
    t.equal(chain.heldBytes, 24);
  },
);

t.test('close: everybody once', async (t) => {
  const closed: number[] = [];
  const chain = chainOf([0, 1, 2].map((index) => sessionOf({ close: () => closed.push(index) })));
  chain.close(unexpected);
  chain.close(unexpected);
  t.strictSame(closed.sort(), [0, 1, 2]);
});

t.test('close: one that throws does not keep the others from it', async (t) => {
  for (const [thrown, words] of OWN_FAULTS) {
    const closed: number[] = [];
    const chain = chainOf(
      [0, 1, 2].map((index) =>
        sessionOf({
          close: () => {
            closed.push(index);
            if (index !== 2) throw thrown;
          },
        }),
      ),
    );
    const errors: ExtensionError[] = [];
    chain.close((error) => errors.push(error));
    t.strictSame(
      errors.map(({ message }) => message),
      [0, 1].map((index) => `extension x${index} failed in close: ${words}`),
    );
    t.ok(errors.every(({ cause }) => cause === thrown));
    t.strictSame(closed.sort(), [0, 1, 2]);
    chain.close(unexpected);
    t.equal(closed.length, 3);
  }
});

t.test('close: a session that is closed gets no message any more', async (t) => {
  for (const direction of DIRECTIONS) {
    const gate = new Deferred<Message>();
    const calls: string[] = [];
    const counting = sessionOf({
      [direction]: (message: Message) => {
        calls.push('a message');
        return message;
      },
      close: () => calls.push('close'),
    });
    const slow = oneWay(direction, () => gate.promise);
    const chain = chainOf(direction === 'encode' ? [slow, counting] : [counting, slow]);
    const result = run(chain, direction, textMessage('x')) as Promise<Message>;
    chain.close(unexpected);
    gate.resolve(textMessage('late'));
    await t.rejects(within(result, 'the end'), {
      name: 'ExtensionError',
      message: new RegExp(`^extension x[01]: closed in ${direction}$`),
    });
    t.strictSame(calls, ['close']);
  }
});

t.test('close: what is rejected later is no unhandled rejection', async (t) => {
  const gate = new Deferred<Message>();
  const chain = chainOf([oneWay('decode', () => gate.promise)]);
  const result = chain.decode(textMessage('x'), MAX_BYTES) as Promise<Message>;
  chain.close(unexpected);
  gate.reject(new Error('closed'));
  await t.rejects(result, ExtensionError);
  await sleep(1);
});
