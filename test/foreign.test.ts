import { runInNewContext } from 'node:vm';
import t from 'tap';
import {
  describe,
  errorForLog,
  errorOf,
  fieldsForLog,
  isInstance,
  memberOf,
  onRejection,
  promiseOf,
  textOfThrown,
} from '../src/foreign.js';
import { PolicyError } from '../src/errors.js';

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function fails(): never {
  throw new Error('read');
}

const settled = (): Promise<void> => new Promise(setImmediate);

t.test('what is no promise', async (t) => {
  for (const value of [
    undefined,
    null,
    0,
    'then',
    1n,
    Symbol('then'),
    {},
    [],
    { then: true },
    () => undefined,
    new Map(),
  ])
    t.equal(promiseOf(value), null);
});

t.test('whatever has a then is one', async (t) => {
  const other = runInNewContext('Promise.resolve(7)') as Promise<number>;
  t.notOk(other instanceof Promise, 'of another realm');
  const withThen = Object.assign(() => undefined, {
    then: (resolve: (value: number) => void) => {
      resolve(7);
    },
  });
  for (const value of [
    Promise.resolve(7),
    other,
    { then: withThen.then },
    withThen,
    Object.create({ then: withThen.then }) as PromiseLike<number>,
    {
      then: (resolve: (value: unknown) => void) => {
        resolve(Promise.resolve(7));
      },
    },
  ]) {
    const promise = promiseOf(value);
    t.ok(promise instanceof Promise);
    t.equal(await promise, 7);
  }
});

t.test('one that cannot be asked is a rejection', async (t) => {
  let reads = 0;
  const once = {
    get then(): unknown {
      if (reads++ === 0) throw new Error('read');
      return undefined;
    },
  };
  for (const value of [
    once,
    { then: fails },
    new Proxy({}, { get: fails }),
    {
      then: (_resolve: unknown, reject: (error: Error) => void) => {
        reject(new Error('read'));
      },
    },
  ])
    await t.rejects(promiseOf(value)!, { message: 'read' });
  t.equal(reads, 1, 'it is read once');
  await t.rejects(promiseOf(revoked())!, TypeError);
  const constructor = Object.defineProperty(Promise.resolve(7), 'constructor', { get: fails });
  await t.rejects(promiseOf(constructor)!, { message: 'read' });
});

t.test('what a call rejects with is heard of, sooner or later', async (t) => {
  const heard: unknown[] = [];
  const hear = (error: unknown): void => {
    heard.push(error);
  };
  onRejection(undefined, hear);
  onRejection(Promise.resolve(1), hear);
  onRejection(7, hear);
  await settled();
  t.strictSame(heard, []);
  onRejection(Promise.reject(new Error('soon')), hear);
  onRejection(new Promise((_, reject) => setTimeout(reject, 5, 'late')), hear);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.match(heard, [{ message: 'soon' }, 'late']);
});

t.test('what somebody says about its class or its members', async (t) => {
  t.ok(isInstance(new TypeError('a'), Error));
  t.notOk(isInstance({}, Error));
  t.notOk(isInstance(revoked(), Error));
  t.ok(isInstance(new PolicyError('output-limit'), PolicyError));
  t.equal(memberOf({ a: 1 }, 'a'), 1);
  t.equal(memberOf(null, 'a'), undefined);
  t.equal(memberOf('text', 'length'), undefined);
  t.equal(memberOf(revoked(), 'a'), undefined);
  t.equal(memberOf(fails, 'name'), 'fails');
});

