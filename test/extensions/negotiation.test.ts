import t from 'tap';
import { NegotiationError } from '../../src/errors.js';
import { type ExtensionOffer, parseExtensionHeader } from '../../src/extensions/header.js';
import type { Extension, ExtensionSession } from '../../src/extensions/extension.js';
import { negotiate } from '../../src/extensions/negotiation.js';
import { offersOf, sessionOf, textMessage, unexpected } from '../fixtures/extensions.js';

/** What the extensions of a test were asked, in order. */
class CallLog {
  readonly calls: string[] = [];

  /** An extension that accepts everything, but for what is given, and writes down its calls. */
  extension(name: string, parts: Partial<ExtensionSession> = {}): Extension {
    const session = sessionOf({ response: () => name, ...parts });
    const log = (call: string): void => {
      this.calls.push(`${name} ${call}`);
    };
    return {
      name,
      create: () => {
        log('create');
        return {
          ...session,
          init: (offers) => {
            log(`init ${offers.map(textOfOffer).join(', ')}`);
            session.init(offers);
          },
          get enabled() {
            return session.enabled;
          },
          response: () => {
            log('response');
            return session.response();
          },
          reserveRsv: (reserved) => {
            log(`reserveRsv ${reserved}`);
            return session.reserveRsv(reserved);
          },
          close: () => {
            log('close');
            session.close();
          },
        };
      },
    };
  }
}

function textOfOffer({ name, params }: ExtensionOffer): string {
  return [name, ...params.map((param) => `${param.name}=${param.value ?? ''}`)].join(';');
}

/** The offers of a header, which is well-formed. */
function offered(header: string): ExtensionOffer[] {
  return parseExtensionHeader([header])!;
}

/** An extension of somebody who does not know our types. */
function foreign(name: string, create: () => unknown): Extension {
  return { name, create: create as () => ExtensionSession };
}

/** What is thrown, on its way through a type that has no room for it. */
function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

t.test('nothing on offer, or nothing to offer it to: no extension is asked', async (t) => {
  const nothing = { chain: null, response: null, declined: [] };
  const log = new CallLog();
  t.strictSame(negotiate([log.extension('a')], []), nothing);
  t.strictSame(negotiate([], offersOf('a')), nothing);
  t.strictSame(negotiate([], []), nothing);
  t.strictSame(log.calls, []);
});

t.test('§9.1: an extension that nobody knows is left out', async (t) => {
  const log = new CallLog();
  const nothing = { chain: null, response: null, declined: [] };
  t.strictSame(negotiate([log.extension('a')], offersOf('b', 'A', 'aa', 'constructor')), nothing);
  t.strictSame(log.calls, []);
  const { response, declined } = negotiate([log.extension('a')], offersOf('b', 'a', 'c'));
  t.equal(response, 'a');
  t.strictSame(declined, []);
});

t.test('an offer that is accepted', async (t) => {
  const log = new CallLog();
  const { chain, response, declined } = negotiate(
    [log.extension('a', { response: () => 'a; level=3; quoted="4"', reserveRsv: () => 2 })],
    offered('a; level'),
  );
  t.equal(response, 'a; level=3; quoted="4"');
  t.equal(chain?.reservedRsv, 2);
  t.strictSame(declined, []);
  t.strictSame(log.calls, ['a create', 'a init a;level=', 'a response', 'a reserveRsv 0']);
  chain?.close(unexpected);
  t.equal(log.calls.at(-1), 'a close');
});

t.test('§9.1: the order is the client’s, by its first offer of each name', async (t) => {
  const log = new CallLog();
  const order: string[] = [];
  const extensions = ['a', 'b', 'c'].map((name) =>
    log.extension(name, {
      encode: (message) => {
        order.push(`encode ${name}`);
        return message;
      },
      decode: (message) => {
        order.push(`decode ${name}`);
        return message;
      },
    }),
  );
  const { chain, response } = negotiate(extensions, offersOf('c', 'a', 'c', 'b', 'a'));
  t.equal(response, 'c, a, b');
  chain!.encode(textMessage('x'));
  chain!.decode(textMessage('x'), 1);
  t.strictSame(order, [
    ...['encode c', 'encode a', 'encode b'],
    ...['decode b', 'decode a', 'decode c'],
  ]);
  t.strictSame(
    log.calls.filter((call) => call.endsWith('create')),
    ['c create', 'a create', 'b create'],
    'one session for each name',
  );
});

