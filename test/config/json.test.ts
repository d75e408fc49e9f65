import fc from 'fast-check';
import t from 'tap';
import { JsonFault, parseJson } from '../../src/config/json.js';

/** The fault in `text`, as `line:column problem`; null when there is none. */
function faultOf(text: string): string | null {
  try {
    parseJson(text);
    return null;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return `${error.line}:${error.column} ${error.message}`;
  }
}

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
    ['{"a":1,,}', 1, 8, `expected ${key} or }, not ","`],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, `expected ${comma}, not "b"`],
    ['{\r\n  a: 1\r\n}', 2, 3, `expected ${key} or }, not "a"`],
    ["{'a':1}", 1, 2, `expected ${key} or }, not "'"`],
    ['{"a":True}', 1, 6, 'expected a value, not "True"'],
    ['{"a":16m}', 1, 6, 'expected a value, not "16m"'],
    ['{"a":01}', 1, 6, 'expected a value, not "01"'],
    ['{"a":.5}', 1, 6, 'expected a value, not ".5"'],
    ['{"a":😀}', 1, 6, 'expected a value, not "😀"'],
    ['[1,,]', 1, 4, 'expected a value or ], not ","'],
    ['[1 2]', 1, 4, 'expected a comma or ], not "2"'],
    ['[,]', 1, 2, 'expected a value or ], not ","'],
    ['[1}', 1, 3, 'expected a comma or ], not "}"'],
    ['{"a":[]]', 1, 8, `expected ${comma}, not "]"`],
    ['{}}', 1, 3, 'expected nothing more, not "}"'],
    ['{} {}', 1, 4, 'expected nothing more, not "{"'],
    ['{"a":"x\n"}', 1, 6, 'a text in double quotes that does not end, or holds a wrong escape'],
    ['{"a":"\\x"}', 1, 6, 'a text in double quotes that does not end, or holds a wrong escape'],
    ['{"a\\u12":1}', 1, 2, 'a text in double quotes that does not end, or holds a wrong escape'],
    ['# why\n{}', 1, 1, 'expected a value, not "#"'],
    ['{ /* why }', 1, 3, 'a comment that does not end'],
    ['{"a":"x', 1, 6, 'a text in double quotes that does not end, or holds a wrong escape'],
    [`{"a" ${'x'.repeat(100)}}`, 1, 6, `expected a colon, not "${'x'.repeat(80)}"`],
  ] as const) {
    t.equal(faultOf(text), `${line}:${column} ${problem}`, JSON.stringify(text));
  }
});

t.test('comments, and a comma after the last item', async (t) => {
  const text = '// why\n{ /* a */ "a": [1, 2,], // b\r\n "b": { "c": null, }, }\n/* end */';
  t.strictSame(parseJson(text), { a: [1, 2], b: { c: null } });
  t.equal(faultOf('{"a":1,\n /* \n */ x}'), '3:5 expected a key in double quotes or }, not "x"');
});

t.test('a key that is there twice in one object', async (t) => {
  t.equal(faultOf('{"a":1,\n "\\u0061":2}'), '2:2 the key "a" is there twice');
  t.equal(faultOf('{"routes":{"/a":"echo","/a":"token"}}'), '1:24 the key "/a" is there twice');
  t.equal(faultOf('{"a":{"b":1,"c":2},"b":{"b":[{"a":1},{"a":1}]}}'), null);
});

t.test('names of what every object has are keys like others', async (t) => {
  const text = '{"__proto__":{"a":1},"constructor":2,"toString":3}';
  const value = parseJson(text) as object;
  t.equal(Object.getPrototypeOf(value), Object.prototype);
  t.equal(JSON.stringify(value), text);
  t.equal(faultOf('{"__proto__":1,"__proto__":2}'), '1:16 the key "__proto__" is there twice');
});

t.test('nesting has a bound', async (t) => {
  t.equal(faultOf(`${'['.repeat(100)}${']'.repeat(100)}`), null);
  for (const mark of ['[', '{"a":'])
    t.match(faultOf(mark.repeat(1_000_000)), /^1:\d+ it is nested deeper than 100 levels$/);
});

t.test('reads what JSON.parse reads, as the same value', async (t) => {
  const jsonOf = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
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
      const expected = jsonOf(text);
      const fault = faultOf(text);
      if (fault?.endsWith('there twice') === true) return;
      if (expected !== undefined) t.strictSame(parseJson(text), expected, text);
      // Beyond JSON there are comments, which no damage makes, and commas at the end.
      else if (!/,\s*[\]}]/.test(text)) t.not(fault, null, text);
    }),
    { numRuns: 2000 },
  );
});