t.test('what was thrown, in words', async (t) => {
  for (const [thrown, text] of [
    [new Error('why'), 'why'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [Object.create(null), 'something without a text'],
    [revoked(), 'something without a text'],
    [Object.defineProperty(new Error('a'), 'message', { get: fails }), 'something without a text'],
  ] as const)
    t.equal(textOfThrown(thrown), text);
});

t.test('what was thrown, as an error', async (t) => {
  const error = new RangeError('why');
  t.equal(errorOf(error), error);
  t.match(errorOf('text'), { message: 'thrown: text' });
  t.match(errorOf(null), { message: 'thrown: null' });
  const other = errorOf(runInNewContext('new TypeError("elsewhere")'));
  t.ok(other instanceof Error, 'one of another realm');
  t.match(other, { name: 'TypeError', message: 'elsewhere' });
});

t.test('an error for the log says what the error said', async (t) => {
  const cause = Object.assign(new Error('below'), { code: 'EBELOW' });
  const error = Object.assign(new TypeError('above', { cause }), { code: 'EABOVE', errno: -1 });
  const copy = errorForLog(error);
  t.not(copy, error);
  t.ok(copy instanceof Error);
  t.equal(copy.constructor.name, 'TypeError');
  t.match(copy, { name: 'TypeError', message: 'above', stack: error.stack, code: 'EABOVE' });
  t.match(copy.cause, { message: 'below', code: 'EBELOW' });
  t.strictSame(Object.keys(copy), ['code', 'errno']);
  t.match(errorForLog(new PolicyError('output-limit')), {
    name: 'PolicyError',
    rule: 'output-limit',
    closeCode: 1008,
  });
  const several = errorForLog(new AggregateError([new Error('one'), 'two'], 'all'));
  t.match(several, { errors: [{ message: 'one' }, { message: 'thrown: two' }] });
  t.match(errorForLog('text'), { message: 'thrown: text' });
  t.match(errorForLog({ message: 'no class', constructor: null }), {
    name: 'Error',
    message: 'no class',
    stack: 'Error: no class',
  });
  t.match(errorForLog(Object.assign(Object.create(null), { message: 'a', name: 'Own' })), {
    name: 'Own',
  });
});

t.test('an error for the log, of one that is none', async (t) => {
  const traps = Object.fromEntries(
    Object.getOwnPropertyNames(Reflect).map((name) => [name, fails]),
  );
  const proxy = new Proxy(new Error('a'), traps);
  t.match(errorForLog(proxy), { message: 'thrown: something without a text' });
  const getters = new Error('kept');
  for (const name of ['stack', 'name', 'cause', 'constructor', 'code', 'errors'])
    Object.defineProperty(getters, name, { get: fails, enumerable: true });
  t.match(errorForLog(getters), { name: 'Error', message: 'kept', stack: 'Error: kept' });
  const circle = new Error('circle');
  circle.cause = circle;
  let last: unknown = errorForLog(circle);
  let depth = 0;
  for (; last instanceof Error; depth++) last = last.cause;
  t.equal(depth, 6);
  t.ok(Object.isExtensible(errorForLog(Object.freeze(new Error('frozen')))), 'pino writes into it');
  const many = Object.assign(new Error('many'), { errors: new Array(1000).fill('one') });
  t.equal((errorForLog(many) as AggregateError).errors.length, 10);
  t.equal(errorForLog(new Error('x'.repeat(1e6))).message.length, 8192 + 3);
  const odd = Object.assign(new Error('a'), { errors: revoked() });
  t.notOk('errors' in errorForLog(odd));
});

t.test('fields for the log are plain values', async (t) => {
  t.strictSame(
    fieldsForLog({
      text: 'a',
      number: 1,
      isThere: true,
      nothing: null,
      missing: undefined,
      big: 10n ** 20n,
      symbol: Symbol('s'),
      call: fails,
      list: [1, 'b', [2n]],
      inner: { a: { b: 'c' } },
      date: new Date(0),
      bytes: Buffer.alloc(1e6),
      error: new TypeError('why'),
    }),
    {
      text: 'a',
      number: 1,
      isThere: true,
      nothing: null,
      missing: undefined,
      big: '100000000000000000000',
      symbol: 'Symbol(s)',
      call: undefined,
      list: [1, 'b', ['2']],
      inner: { a: { b: 'c' } },
      date: '1970-01-01T00:00:00.000Z',
      bytes: '[1000000 bytes]',
      error: 'TypeError: why',
    },
  );
  for (const value of [
    undefined,
    null,
    'text',
    7,
    [1],
    fails,
    revoked(),
    new Proxy({}, { ownKeys: fails }),
  ])
    t.strictSame(fieldsForLog(value), {});
});

t.test('fields that cannot be read, or never end', async (t) => {
  const circle: Record<string, unknown> = { name: 'circle' };
  circle['self'] = circle;
  const fields = fieldsForLog({
    get broken() {
      return fails();
    },
    inner: {
      get broken() {
        return fails();
      },
      fine: 1,
    },
    circle,
    json: { toJSON: fails },
    revoked: revoked(),
    ['__proto__']: 'a name',
  });
  t.match(fields, {
    broken: undefined,
    inner: { broken: undefined, fine: 1 },
    circle: { self: { self: { self: { self: { name: 'circle', self: '[Object]' } } } } },
    json: '[cannot be read]',
    revoked: '[cannot be read]',
  });
  t.ok(JSON.stringify(fields));
  t.equal(Object.getPrototypeOf(fields), Object.prototype);

  const wide = (depth: number): object =>
    depth === 0
      ? {}
      : Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, wide(depth - 1)]));
  t.ok(JSON.stringify(fieldsForLog(wide(2))).length < 20_000, 'a bound on all of it');
  t.ok(JSON.stringify(fieldsForLog({ list: new Array(1e6).fill('ab') })).length < 20_000);
});

t.test('a value as the sentence shows it that says it is wrong', async (t) => {
  for (const [value, shown] of [
    ['text', '"text"'],
    ['x'.repeat(100), `"${'x'.repeat(40)}..."`],
    [7, '7'],
    [7n, '7'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [fails, 'a function'],
    [{}, 'an object of Object'],
    [new Map(), 'an object of Map'],
    [Object.create(null), 'an object'],
    [revoked(), 'an object'],
  ] as const)
    t.equal(describe(value), shown);
});
