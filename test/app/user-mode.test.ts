import t from 'tap';
import type { ModeSession, Session, SessionSummary } from '../../src/session/session.js';
import {
  MODE_CALLS,
  type PendingRequest as UpgradeRequest,
  type UserMode,
  readMode,
} from '../../src/app/user-mode.js';
import type { UpgradeResponse } from '../../src/handshake/upgrade-response.js';
import type { Refuse } from '../../src/modes/user-module.js';

const refuse: Refuse = (clause) => {
  throw new Error(clause);
};

const call = (): void => undefined;

t.test('a mode keeps its delivery, its state and all that it is called with', async (t) => {
  class Odd {
    readonly name = 'odd';
    readonly delivery = 'chunks';
    readonly calls: unknown[][] = [];
    chunk(...given: unknown[]): void {
      this.calls.push(given);
    }
  }
  const given = Object.freeze(new Odd());
  const mode = readMode(given, refuse);
  t.match(mode, { name: 'odd', delivery: 'chunks' });
  const session = {} as ModeSession;
  mode.chunk!(session, 2, Uint8Array.of(0, 1, 2, 3), 1, 3, true, false);
  t.strictSame(given.calls, [[session, Buffer.of(1, 2), true, true, false]]);
});

t.test('nothing of it is lost', async (t) => {
  const given: UserMode = {
    name: 'a',
    delivery: 'chunks',
    receiveAfterClose: true,
    unsupportedSubprotocols: ['base64'],
    defaults: { origin: ['https://good.example'], deflate: false },
    ...Object.fromEntries(MODE_CALLS.map((name) => [name, () => name])),
  };
  const mode = readMode(given, refuse);
  t.equal(
    Object.keys(mode).length,
    Object.keys(given).length + 1,
    'and what hears of clients that left',
  );
  t.match(mode, {
    name: 'a',
    delivery: 'chunks',
    receiveAfterClose: true,
    unsupportedSubprotocols: ['base64'],
    defaults: { origin: ['https://good.example'], deflate: false },
  });
  const bytes = Buffer.from('a');
  for (const name of MODE_CALLS) {
    const called = Reflect.get(mode, name) as (...given: unknown[]) => unknown;
    const args = name === 'ping' || name === 'pong' ? [bytes, 0, 1] : [1, bytes, 0, 1];
    t.equal(called({}, ...args), name, name);
  }
});

t.test('defaults: each may be left out', async (t) => {
  const read = (defaults: unknown): unknown =>
    readMode({ name: 'a', message: call, defaults }, refuse).defaults;
  for (const defaults of [
    undefined,
    {},
    { origin: 'same' },
    { origin: 'any', deflate: true },
    { deflate: false },
    { origin: ['https://a.example', 'https://b.example:8443'] },
  ])
    t.strictSame(read(defaults), defaults);
  t.strictSame(read({ origin: 'auto', deflate: undefined }), {}, 'which says nothing');
});

t.test('a member is read once, whatever it says the second time', async (t) => {
  const reads: string[] = [];
  const given = new Proxy<Record<string, unknown>>(
    { name: 'a', message: call, defaults: { deflate: false } },
    {
      get: (target, name: string) => {
        if (reads.includes(name)) throw new Error('again');
        reads.push(name);
        return target[name];
      },
    },
  );
  t.match(readMode(given, refuse), { name: 'a', defaults: { deflate: false } });
});

t.test('a member that cannot be read', async (t) => {
  const broken = (name: string): object =>
    Object.defineProperty({ name: 'a', message: call }, name, {
      get: () => {
        throw new Error('not today');
      },
    });
  for (const name of ['name', 'delivery', 'receiveAfterClose', 'defaults', ...MODE_CALLS]) {
    const clause = `${name} of a mode cannot be read: not today`;
    t.throws(() => readMode(broken(name), refuse), new Error(clause));
  }
  const defaults = {
    get origin(): never {
      throw new Error('not today');
    },
  };
  t.throws(
    () => readMode({ name: 'a', message: call, defaults }, refuse),
    new Error('defaults.origin of a mode cannot be read: not today'),
  );
});

