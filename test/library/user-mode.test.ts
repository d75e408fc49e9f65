import t from 'tap';
import { type Refuse, readMode } from '../../src/library/user-mode.js';

const refuse: Refuse = (clause) => {
  throw new Error(clause);
};

const call = (): void => undefined;

t.test('a mode with its delivery is taken as it is', async (t) => {
  class Mode {
    readonly name = 'odd';
    readonly delivery = 'pieces';
    piece(): void {
      t.fail('nothing is called');
    }
  }
  for (const mode of [
    new Mode(),
    { name: 'a', delivery: 'messages', message: call, open: call, drained: call, closed: call },
    Object.freeze({ name: 'a', delivery: 'messages', message: call, piece: undefined, more: 1 }),
  ]) {
    t.equal(readMode(mode, refuse), mode);
  }
});

t.test('without a delivery it gets messages, and stays who it is', async (t) => {
  class Counting {
    readonly name = 'counting';
    #count = 0;
    open(): void {
      this.#count += 1;
    }
    message(): number {
      return (this.#count += 10);
    }
  }
  const given = Object.freeze(new Counting());
  const mode = readMode(given, refuse);
  t.equal(mode.name, 'counting');
  t.equal(mode.delivery, 'messages');
  const calls = mode as unknown as { open(): void; message(): number };
  calls.open();
  t.equal(calls.message(), 11, 'its own state');
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
