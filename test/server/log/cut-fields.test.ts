import t from 'tap';
import { cutFields } from '../../../src/server/log/cut-fields.js';

t.test('a text at the limit, and one past it', async (t) => {
  const [at, past] = ['a'.repeat(256), 'a'.repeat(257)];
  t.strictSame(cutFields({ at, past }), { at, past: `${at}... (257 characters)` });
});

t.test('other values stay as they are', async (t) => {
  const fields = { number: 1, yes: true, nothing: null, none: undefined, list: [1, ['a']], in: {} };
  t.strictSame(cutFields(fields), fields);
});

t.test('texts and names of a line have a bound together', async (t) => {
  const notes = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`${index}`, 'b'.repeat(250)]),
  );
  const text = JSON.stringify(cutFields({ notes, long: { ['c'.repeat(10_000)]: 1 } }));
  t.ok(text.length < 6000, `${text.length} characters`);
  t.match(text, '... (250 characters)');
  t.match(text, '... (10000 characters)');
});

t.test('so have values', async (t) => {
  const cut = cutFields({ list: Array.from({ length: 1000 }, () => 1), other: 2 }) as {
    readonly list: readonly unknown[];
  };
  t.equal(cut.list.length, 200);
  t.equal(cut.list.at(-1), '...');
  t.strictSame(Object.keys(cut), ['list', '...']);
});

t.test('a name is a name, whatever it is', async (t) => {
  const fields = JSON.parse('{"__proto__":{"a":1}}') as object;
  t.equal(JSON.stringify(cutFields(fields)), '{"__proto__":{"a":1}}');
});

t.test('errors are cut as errors, and their causes', async (t) => {
  const cause = new Error('c'.repeat(5000));
  const error = Object.assign(new TypeError('m'.repeat(5000), { cause }), {
    code: 'd'.repeat(5000),
  });
  error.stack = `TypeError: ${'s'.repeat(8000)}`;
  const { err } = cutFields({ err: error }) as { readonly err: typeof error };
  t.ok(err instanceof TypeError);
  t.equal(err.message, `${'m'.repeat(1024)}... (5000 characters)`);
  t.match(err.stack, /\.\.\. \(8011 characters\)$/);
  t.equal(err.code, `${'d'.repeat(256)}... (5000 characters)`);
  t.equal((err.cause as Error).message, `${'c'.repeat(1024)}... (5000 characters)`);
});

t.test('of many errors only a few', async (t) => {
  const errors = Array.from({ length: 10 }, (_, index) => new Error(`no ${index}`));
  const error = new AggregateError(errors, 'all of them');
  const { err } = cutFields({ err: error }) as { readonly err: AggregateError };
  t.match(err.errors.slice(0, 4), [
    { message: 'no 0' },
    { message: 'no 1' },
    { message: 'no 2' },
    '...',
  ]);
});