t.test('§5.1: all offers of one name together, in the client’s order', async (t) => {
  const log = new CallLog();
  negotiate(
    [log.extension('a'), log.extension('b')],
    offered('b; x=1, a; p; q=2, unknown, b, a; p="3", b; x=1'),
  );
  t.strictSame(
    log.calls.filter((call) => call.includes(' init ')),
    ['b init b;x=1, b, b;x=1', 'a init a;p=;q=2, a;p=3'],
  );
});

t.test('two extensions of one name: the first one is asked', async (t) => {
  const log = new CallLog();
  const { chain, response } = negotiate(
    [
      log.extension('a', { response: () => 'a; first' }),
      log.extension('a', { response: () => 'a; second' }),
    ],
    offersOf('a', 'a'),
  );
  t.equal(response, 'a; first');
  t.strictSame(log.calls, ['a create', 'a init a, a', 'a response', 'a reserveRsv 0']);
  t.ok(chain);
});

t.test('each connection has sessions of its own', async (t) => {
  const log = new CallLog();
  const extension = log.extension('a');
  const [one, other] = [0, 1].map(() => negotiate([extension], offersOf('a')).chain!);
  one!.close(unexpected);
  t.equal(log.calls.filter((call) => call === 'a create').length, 2);
  t.equal(log.calls.filter((call) => call === 'a close').length, 1);
  other!.close(unexpected);
  t.equal(log.calls.filter((call) => call === 'a close').length, 2);
});

class WindowError extends NegotiationError {}

/** Ways to decline, whose fault it is, and in which words. */
const REFUSALS: readonly (readonly [
  what: string,
  parts: Partial<ExtensionSession>,
  why: string,
  reason: string,
])[] = [
  ['not enabled', { enabled: false }, 'offer', 'no offer is accepted'],
  ['response null', { response: () => null }, 'offer', 'no offer is accepted'],
  ['NegotiationError', { init: throwing(new NegotiationError('no window')) }, 'offer', 'no window'],
  ['a kind of it', { init: throwing(new WindowError('small window')) }, 'offer', 'small window'],
  [
    'one of that name',
    { init: throwing(Object.assign(new Error('by name'), { name: 'NegotiationError' })) },
    'offer',
    'by name',
  ],
  [
    'NegotiationError of response',
    { response: throwing(new NegotiationError('too late')) },
    'offer',
    'too late',
  ],
  ['another error', { init: throwing(new TypeError('a bug')) }, 'defect', 'a bug'],
  ['another error of response', { response: throwing(new Error('a bug')) }, 'defect', 'a bug'],
  ['a string', { init: throwing('just text') }, 'defect', 'just text'],
  ['undefined', { init: throwing(undefined) }, 'defect', 'undefined'],
  ['null', { init: throwing(null) }, 'defect', 'null'],
  ['no text at all', { init: throwing(Object.create(null)) }, 'defect', 'something without a text'],
  [
    'an error in place of a bit',
    { reserveRsv: throwing(new Error('RSV1 is taken')) },
    'reserved-bit',
    'RSV1 is taken',
  ],
  ['undefined in place of a bit', { reserveRsv: throwing(undefined) }, 'reserved-bit', 'undefined'],
];

t.test(
  'an extension that is declined: closed, logged, and the next name has its turn',
  async (t) => {
    for (const [what, parts, why, reason] of REFUSALS) {
      const log = new CallLog();
      const extensions = [log.extension('no', parts), log.extension('yes')];
      const { chain, response, declined } = negotiate(extensions, offersOf('no', 'yes', 'no'));
      t.strictSame(declined, [{ name: 'no', reason, why }], what);
      t.equal(response, 'yes');
      t.equal(chain?.reservedRsv, 0);
      t.strictSame(
        log.calls.filter((call) => call.endsWith('close')),
        ['no close'],
        what,
      );
      t.ok(log.calls.indexOf('no close') < log.calls.indexOf('yes create'), what);
      chain!.close(unexpected);
      t.equal(log.calls.filter((call) => call === 'no close').length, 1, 'it is closed once');
    }
  },
);

t.test('all are declined: no chain, no header', async (t) => {
  const log = new CallLog();
  const { chain, response, declined } = negotiate(
    [log.extension('a', { enabled: false }), log.extension('b', { init: throwing('odd') })],
    offersOf('b', 'a'),
  );
  t.strictSame([chain, response], [null, null]);
  t.strictSame(
    declined.map(({ name, why }) => `${name} ${why}`),
    ['b defect', 'a offer'],
  );
});

t.test('a session that is not enabled is asked for nothing more', async (t) => {
  const log = new CallLog();
  negotiate([log.extension('a', { enabled: false })], offersOf('a'));
  t.strictSame(log.calls, ['a create', 'a init a', 'a close']);
});

