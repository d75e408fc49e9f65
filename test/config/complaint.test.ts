import t from 'tap';
import { z } from 'zod';
import { configError, deepestFault, show, valueAt } from '../../src/config/complaint.js';
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
    deepestFault(schema.safeParse(given).error?.issues ?? []);
  t.same(
    faultOf({ list: 5 }),
    { path: ['list'], clause: 'neither' },
    'the union before its members',
  );
  t.same(faultOf({ list: ['a', 5] }), { path: ['list', 1], clause: 'item' }, 'the deepest');
  t.same(faultOf({ list: 'bad' }), { path: ['list'], clause: 'bad item' }, 'our own check');
  t.same(faultOf({ list: [] }), { path: ['list'], clause: 'empty' });
});
