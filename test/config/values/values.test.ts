import t from 'tap';
import {
  type Json,
  type ValueType,
  choice,
  count,
  directory,
  duration,
  file,
  fileOrDirectory,
  size,
  toggle,
  toggleOrAuto,
} from '../../../src/config/values/values.js';

/** Text, as a flag or a variable has it, to the value; undefined when it is refused. */
function fromText(type: ValueType<unknown>, text: string): unknown {
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

interface Case<Value> {
  readonly type: ValueType<Value>;
  /** Given, in JSON or as text; the value; its text; its JSON. */
  readonly taken: readonly (readonly [given: string | number | boolean, Value, string, Json])[];
  readonly refused: readonly unknown[];
  readonly clause: string;
  readonly typeText: string;
}

function check<Value>(name: string, { type, taken, refused, clause, typeText }: Case<Value>): void {
  t.test(name, async (t) => {
    t.equal(type.clause, clause);
    t.equal(type.typeText, typeText);
    t.equal(type.isRepeatable, false);
    for (const [given, value, text, json] of taken) {
      t.same(type.schema.parse(given), value, `${String(given)} in JSON`);
      t.same(fromText(type, String(given)), value, `${String(given)} as text`);
      t.equal(type.toText(value), text, 'to text');
      t.same(type.toJson(value), json, 'to JSON');
      t.same(type.schema.parse(json), value, 'JSON reads back');
      t.same(fromText(type, text), value, 'text reads back');
    }
    for (const given of refused) {
      const messages = clauses(type, given);
      t.not(messages.length, 0, `refuses ${JSON.stringify(given)}`);
      t.ok(
        messages.every((message) => message === clause),
        'with the clause',
      );
    }
  });
}

const NOT_SCALAR = [null, [], ['1'], {}, undefined];

check('size', {
  type: size({ min: 125 }),
  taken: [
    [125, 125, '125', '125'],
    ['125', 125, '125', '125'],
    ['64k', 65_536, '64k', '64k'],
    [65_536, 65_536, '64k', '64k'],
    ['16m', 16_777_216, '16m', '16m'],
    ['1g', 1_073_741_824, '1g', '1g'],
    [1_073_741_824, 1_073_741_824, '1g', '1g'],
  ],
  refused: [
    124,
    '124',
    0,
    '0',
    -1,
    '-1',
    1.5,
    '1.5m',
    1_073_741_825,
    '1073741825',
    '1025m',
    '4g',
    '2g',
    '',
    ' 1k',
    '0x100',
    '1K',
    '1kb',
    'off',
    true,
    NaN,
    Infinity,
    '9'.repeat(400),
    ...NOT_SCALAR,
  ],
  clause: 'give a size from 125 bytes to 1g, such as 64k or 16m',
  typeText: 'Size',
});

check('size of a smaller range', {
  type: size({ min: 1024, max: 1024 ** 2 }),
  taken: [
    ['1k', 1024, '1k', '1k'],
    ['1m', 1_048_576, '1m', '1m'],
  ],
  refused: ['1023', '1048577', '2m'],
  clause: 'give a size from 1k to 1m, such as 4k or 64k',
  typeText: 'Size',
});

check('size from nothing to much', {
  type: size({ min: 0, max: 64 * 1024 ** 3 }),
  taken: [
    [0, 0, '0', '0'],
    ['0', 0, '0', '0'],
    ['0k', 0, '0', '0'],
    ['64g', 64 * 1024 ** 3, '64g', '64g'],
  ],
  refused: [-1, '65g', 64 * 1024 ** 3 + 1, 'off', ...NOT_SCALAR],
  clause: 'give a size from 0 to 64g, such as 64k or 16m',
  typeText: 'Size',
});

check('size or off', {
  type: size({ min: 1024, canBeOff: true }),
  taken: [
    ['off', 0, 'off', 'off'],
    ['1k', 1024, '1k', '1k'],
  ],
  refused: [0, '0', 1023, 'OFF', false, ...NOT_SCALAR],
  clause: 'give a size from 1k to 1g, such as 64k or 16m, or off',
  typeText: "Size | 'off'",
});

check('duration', {
  type: duration(),
  taken: [
    ['1ms', 1, '1ms', '1ms'],
    ['30s', 30_000, '30s', '30s'],
    ['90000ms', 90_000, '90s', '90s'],
    ['2147483647ms', 2_147_483_647, '2147483647ms', '2147483647ms'],
  ],
  refused: [
    '0s',
    '0',
    '30',
    30,
    30_000,
    '2147483648ms',
    '597h',
    'off',
    '',
    '-1s',
    ' 5s',
    '5 s',
    '1.5m',
    '1d',
    false,
    ...NOT_SCALAR,
  ],
  clause: 'give a duration such as 500ms, 30s, 5m or 2h, at most 2147483647ms (24 days)',
  typeText: 'Duration',
});

check('duration that can be off', {
  type: duration({ canBeOff: true }),
  taken: [
    ['off', 0, 'off', 'off'],
    ['25s', 25_000, '25s', '25s'],
  ],
  refused: ['0s', 'OFF', 'on', '', 0, false, ...NOT_SCALAR],
  clause: 'give a duration such as 500ms, 30s, 5m or 2h, at most 2147483647ms (24 days), or off',
  typeText: "Duration | 'off'",
});

check('count', {
  type: count({ min: 5, max: 100 }),
  taken: [
    [5, 5, '5', 5],
    ['100', 100, '100', 100],
  ],
  refused: [
    4,
    '4',
    101,
    '101',
    5.5,
    '5.5',
    '1e1',
    '05',
    '',
    ' 5',
    '5k',
    'off',
    -5,
    NaN,
    true,
    ...NOT_SCALAR,
  ],
  clause: 'give a whole number from 5 to 100',
  typeText: 'number',
});

check('count that can be off', {
  type: count({ min: 1, max: 10, canBeOff: true }),
  taken: [
    ['off', 0, 'off', 'off'],
    [10, 10, '10', 10],
  ],
  refused: [0, '0', 11, '11', 'none', '', false, ...NOT_SCALAR],
  clause: 'give a whole number from 1 to 10, or off',
  typeText: "number | 'off'",
});

check('toggle', {
  type: toggle(),
  taken: [
    [true, true, 'true', true],
    [false, false, 'false', false],
  ],
  refused: ['true', 'yes', '', 1, 0, ...NOT_SCALAR],
  clause: 'give true or false',
  typeText: 'boolean',
});

check('toggle that decides by itself', {
  type: toggleOrAuto(),
  taken: [
    [true, true, 'true', true],
    [false, false, 'false', false],
    ['auto', 'auto', 'auto', 'auto'],
  ],
  refused: ['true', 'Auto', 'off', '', 1, 0, ...NOT_SCALAR],
  clause: 'give true, false or auto',
  typeText: "boolean | 'auto'",
});

t.test('a toggle takes true and false for text, nothing else', async (t) => {
  for (const text of ['yes', 'on', '1', 'TRUE', '']) {
    t.equal(fromText(toggle(), text), undefined, text);
    t.equal(fromText(toggleOrAuto(), text), undefined, text);
  }
});

check('choice', {
  type: choice('LEVEL', ['low', 'middle', 'high']),
  taken: [['low', 'low', 'low', 'low']],
  refused: ['', 'Low', 'lowest', 'off', 1, true, ...NOT_SCALAR],
  clause: 'choose low, middle or high',
  typeText: "'low' | 'middle' | 'high'",
});

check('file', {
  type: file(),
  taken: [
    ['a b.json', 'a b.json', 'a b.json', 'a b.json'],
    ['./off', './off', './off', './off'],
    ['off', null, 'off', 'off'],
  ],
  refused: ['', 1, true, ...NOT_SCALAR],
  clause: 'give the path of a file, or off',
  typeText: 'string',
});

for (const [name, type, what] of [
  ['directory', directory(), 'a directory'],
  ['file or directory', fileOrDirectory(), 'a file or a directory'],
] as const) {
  check(name, {
    type,
    taken: [
      ['a b', 'a b', 'a b', 'a b'],
      ['off', null, 'off', 'off'],
    ],
    refused: ['', 1, true, ...NOT_SCALAR],
    clause: `give the path of ${what}, or off`,
    typeText: 'string',
  });
}

t.test('what stands for the value in help', async (t) => {
  t.equal(size({ min: 1 }).valueName, 'SIZE');
  t.equal(duration().valueName, 'DURATION');
  t.equal(duration().fromNumber?.(500), '500ms');
  t.equal(count({ min: 1, max: 2 }).valueName, 'N');
  t.equal(toggle().valueName, '');
  t.equal(choice('LEVEL', ['a', 'b']).valueName, 'LEVEL');
  t.equal(toggleOrAuto().valueName, '');
  t.equal(file().valueName, 'FILE');
  t.equal(directory().valueName, 'DIR');
  t.equal(fileOrDirectory().valueName, 'PATH');
});