t.test('a response is one element of the extension’s own name', async (t) => {
  const accepted = ['a', 'a; p', 'a;p=1;q="2"', 'a ; p = 1', ' a', 'a; p="\\1"'];
  for (const text of accepted) {
    const log = new CallLog();
    const { response, declined } = negotiate(
      [log.extension('a', { response: () => text })],
      offersOf('a'),
    );
    t.equal(response, text);
    t.strictSame(declined, []);
  }
  const refused: readonly unknown[] = [
    ...['', ' ', ';', 'a;', 'a; p=', 'a; =1', 'a b', 'a; p="1', '"a"', 'a=1'],
    // Of another name.
    ...['b', 'A', 'ab', 'b; a', 'b, a'],
    // More than one element, and those that are empty: a client may not skip them.
    ...['a, a', 'a, b', 'a; p, a; q', 'a,', ',a', 'a, ', 'a,,'],
    // What would break the head of the answer apart.
    ...['a\r\nSet-Cookie: x=1', 'a\r\n', 'a\n', 'a\r', 'a; p\r\n', 'a\r\n\r\nbody', '\r\na'],
    ...['a;\tp', 'a\0', 'a; p="\r\n"', 'a; p="a b"', 'a; p="é"', 'ä'],
    // No text at all.
    ...[undefined, true, 5, ['a'], { toString: () => 'a' }],
  ];
  for (const text of refused) {
    const log = new CallLog();
    const { chain, response, declined } = negotiate(
      [log.extension('a', { response: () => text as string })],
      offersOf('a'),
    );
    t.strictSame([chain, response], [null, null], JSON.stringify(text));
    t.strictSame(
      declined,
      [
        {
          name: 'a',
          reason: 'response must be one element that begins with a',
          why: 'defect',
        },
      ],
      JSON.stringify(text),
    );
    t.equal(log.calls.at(-1), 'a close');
  }
});

t.test('§9.2: each extension sees the bits that those before it have taken', async (t) => {
  const log = new CallLog();
  const names = ['a', 'b', 'c', 'd'];
  const bits = { a: 4, b: 0, c: 1, d: 2 };
  const { chain, response } = negotiate(
    Object.entries(bits).map(([name, bit]) => log.extension(name, { reserveRsv: () => bit })),
    offersOf(...names),
  );
  t.equal(response, 'a, b, c, d');
  t.equal(chain?.reservedRsv, 7);
  t.strictSame(
    log.calls.filter((call) => call.includes('reserveRsv')),
    ['a reserveRsv 0', 'b reserveRsv 4', 'c reserveRsv 4', 'd reserveRsv 5'],
  );
});

t.test('§5.1: a bit that two need: the later one is disabled, and nothing else', async (t) => {
  const conflict = 'a reserved bit that it needs is taken';
  for (const [what, reserveRsv, reason] of [
    ['returned all the same', () => 6, conflict],
    [
      'seen by itself',
      (reserved: number) => {
        if ((reserved & 6) !== 0) throw new Error('mine is taken');
        return 6;
      },
      'mine is taken',
    ],
  ] as const) {
    const log = new CallLog();
    const extensions = [
      log.extension('first', { reserveRsv: () => 4 }),
      log.extension('late', { reserveRsv }),
      log.extension('last', { reserveRsv: () => 2 }),
    ];
    const one = negotiate(extensions, offersOf('first', 'late', 'last'));
    t.strictSame(one.declined, [{ name: 'late', reason, why: 'reserved-bit' }], what);
    t.equal(one.response, 'first, last');
    t.equal(one.chain?.reservedRsv, 6, 'its bits are free for others');
    t.ok(log.calls.includes('last reserveRsv 4'));
    t.strictSame(
      log.calls.filter((call) => call.endsWith('close')),
      ['late close'],
    );
    const other = negotiate(extensions, offersOf('late', 'first', 'last'));
    t.equal(other.response, 'late', 'whoever is offered first has it');
    t.equal(other.chain?.reservedRsv, 6);
    t.strictSame(
      other.declined.map(({ name }) => name),
      ['first', 'last'],
    );
  }
});

