import t from 'tap';
import {
  factor,
  fileSize,
  headerNames,
  payloadShare,
  queryNames,
  recordedSession,
} from '../../../src/config/values/recording-values.js';
import type { ValueType } from '../../../src/config/values/values.js';

/** What is read from a text, as from a flag; a clause when it is refused. */
function read<Value>(type: ValueType<Value>, text: string): unknown {
  const result = type.schema.safeParse(type.fromText(text));
  return result.success ? result.data : result.error.issues[0]!.message;
}

t.test('how much of a payload', async (t) => {
  const type = payloadShare();
  const clause = 'give full, none or a size from 1 byte to 1g, such as 1k';
  for (const [text, value] of [
    ['full', Infinity],
    ['none', 0],
    ['1', 1],
    ['4k', 4096],
    ['1g', 1024 ** 3],
    ['0', clause],
    ['2g', clause],
    ['some', clause],
    ['-1', clause],
  ] as const)
    t.equal(read(type, text), value, text);
  t.equal(type.schema.safeParse(1.5).success, false);
  t.equal(type.valueName, 'SIZE');
  t.equal(type.typeText, "'full' | 'none' | Size");
  for (const text of ['full', 'none', '4k']) {
    t.equal(type.toText(read(type, text) as number), text);
    t.equal(type.toJson(read(type, text) as number), text);
  }
});

t.test('the size of a file', async (t) => {
  const type = fileSize();
  const clause = 'give off or a size from 64k to 1024g, such as 64m';
  for (const [text, value] of [
    ['off', 0],
    ['64k', 65_536],
    ['1024g', 1024 ** 4],
    ['65535', clause],
    ['0', clause],
  ] as const)
    t.equal(read(type, text), value, text);
  t.equal(type.toText(0), 'off');
  t.equal(type.schema.parse(70_000), 70_000);
});

t.test('names of headers, without regard to case', async (t) => {
  const type = headerNames();
  const { clause } = type;
  for (const [text, value] of [
    ['none', []],
    ['*', '*'],
    ['x-room', ['x-room']],
    ['X-Room,Cookie', ['x-room', 'cookie']],
    ['x-room,X-Room', clause],
    ['', clause],
    ['x-room,', clause],
    ['x-room, x-other', clause],
    ['x:room', clause],
    ['x-room,*', clause],
    ['none,x-room', clause],
  ] as const)
    t.strictSame(read(type, text), value, text);
  t.strictSame(type.schema.parse(['X-Room']), ['x-room']);
  t.equal(type.schema.safeParse(['x room']).success, false);
  t.equal(type.schema.safeParse(7).error?.issues[0]?.message, clause);
  for (const text of ['none', '*', 'x-room,cookie'])
    t.equal(type.toText(type.schema.parse(type.fromText(text))), text);
  t.equal(type.toJson([]), 'none');
  t.equal(type.toJson('*'), '*');
  t.strictSame(type.toJson(['x-room']), ['x-room']);
});

t.test('names of parameters', async (t) => {
  const type = queryNames();
  t.strictSame(read(type, 'Room,user[id],größe'), ['room', 'user[id]', 'größe']);
  for (const text of ['a=b', 'a&b', 'a b', 'a,,b', 'a*'])
    t.equal(read(type, text), type.clause, text);
});

/** Text, as a flag or a variable has it, to the value; undefined when it is refused. */
function fromText<Value>(type: ValueType<Value>, text: string): Value | undefined {
  return type.schema.safeParse(type.fromText(text)).data;
}

/** Every message that the schema has for what it refuses. */
function clauses(type: ValueType<unknown>, given: unknown): string[] {
  const { error } = type.schema.safeParse(given);
  return (error?.issues ?? []).flatMap(function each(issue): string[] {
    const members = issue.code === 'invalid_union' ? issue.errors.flat().flatMap(each) : [];
    return [issue.message, ...members];
  });
}

t.test('factors', async (t) => {
  const type = factor();
  const clause = 'give 0, or a number from 0.001 to 1000000 such as 0.5 or 10';
  t.match(type, { valueName: 'FACTOR', clause, typeText: 'number', isRepeatable: false });
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
    t.equal(fromText(type, text), value, text);
    t.equal(type.schema.parse(value), value);
    t.equal(type.toText(value), back);
    t.equal(fromText(type, type.toText(value)), value, 'reads back');
    t.equal(type.toJson(value), value);
  }
  for (const given of ['', '-1', '1e3', '.5', '5.', '01', 'fast', '0.0009', '1000001', 'Infinity'])
    t.ok(clauses(type, given).every((one) => one === clause) && clauses(type, given).length, given);
  for (const given of [-0.1, 1e-7, 1_000_001, NaN, Infinity, true, null, []])
    t.ok(clauses(type, given).every((one) => one === clause) && clauses(type, given).length);
});

t.test('sessions of a recording', async (t) => {
  const type = recordedSession();
  const clause = 'give the id of a session, the beginning of it or its number, or off';
  t.match(type, {
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
    t.equal(fromText(type, text), value);
    t.equal(type.toText(value), text);
    t.equal(type.toJson(value), text);
  }
  t.equal(type.schema.parse(7), '7');
  for (const given of ['', 0, -1, 1.5, true, null])
    t.ok(clauses(type, given).every((one) => one === clause) && clauses(type, given).length);
});
