import t from 'tap';
import type { Kind } from '../../../src/config/values/values.js';
import { factor, recordedSession } from '../../../src/config/values/replay-values.js';

/** Text, as a flag or a variable has it, to the value; undefined when it is refused. */
function fromText<Value>(kind: Kind<Value>, text: string): Value | undefined {
  return kind.schema.safeParse(kind.fromText(text)).data;
}

/** Every message that the schema has for what it refuses. */
function clauses(kind: Kind<unknown>, given: unknown): string[] {
  const { error } = kind.schema.safeParse(given);
  return (error?.issues ?? []).flatMap(function each(issue): string[] {
    const members = issue.code === 'invalid_union' ? issue.errors.flat().flatMap(each) : [];
    return [issue.message, ...members];
  });
}

t.test('factors', async (t) => {
  const kind = factor();
  const clause = 'give 0, or a number from 0.001 to 1000000 such as 0.5 or 10';
  t.match(kind, { valueName: 'FACTOR', clause, typeText: 'number', isRepeatable: false });
  for (const [text, value, back] of [
    ['0', 0, '0'],
    ['1', 1, '1'],
    ['10', 10, '10'],
    ['1000000', 1_000_000, '1000000'],
    ['0.5', 0.5, '0.5'],
    ['2.50', 2.5, '2.5'],
    ['0.1', 0.1, '0.1'],
    ['0.001', 0.001, '0.001'],
  ] as const) {
    t.equal(fromText(kind, text), value, text);
    t.equal(kind.schema.parse(value), value);
    t.equal(kind.toText(value), back);
    t.equal(fromText(kind, kind.toText(value)), value, 'reads back');
    t.equal(kind.toJson(value), value);
  }
  for (const given of ['', '-1', '1e3', '.5', '5.', '01', 'fast', '0.0009', '1000001', 'Infinity'])
    t.ok(clauses(kind, given).every((one) => one === clause) && clauses(kind, given).length, given);
  for (const given of [-0.1, 1e-7, 1_000_001, NaN, Infinity, true, null, []])
    t.ok(clauses(kind, given).every((one) => one === clause) && clauses(kind, given).length);
});

t.test('sessions of a recording', async (t) => {
  const kind = recordedSession();
  const clause = 'give the id of a session, the beginning of it or its number, or off';
  t.match(kind, {
    valueName: 'SESSION',
    clause,
    typeText: 'string | number',
    isRepeatable: false,
  });
  for (const [text, value] of [
    ['off', null],
    ['01JB', '01JB'],
    ['7', '7'],
  ] as const) {
    t.equal(fromText(kind, text), value);
    t.equal(kind.toText(value), text);
    t.equal(kind.toJson(value), text);
  }
  t.equal(kind.schema.parse(7), '7');
  for (const given of ['', 0, -1, 1.5, true, null])
    t.ok(clauses(kind, given).every((one) => one === clause) && clauses(kind, given).length);
});