t.test('without a delivery it gets messages, and stays who it is', async (t) => {
  class Counting {
    readonly name = 'counting';
    #count = 0;
    open(): void {
      this.#count += 1;
    }
    message(): void {
      this.#count += 10;
    }
    get count(): number {
      return this.#count;
    }
  }
  const given = Object.freeze(new Counting());
  const mode = readMode(given, refuse);
  t.equal(mode.name, 'counting');
  t.equal(mode.delivery, 'messages');
  mode.open!({} as ModeSession);
  mode.message!({} as ModeSession, 1, Buffer.from('a'), 0, 1);
  t.equal(given.count, 11, 'its own state');
  t.notOk('close' in mode, 'what it does not have is not made up');
  t.notOk('delivery' in given);
});

t.test('what is wrong with it', async (t) => {
  const object = 'a mode must be an object such as { name, message }';
  for (const [given, clause] of [
    [undefined, `${object}, not undefined`],
    [null, `${object}, not null`],
    ['echo', `${object}, not "echo"`],
    [call, `${object}, not a function`],
    [{ message: call }, 'the name of a mode must be a text, not undefined'],
    [{ name: '', message: call }, 'the name of a mode must be a text, not ""'],
    [{ name: 7, message: call }, 'the name of a mode must be a text, not 7'],
    [
      { name: 'a', delivery: 'stream', message: call },
      'the delivery of a mode must be "messages" or "chunks", not "stream"',
    ],
    [
      { name: 'a', delivery: null, message: call },
      'the delivery of a mode must be "messages" or "chunks", not null',
    ],
    [{ name: 'a', message: 'no' }, 'message of a mode must be a function, not "no"'],
    [{ name: 'a', message: call, close: {} }, 'close of a mode must be a function, not {}'],
    [
      { name: 'a', message: call, receiveAfterClose: 1 },
      'receiveAfterClose of a mode must be true or false, not 1',
    ],
    ...['base64', [1]].map(
      (unsupportedSubprotocols) =>
        [
          { name: 'a', message: call, unsupportedSubprotocols },
          `unsupportedSubprotocols of a mode must be an array of texts, not ${JSON.stringify(unsupportedSubprotocols)}`,
        ] as const,
    ),
    ...[1, null, 'same', ['same'], call].map(
      (defaults) =>
        [
          { name: 'a', message: call, defaults },
          `defaults of a mode must be an object such as { origin, deflate }, not ${
            typeof defaults === 'function' ? 'a function' : JSON.stringify(defaults)
          }`,
        ] as const,
    ),
    [
      { name: 'a', message: call, defaults: { origins: 'same' } },
      'defaults of a mode has an unknown key "origins"; did you mean origin?',
    ],
    [
      { name: 'a', message: call, defaults: { compression: true } },
      'defaults of a mode has an unknown key "compression"; it can have origin and deflate',
    ],
    [
      { name: 'a', message: call, defaults: { deflate: 'no' } },
      'defaults.deflate of a mode must be true or false, not "no"',
    ],
    ...[7, 'https://a.example/', [], ['https://a.example', 1]].map(
      (origin) =>
        [
          { name: 'a', message: call, defaults: { origin } },
          `defaults.origin of a mode cannot be ${JSON.stringify(origin)}: `,
        ] as const,
    ),
    [{ name: 'a' }, 'a mode with delivery "messages" needs the function message'],
    [{ name: 'a', chunk: call }, 'a mode with delivery "messages" needs the function message'],
    [
      { name: 'a', delivery: 'chunks', message: call },
      'a mode with delivery "chunks" needs the function chunk',
    ],
  ] as const) {
    const rest = clause.endsWith(': ') ? 'give auto, any, ' : '';
    const thrown = (): unknown => readMode(given, refuse);
    t.throws(thrown, Error, clause);
    try {
      thrown();
    } catch (error) {
      const { message } = error as Error;
      t.equal(rest === '' ? message : message.slice(0, (clause + rest).length), clause + rest);
    }
  }
});

