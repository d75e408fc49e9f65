import fc from 'fast-check';
import t from 'tap';
import { findJsonFault } from '../../src/config/json-fault.js';

t.test('the first fault, with its place', async (t) => {
  const comma = 'a comma or }';
  const key = 'a key in double quotes';
  for (const [text, line, column, problem] of [
    ['', 1, 1, 'expected a value, not the end of the file'],
    [' \n ', 2, 2, 'expected a value, not the end of the file'],
    ['{', 1, 2, `expected ${key} or }, not the end of the file`],
    ['{"a"', 1, 5, 'expected a colon, not the end of the file'],
    ['{"a" 1}', 1, 6, 'expected a colon, not "1"'],
    ['{"a":', 1, 6, 'expected a value, not the end of the file'],
    ['{"a":}', 1, 6, 'expected a value, not "}"'],
    ['{"a":1', 1, 7, `expected ${comma}, not the end of the file`],
    ['{"a":1,}', 1, 8, `expected ${key}, not "}"`],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, `expected ${comma}, not "b"`],
    ['{\r\n  a: 1\r\n}', 2, 3, `expected ${key} or }, not "a"`],
    ["{'a':1}", 1, 2, `expected ${key} or }, not "'"`],
    ['{"a":True}', 1, 6, 'expected a value, not "True"'],
    ['{"a":16m}', 1, 6, 'expected a value, not "16m"'],
    ['{"a":01}', 1, 6, 'expected a value, not "01"'],
    ['{"a":.5}', 1, 6, 'expected a value, not ".5"'],
    ['{"a":😀}', 1, 6, 'expected a value, not "😀"'],
    ['[1,]', 1, 4, 'expected a value, not "]"'],
    ['[1 2]', 1, 4, 'expected a comma or ], not "2"'],
    ['[,]', 1, 2, 'expected a value or ], not ","'],
    ['[1}', 1, 3, 'expected a comma or ], not "}"'],
    ['{"a":[]]', 1, 8, `expected ${comma}, not "]"`],
    ['{}}', 1, 3, 'expected nothing more, not "}"'],
    ['{} {}', 1, 4, 'expected nothing more, not "{"'],
    ['{"a":"x\n"}', 1, 6, 'a text in double quotes that does not end, or holds a wrong escape'],
    ['{"a":"\\x"}', 1, 6, 'a text in double quotes that does not end, or holds a wrong escape'],
    ['{"a\\u12":1}', 1, 2, 'a text in double quotes that does not end, or holds a wrong escape'],
    ['{ // why\n}', 1, 3, 'JSON has no comments'],
    ['{ /* why */ }', 1, 3, 'JSON has no comments'],
    ['# why\n{}', 1, 1, 'JSON has no comments'],
  ] as const) {
    t.same(findJsonFault(text), { line, column, problem }, JSON.stringify(text));
  }
});

t.test('a key of the outermost object that is there twice', async (t) => {
  t.same(findJsonFault('{"a":1,\n "\\u0061":2}'), {
    line: 2,
    column: 2,
    problem: 'the key "a" is there twice',
  });
  t.equal(findJsonFault('{"a":{"b":1,"c":2},"b":{"b":[{"a":1}]}}'), null);
});

t.test('has no fault to find with what JSON.parse reads, and only with that', async (t) => {
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const damaged = fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.constantFrom('', ',', '}', ']', '"', '\\', '1', ' ', '\n', '\u00a0', '.', '-', 'e', ':'),
    )
    .map(([json, place, damage]) => {
      const at = place % (json.length + 1);
      return json.slice(0, at) + damage + json.slice(at + (place % 2));
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), damaged), (text) => {
      const fault = findJsonFault(text);
      // A key that is there twice is found before what may be wrong behind it.
      if (fault?.problem.endsWith('there twice') === true) return;
      t.equal(fault === null, isJson(text), text);
    }),
    { numRuns: 2000 },
  );
});
