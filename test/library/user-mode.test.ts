import t from 'tap';
import type { Session } from '../../src/connection/session.js';
import { type Refuse, readMode } from '../../src/library/user-mode.js';

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
  mode.piece!(session, 2, bytes, 0, 2, true, false);
  t.strictSame(given.calls, [[session, 2, bytes, 0, 2, true, false]]);
});

t.test('a promise that rejects ends its own session', async (t) => {
  const failed: unknown[] = [];
  const session = { fail: (error: unknown) => failed.push(error) } as unknown as Session;
  const reject = async (): Promise<never> => Promise.reject(new Error('late'));
  const mode = readMode({ name: 'a', message: reject, piece: reject, drained: reject }, refuse);
  mode.message!(session, 1, new Uint8Array(0), 0, 0);
  mode.piece!(session, 1, new Uint8Array(0), 0, 0, true, true);
  mode.drained!(session);
  await new Promise(setImmediate);
  t.strictSame(
    failed.map((error) => (error as Error).message),
    ['late', 'late', 'late'],
  );
  const fine = readMode({ name: 'a', message: async () => Promise.resolve() }, refuse);
  fine.message!(session, 1, new Uint8Array(0), 0, 0);
  await new Promise(setImmediate);
  t.equal(failed.length, 3);
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
  const calls = mode as unknown as { open(): void; message(): void };
  calls.open();
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
    [{ name: 'a' }, 'a mode with delivery "messages" needs the function message'],
    [{ name: 'a', piece: call }, 'a mode with delivery "messages" needs the function message'],
    [
      { name: 'a', delivery: 'pieces', message: call },
      'a mode with delivery "pieces" needs the function piece',
    ],
  ] as const) {
    t.throws(() => readMode(given, refuse), new Error(clause), clause);
  }
});
