import t from 'tap';
import type { Extension } from '../../src/extensions/extension.js';
import { readExtension } from '../../src/app/user-extension.js';
import type { Refuse } from '../../src/modes/user-module.js';
import { sessionOf } from '../fixtures/extensions.js';

const refuse: Refuse = (clause) => {
  throw new Error(clause);
};

const read = (given: unknown, others: readonly Extension[] = [], hasDeflate = true): Extension =>
  readExtension(given, others, hasDeflate, refuse);

t.test('an extension is taken as it is, after a trial', async (t) => {
  const calls: string[] = [];
  const extension = {
    name: 'x-one',
    create() {
      t.equal(this, extension, 'called as a method');
      calls.push('create');
      return sessionOf({ close: () => calls.push('close') });
    },
  };
  const made = read(extension);
  t.equal(made.name, 'x-one');
  t.same(calls, ['create', 'close'], 'what the trial made is given back');
  t.ok(made.create().enabled);
  t.same(calls, ['create', 'close', 'create']);
});

t.test('a session may be an instance of a class', async (t) => {
  class Session {
    #isEnabled = false;
    get enabled(): boolean {
      return this.#isEnabled;
    }
    init(): void {
      this.#isEnabled = true;
      t.fail('a trial does not negotiate');
    }
    response(): null {
      return null;
    }
    reserveRsv(): number {
      return 0;
    }
    decode(): void {
      t.fail('a trial decodes nothing');
    }
    encode(): void {
      t.fail('a trial encodes nothing');
    }
    close(): void {
      t.pass('it is closed');
    }
  }
  const extension = { name: 'x-one', create: () => new Session() };
  t.equal(read(extension).name, 'x-one');
});

t.test('what is wrong with it', async (t) => {
  const object = 'an extension must be an object such as { name, create }';
  const token = 'the name of an extension must be a token (RFC 9110 5.6.2) such as x-snappy';
  const create = (): unknown => sessionOf();
  for (const [given, clause] of [
    [undefined, `${object}, not undefined`],
    [null, `${object}, not null`],
    [create, `${object}, not a function`],
    [{ create }, `${token}, not undefined`],
    [{ name: '', create }, `${token}, not ""`],
    [{ name: 'x one', create }, `${token}, not "x one"`],
    [{ name: 7, create }, `${token}, not 7`],
    [{ name: 'x-one' }, 'create of an extension must be a function, not undefined'],
    [{ name: 'x-one', create: {} }, 'create of an extension must be a function, not {}'],
  ] as const) {
    t.throws(() => read(given), new Error(clause), clause);
  }
});

t.test('a name is given once, and our own only when ours is not in use', async (t) => {
  const make = (name: string): Extension => ({ name, create: () => sessionOf() });
  const one = make('x-one');
  t.throws(
    () => read(make('x-one'), [make('x-two'), one]),
    new Error('an extension with the name x-one is there already'),
  );
  const own = make('permessage-deflate');
  t.throws(
    () => read(own),
    new Error('the name permessage-deflate is taken unless deflate is turned off'),
  );
  t.equal(read(own, [one], false).name, 'permessage-deflate');
});

t.test('what is wrong with its sessions', async (t) => {
  const needs =
    'create must return an object with the functions init, response, reserveRsv, decode, encode, close, and enabled; it lacks ';
  const session = sessionOf();
  const { enabled } = session;
  const decode = session.decode.bind(session);
  const withoutTwo = Object.fromEntries(
    Object.entries(session).filter(([name]) => name !== 'decode' && name !== 'enabled'),
  );
  const all = 'init, response, reserveRsv, decode, encode, close, enabled';
  for (const [create, clause] of [
    [(): unknown => ({ ...withoutTwo, decode }), `${needs}enabled`],
    [(): unknown => ({ ...withoutTwo, enabled, decode: 7 }), `${needs}decode`],
    [(): unknown => withoutTwo, `${needs}decode, enabled`],
    [(): unknown => undefined, needs + all],
    [(): unknown => null, needs + all],
    [(): unknown => 'session', needs + all],
    [async (): Promise<unknown> => sessionOf(), needs + all],
    [
      (): never => {
        throw new Error('no zlib');
      },
      'create throws no zlib',
    ],
    [
      (): never => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- somebody else's code
        throw 'text';
      },
      'create throws text',
    ],
    [
      (): unknown =>
        sessionOf({
          close: () => {
            throw new Error('not open');
          },
        }),
      'close of a new session throws not open',
    ],
  ] as const) {
    t.throws(() => read({ name: 'x-one', create }), new Error(clause), clause);
  }
});

t.test('a session that cannot be looked at', async (t) => {
  const thrown = (): never => {
    throw new Error('no');
  };
  const all = 'init, response, reserveRsv, decode, encode, close';
  t.throws(
    () => read({ name: 'x-one', create: () => new Proxy({}, { get: thrown, has: thrown }) }),
    new Error(
      `create must return an object with the functions ${all}, and enabled; it lacks ${all}, enabled`,
    ),
  );
  const close = async (): Promise<never> => Promise.reject(new Error('later'));
  const closing = Object.assign(sessionOf(), { close });
  t.equal(read({ name: 'x-one', create: () => closing }).name, 'x-one');
  await new Promise(setImmediate);
});
