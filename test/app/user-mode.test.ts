import t from 'tap';
import type { Session } from '../../src/session/session.js';
import { MODE_CALLS, type Refuse, type UserMode, readMode } from '../../src/app/user-mode.js';

const refuse: Refuse = (clause) => {
  throw new Error(clause);
};

const call = (): void => undefined;

t.test('a mode keeps its delivery, its state and all that it is called with', async (t) => {
  class Odd {
    readonly name = 'odd';
    readonly delivery = 'pieces';
    readonly calls: unknown[][] = [];
    piece(...given: unknown[]): void {
      this.calls.push(given);
    }
  }
  const given = Object.freeze(new Odd());
  const mode = readMode(given, refuse);
  t.match(mode, { name: 'odd', delivery: 'pieces' });
  const session = {} as Session;
  const bytes = Uint8Array.of(1, 2);
  mode.chunk!(session, 2, bytes, 0, 2, true, false);
  t.strictSame(given.calls, [[session, 2, bytes, 0, 2, true, false]]);
});

t.test('nothing of it is lost', async (t) => {
  const given: UserMode = {
    name: 'a',
    delivery: 'pieces',
    hearsOut: true,
    unsupportedSubprotocols: ['base64'],
    defaults: { origin: ['https://good.example'], deflate: false },
    ...Object.fromEntries(MODE_CALLS.map((name) => [name, () => name])),
  };
  const mode = readMode(given, refuse);
  const { isTextChecked, ...members } = mode;
  t.equal(isTextChecked, true, 'it is not taken on trust');
  t.equal(Object.keys(members).length, Object.keys(given).length);
  t.match(members, {
    name: 'a',
    delivery: 'pieces',
    receiveAfterClose: true,
    unsupportedSubprotocols: ['base64'],
    defaults: { origin: ['https://good.example'], deflate: false },
  });
  const called = Object.values(mode).flatMap((member: unknown) =>
    typeof member === 'function' ? [(member as () => unknown)()] : [],
  );
  t.strictSame(called.sort(), [...MODE_CALLS].sort());
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
  for (const name of ['name', 'delivery', 'hearsOut', 'defaults', ...MODE_CALLS]) {
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
  const calls = mode as unknown as { upgrade(): void; message(): void };
  calls.upgrade();
  calls.message();
  t.equal(given.count, 11, 'its own state');
  t.notOk('closed' in mode, 'what it does not have is not made up');
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
      'the delivery of a mode must be "messages" or "pieces", not "stream"',
    ],
    [
      { name: 'a', delivery: null, message: call },
      'the delivery of a mode must be "messages" or "pieces", not null',
    ],
    [{ name: 'a', message: 'no' }, 'message of a mode must be a function, not "no"'],
    [{ name: 'a', message: call, closed: {} }, 'closed of a mode must be a function, not {}'],
    [{ name: 'a', message: call, hearsOut: 1 }, 'hearsOut of a mode must be true or false, not 1'],
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
    [{ name: 'a', piece: call }, 'a mode with delivery "messages" needs the function message'],
    [
      { name: 'a', delivery: 'pieces', message: call },
      'a mode with delivery "pieces" needs the function piece',
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