t.test('a payload is a view, and is said to be text or binary', async (t) => {
  const told: unknown[] = [];
  const tell =
    (name: string) =>
    (_session: unknown, ...given: readonly unknown[]): void => {
      told.push([name, ...given]);
    };
  const names = ['message', 'chunk', 'ping', 'pong', 'closing', 'close'] as const;
  const calls = Object.fromEntries(names.map((name) => [name, tell(name)]));
  const mode = readMode({ name: 'a', ...calls }, refuse);
  const session = {} as ModeSession;
  const bytes = Uint8Array.of(0, 0x61, 0x62, 0);
  mode.message!(session, 1, bytes, 1, 3);
  mode.message!(session, 2, Buffer.from(bytes), 1, 1);
  mode.chunk!(session, 1, bytes, 1, 2, false, true);
  mode.ping!(session, bytes, 1, 3);
  mode.pong!(session, bytes, 2, 3);
  void mode.closing!(session, { code: 1005, reason: '' });
  const summary = { closeCode: 1001, closeReason: 'away' } as SessionSummary;
  mode.close!(session, summary);
  t.strictSame(told, [
    ['message', Buffer.from('ab'), false],
    ['message', Buffer.alloc(0), true],
    ['chunk', Buffer.from('a'), false, false, true],
    ['ping', Buffer.from('ab')],
    ['pong', Buffer.from('b')],
    ['closing', 1005, ''],
    ['close', 1001, 'away', summary],
  ]);
});

t.test('names that members had before are refused with those that they have now', async (t) => {
  for (const [given, clause] of [
    [{ opened: call }, 'opened of a mode is now open'],
    [{ piece: call }, 'piece of a mode is now chunk'],
    [{ drained: call }, 'drained of a mode is now drain'],
    [{ peerClosed: call }, 'peerClosed of a mode is now closing'],
    [{ closed: call }, 'closed of a mode is now close'],
    [{ abandoned: call }, 'abandoned of a mode is now request.signal in upgrade'],
    [{ hearsOut: true }, 'hearsOut of a mode is now receiveAfterClose'],
    [{ delivery: 'pieces' }, 'the delivery "pieces" of a mode is now "chunks"'],
  ] as const)
    t.throws(() => readMode({ name: 'a', message: call, ...given }, refuse), new Error(clause));
});

t.test('the signal of a handshake aborts when nobody waits for it any more', async (t) => {
  const signals: AbortSignal[] = [];
  const responses: UpgradeResponse[] = [];
  const mode = readMode(
    {
      name: 'a',
      message: call,
      upgrade(_session: Session, request: UpgradeRequest, response: UpgradeResponse) {
        t.equal(request.path, '/room');
        responses.push(response);
        if (request.query !== 'unread') signals.push(request.signal, request.signal);
      },
    },
    refuse,
  );
  const response = {} as UpgradeResponse;
  const begin = (query: string): ModeSession => {
    const session = {} as ModeSession;
    void mode.upgrade!(session, { path: '/room', query } as UpgradeRequest, response);
    return session;
  };
  const left = begin('');
  t.equal(signals[0], signals[1], 'one for each handshake');
  t.equal(responses[0], response);
  const open = begin('');
  const unread = begin('unread');
  mode.open!(open);
  for (const session of [left, open, unread]) mode.abandoned!(session);
  t.ok(signals[0]!.aborted);
  t.notOk(signals[2]!.aborted, 'it is answered');
  t.equal(signals.length, 4);
  const failed: unknown[] = [];
  const failing = {
    ...begin(''),
    fail: (error: unknown) => failed.push(error),
  } as unknown as ModeSession;
  void mode.upgrade!(failing, { path: '/room', query: '' } as UpgradeRequest, response);
  const boom = new Error('boom');
  signals.at(-1)!.addEventListener('abort', () => {
    throw boom;
  });
  mode.abandoned!(failing);
  t.strictSame(failed, [boom], 'what a listener throws is its own session’s');
  const without = readMode({ name: 'a', message: call }, refuse);
  t.notOk('open' in without || 'abandoned' in without, 'for a mode without upgrade there is none');
});
