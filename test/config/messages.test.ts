import t from 'tap';
import { z } from 'zod';
import { configError, deepestFault, show, valueAt } from '../../src/config/messages.js';
import { ConfigError } from '../../src/errors.js';

t.test('the error has its sentence, and the source for its cause', async (t) => {
  const error = configError('--echo takes no value', 'flag');
  t.type(error, ConfigError);
  t.equal(error.message, '--echo takes no value');
  t.equal(error.cause, 'flag');
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
