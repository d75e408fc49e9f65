import t from 'tap';
import { z } from 'zod';
import {
  type JsonType,
  configError,
  deepestFault,
  optionName,
  show,
  typeAdvice,
  valueAt,
} from '../../src/config/messages.js';
import { listenAddresses } from '../../src/config/values/list-values.js';
import { routes } from '../../src/config/values/proxy-values.js';
import {
  type ValueType,
  count,
  duration,
  file,
  toggle,
  toggleOrAuto,
} from '../../src/config/values/values.js';
import { ConfigError } from '../../src/errors.js';

t.test('the error has its sentence and its source', async (t) => {
  const error = configError('--echo takes no value', 'flag');
  t.type(error, ConfigError);
  t.equal(error.message, '--echo takes no value');
  t.equal(error.source, 'flag');
});

t.test(
  'values are shown as JSON, cut when they are long, and not when they are secret',
  async (t) => {
    t.equal(show('a "b"\n'), '"a \\"b\\"\\n"');
    t.equal(show(1.5), '1.5');
    t.equal(show(null), 'null');
    t.equal(show(['a', {}]), '["a",{}]');
    t.equal(show('x'.repeat(78)), `"${'x'.repeat(78)}"`);
    t.equal(show('x'.repeat(79)), `"${'x'.repeat(79)}...`);
    t.equal(show('hunter2', true), '(a secret, not shown)');
  },
);

t.test('what only a program can pass is shown as something that can be read', async (t) => {
  for (const [given, text] of [
    [undefined, 'undefined'],
    [NaN, 'NaN'],
    [7n, '7'],
    [Symbol('a'), 'Symbol(a)'],
    [(): void => undefined, 'a function'],
    [{ big: 7n }, 'an object'],
  ] as const) {
    t.equal(show(given), text);
  }
});

t.test('a value inside another', async (t) => {
  t.equal(valueAt({ a: ['x', 'y'] }, ['a', 1]), 'y');
  t.equal(valueAt('x', []), 'x');
});

t.test('the fault that is spoken of', async (t) => {
  const item = z.string('item').transform((text, context) => {
    if (text === 'bad') context.addIssue('bad item');
    return text;
  });
  const schema = z.strictObject({
    list: z.union([item, z.array(item, 'array').min(1, 'empty')], 'neither'),
  });
  const faultOf = (given: unknown): unknown =>
    deepestFault(schema.safeParse(given).error?.issues ?? [], given);
  t.same(
    faultOf({ list: 5 }),
    { path: ['list'], clause: 'neither', types: ['string', 'array'] },
    'the union before its members',
  );
  t.same(
    faultOf({ list: ['a', 5] }),
    { path: ['list', 1], clause: 'item', types: ['string'] },
    'the deepest',
  );
  t.same(
    faultOf({ list: 'bad' }),
    { path: ['list'], clause: 'bad item', types: [] },
    'our own check',
  );
  t.same(faultOf({ list: [] }), { path: ['list'], clause: 'empty', types: [] });
});

t.test('the types that may stand where another one does', async (t) => {
  const faultOf = (schema: z.ZodType, given: unknown): unknown =>
    deepestFault(schema.safeParse(given).error?.issues ?? [], given).types;
  for (const [schema, given, types] of [
    [z.boolean(), 'true', ['boolean']],
    [z.union([z.boolean(), z.literal('auto')]), 1, ['boolean', 'string']],
    [z.union([z.boolean(), z.literal('auto')]), 'off', []],
    [z.union([z.enum(['off']), z.literal([1, 2])]), true, ['string', 'number']],
    [z.int(), 1.5, []],
    [z.int(), null, ['number']],
    [z.record(z.string(), z.string()), 5, ['object']],
    [z.array(z.string()), 'a', ['array']],
    [z.array(z.string()), Symbol('a'), ['array']],
    [z.string().min(1), '', []],
    [z.date(), 'a', []],
  ] as const)
    t.strictSame(faultOf(schema, given), types);
});

