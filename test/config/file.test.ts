import t from 'tap';
import fc from 'fast-check';
import { findJsonFault, readConfigFile, readFault } from '../../src/config/file.js';
import type { OptionTable } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import type { Provided } from '../../src/config/settings.js';
import { count } from '../../src/config/values/values.js';
import { ConfigError } from '../../src/errors.js';

const PATH: Provided<string> = { value: 'twist.json', source: 'flag', from: '--config' };

function read(text: string, table: OptionTable = OPTIONS): Map<string, Provided> {
  return readConfigFile(table, PATH, (path) => {
    t.equal(path, 'twist.json');
    return text;
  });
}

t.test('the values of a file, with its path', async (t) => {
  const file = {
    $schema: './config.schema.json',
    echo: true,
    listen: ':80',
    maxMessage: 125,
    maxHeaders: '50',
  };
  const from = { source: 'file', from: 'twist.json' };
  t.same(Object.fromEntries(read(JSON.stringify(file))), {
    echo: { value: true, ...from },
    listen: { value: [{ kind: 'tcp', host: null, port: 80 }], ...from },
    maxMessage: { value: 125, ...from },
    maxHeaders: { value: 50, ...from },
  });
  t.equal(read('{}').size, 0);
  t.equal(read('\uFEFF{}').size, 0, 'a byte order mark');
});

t.test('what is wrong in a file, in one sentence', async (t) => {
  const { clause: listen } = OPTIONS.listen.type;
  const { clause: size } = OPTIONS.maxMessage.type;
  const lists = 'twist config print lists the known ones';
  for (const [text, sentence] of [
    ['', 'twist.json, line 1, column 1: expected a value, not the end of the file'],
    [
      '{\n  "echo": true,\n}',
      'twist.json, line 3, column 1: expected a key in double quotes, not "}"',
    ],
    ['{"echo":true,"echo":true}', 'twist.json, line 1, column 14: the key "echo" is there twice'],
    ['[]', 'twist.json must hold one JSON object, { ... }'],
    ['null', 'twist.json must hold one JSON object, { ... }'],
    ['"echo"', 'twist.json must hold one JSON object, { ... }'],
    ['{"maxMesage":1}', 'twist.json has an unknown key "maxMesage"; did you mean maxMessage?'],
    [
      '{"max-message":"1m"}',
      'twist.json has an unknown key "max-message"; did you mean maxMessage?',
    ],
    ['{"echo":1,"foo":80}', `twist.json has an unknown key "foo"; ${lists}`],
    ['{"__proto__":{}}', `twist.json has an unknown key "__proto__"; ${lists}`],
    ['{"constructor":1}', `twist.json has an unknown key "constructor"; ${lists}`],
    ['{"echo":"true"}', 'echo in twist.json cannot be the text "true": write true, without quotes'],
    ['{"echo":null}', 'echo in twist.json cannot be null: give true or false'],
    ['{"maxMessage":"4g"}', `maxMessage in twist.json cannot be "4g": ${size}`],
    ['{"maxMessage":1.5}', `maxMessage in twist.json cannot be 1.5: ${size}`],
    ['{"maxMessage":[1]}', `maxMessage in twist.json cannot be [1]: ${size}`],
    ['{"listen":"foo"}', `listen in twist.json cannot be "foo": ${listen}`],
    ['{"listen":["80","foo"]}', `listen[1] in twist.json cannot be "foo": ${listen}`],
    [
      '{"listen":["80",81]}',
      'listen[1] in twist.json cannot be the number 81: write "81", with quotes',
    ],
    ['{"listen":["80","80"]}', 'listen[1] in twist.json cannot be "80": give each one once'],
    ['{"listen":{}}', `listen in twist.json cannot be {}: ${listen}, in quotes`],
    ['{"$schema":1}', '$schema in twist.json cannot be 1: give the address of a JSON Schema'],
  ] as const) {
    t.throws(() => read(text), new ConfigError(sentence, { cause: 'file' }), text);
  }
});

t.test('a wrong secret is not shown', async (t) => {
  const pin = {
    group: 'General',
    type: count({ min: 1, max: 9 }),
    default: '1',
    help: '',
    docs: '',
    isSecret: true,
  } as const;
  t.throws(
    () => read('{"pin":1234}', { pin }),
    new ConfigError(
      'pin in twist.json cannot be (a secret, not shown): give a whole number from 1 to 9',
    ),
  );
});

t.test('why a file cannot be read', async (t) => {
  t.equal(readFault({ code: 'ENOENT', message: 'ENOENT: ...' }), 'there is no such file');
  t.equal(readFault(new Error('too large')), 'too large');
});

t.test('a file that cannot be read', async (t) => {
  for (const [error, reason] of [
    [{ code: 'ENOENT', message: 'ENOENT: ...' }, 'there is no such file'],
    [{ code: 'EACCES', message: 'EACCES: ...' }, 'permission to read it is denied'],
    [{ code: 'EISDIR', message: 'EISDIR: ...' }, 'it is a directory'],
    [{ code: 'EIO', message: 'EIO: i/o error' }, 'the disk failed'],
    [{ message: 'too large' }, 'too large'],
  ] as const) {
    const fail = (): never => {
      throw Object.assign(new Error(error.message), error);
    };
    const sentence = `TWIST_CONFIG cannot be "twist.json": ${reason}`;
    t.throws(
      () => readConfigFile(OPTIONS, { ...PATH, from: 'TWIST_CONFIG' }, fail),
      new ConfigError(sentence, { cause: 'file' }),
    );
  }
});

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