t.test('nonsense in place of reserved bits is the extension’s own fault', async (t) => {
  const odd: readonly unknown[] = [
    ...[-1, 8, 12, 0.5, NaN, Infinity, 2 ** 32, 2 ** 32 + 4],
    ...['4', true, null, undefined, [4], {}, 4n],
  ];
  for (const bits of odd) {
    const log = new CallLog();
    const { chain, declined } = negotiate(
      [log.extension('a', { reserveRsv: () => bits as number }), log.extension('b')],
      offersOf('a', 'b'),
    );
    const reason = 'reserveRsv must return bits from 0 to 7';
    t.strictSame(declined, [{ name: 'a', reason, why: 'defect' }], typeof bits);
    t.equal(chain?.reservedRsv, 0);
    t.ok(log.calls.includes('a close'));
  }
});

t.test('create that throws, or makes no session', async (t) => {
  const defects: readonly (readonly [() => unknown, RegExp])[] = [
    [throwing(new Error('no memory')), /^no memory$/],
    [throwing(undefined), /^undefined$/],
    [() => undefined, /undefined/],
    [() => null, /null/],
    [() => 5, /not a function/],
    [() => ({}), /not a function/],
    [async () => sessionOf({ response: () => 'a' }), /^create must not return a promise$/],
    [() => ({ init: () => undefined, enabled: true }), /not a function/],
  ];
  for (const [create, reason] of defects) {
    const log = new CallLog();
    const { response, declined } = negotiate(
      [foreign('a', create), log.extension('b')],
      offersOf('a', 'b'),
    );
    t.match(declined, [{ name: 'a', reason, why: 'defect' }]);
    t.equal(declined.length, 1);
    t.equal(response, 'b');
  }
  const declining = throwing(new NegotiationError('not today'));
  t.strictSame(negotiate([foreign('a', declining)], offersOf('a')).declined, [
    { name: 'a', reason: 'not today', why: 'offer' },
  ]);
});

t.test('close that throws changes nothing about why it is declined', async (t) => {
  for (const thrown of [new Error('close'), undefined, Object.create(null) as unknown]) {
    const log = new CallLog();
    const { response, declined } = negotiate(
      [
        log.extension('a', { enabled: false, close: throwing(thrown) }),
        log.extension('b', { close: throwing(thrown) }),
      ],
      offersOf('a', 'b'),
    );
    t.equal(response, 'b');
    t.strictSame(declined, [{ name: 'a', reason: 'no offer is accepted', why: 'offer' }]);
    t.ok(log.calls.includes('a close'));
  }
});

t.test('sessions are called as methods', async (t) => {
  class Session {
    readonly #own = 'a';
    #isEnabled = false;

    get enabled(): boolean {
      return this.#isEnabled;
    }

    init(): void {
      this.#isEnabled = true;
    }

    response(): string {
      return this.#own;
    }

    reserveRsv(): number {
      return this.#own.length;
    }
  }
  class Own {
    readonly name = 'a';
    readonly #make = (): unknown => new Session();

    create(): ExtensionSession {
      return this.#make() as ExtensionSession;
    }
  }
  const { chain, response, declined } = negotiate([new Own()], offersOf('a'));
  t.strictSame(declined, []);
  t.equal(response, 'a');
  t.equal(chain?.reservedRsv, 1);
});

t.test('what one client got is not what the next one gets', async (t) => {
  const log = new CallLog();
  const offers = offersOf('a', 'b');
  const extensions = [log.extension('a'), log.extension('b')];
  Object.freeze(offers);
  Object.freeze(extensions);
  const results = [0, 1].map(() => negotiate(extensions, offers));
  t.not(results[0]!.chain, results[1]!.chain);
  t.equal(results[0]!.response, results[1]!.response);
});

t.test('what must be there at once is no promise', async (t) => {
  const rejecting = async (): Promise<never> => Promise.reject(new Error('later'));
  for (const [parts, reason] of [
    [{ init: rejecting }, 'init must not return a promise'],
    [{ response: rejecting }, 'response must not return a promise'],
    [{ reserveRsv: rejecting }, 'reserveRsv must not return a promise'],
    [{ enabled: rejecting() }, 'enabled must be true or false'],
    [{ enabled: 1 }, 'enabled must be true or false'],
    [{ keepsPayload: rejecting() }, 'keepsPayload must be true or false'],
    [{ keepsPayload: 0 }, 'keepsPayload must be true or false'],
  ] as const) {
    const session = sessionOf({ response: () => 'a', ...(parts as Partial<ExtensionSession>) });
    const { chain, declined } = negotiate([{ name: 'a', create: () => session }], offersOf('a'));
    t.equal(chain, null);
    t.strictSame(declined, [{ name: 'a', reason, why: 'defect' }]);
  }
  const closing = sessionOf({ enabled: false, close: rejecting as unknown as () => void });
  negotiate([{ name: 'a', create: () => closing }], offersOf('a'));
  await new Promise(setImmediate);
});