t.test('an option as the user wrote it', async (t) => {
  const value = null;
  for (const [key, source, from, name] of [
    ['maxHead', 'flag', '--max-head', '--max-head'],
    ['maxHead', 'environment', 'TWIST_MAX_HEAD', 'TWIST_MAX_HEAD'],
    ['maxHead', 'file', 'twist.json', 'maxHead in twist.json'],
    ['maxHead', 'call', 'serve(options)', 'maxHead'],
    ['maxHead', 'preset', 'TWIST_DEFAULT_MAX_HEAD', 'TWIST_DEFAULT_MAX_HEAD'],
    ['route', 'flag', '--route', '--route'],
    ['route', 'environment', 'TWIST_ROUTE', 'TWIST_ROUTE'],
    ['route', 'file', 'twist.json', 'routes in twist.json'],
    ['maxHead', 'default', 'default', 'maxHead'],
  ] as const) {
    t.equal(optionName(key, { value, source, from }), name);
  }
});

t.test('one at its default, in the manner of the one that it is named with', async (t) => {
  const standing = { value: null, source: 'default', from: 'default' } as const;
  t.equal(optionName('tokenFile', standing, 'flag'), '--token-file');
  t.equal(optionName('tokenFile', standing, 'environment'), 'TWIST_TOKEN_FILE');
  t.equal(optionName('tokenFile', standing, 'file'), 'tokenFile');
  t.equal(optionName('tokenFile', standing, 'call'), 'tokenFile');
  const given = { value: 'a', source: 'file', from: 'twist.json' } as const;
  t.equal(optionName('tokenFile', given, 'flag'), 'tokenFile in twist.json');
});

function sentence(
  type: ValueType<unknown>,
  given: unknown,
  types: readonly JsonType[],
  path: readonly PropertyKey[] = [],
): string {
  const there = path.reduce<unknown>((value, part) => (value as never)[part], given);
  const fault = { path, clause: 'CLAUSE', types };
  const { shown, clause } = typeAdvice(type, given, fault, JSON.stringify(there));
  return `${shown}: ${clause}`;
}

t.test('the same value in the type that is taken', async (t) => {
  const text = ['string', 'array'] as const;
  for (const [made, expected] of [
    [sentence(listenAddresses(), 9001, text), 'the number 9001: write "9001", with quotes'],
    [
      sentence(listenAddresses(), ['80', 81], ['string'], [1]),
      'the number 81: write "81", with quotes',
    ],
    [sentence(routes(), { '/a': 5 }, ['string'], ['/a']), 'the number 5: CLAUSE, in quotes'],
    [sentence(toggle(), 'true', ['boolean']), 'the text "true": write true, without quotes'],
    [sentence(toggle(), 'Off', ['boolean']), 'the text "Off": write false, without quotes'],
    [sentence(toggle(), '1', ['boolean']), 'the text "1": write true, without quotes'],
    [sentence(toggleOrAuto(), 'off', []), '"off": write false, without quotes'],
  ] as const)
    t.equal(made, expected);
});

t.test('nothing, in the word that the option has for it', async (t) => {
  for (const nothing of [null, false])
    t.equal(
      sentence({ ...file(), clause: '' }, nothing, ['string']),
      `${String(nothing)}: CLAUSE, in quotes`,
      'a clause without such a word',
    );
  const fault = { path: [], clause: 'give a duration, or off', types: ['string'] } as const;
  t.strictSame(typeAdvice(duration({ canBeOff: true }), 0, fault, '0'), {
    shown: 'the number 0',
    clause: 'write "off", with quotes',
  });
  t.strictSame(typeAdvice(duration(), 0, fault, '0').clause, 'give a duration, or off, in quotes');
});

t.test('no other type would do', async (t) => {
  for (const [made, expected] of [
    [sentence(duration(), 30, ['string']), 'the number 30: CLAUSE, in quotes'],
    [sentence(file(), true, ['string']), 'true: CLAUSE, in quotes'],
    [sentence(file(), { a: 1 }, ['string']), '{"a":1}: CLAUSE, in quotes'],
    [sentence(toggle(), 'maybe', ['boolean']), 'the text "maybe": CLAUSE, without quotes'],
    [sentence(toggle(), 1, ['boolean']), 'the number 1: CLAUSE'],
    [sentence(count({ min: 1, max: 9 }), true, ['number', 'string']), 'true: CLAUSE'],
    [sentence(count({ min: 1, max: 9 }), 'many', []), '"many": CLAUSE'],
    [sentence(count({ min: 1, max: 9 }), 10, []), '10: CLAUSE'],
  ] as const)
    t.equal(made, expected);
});
