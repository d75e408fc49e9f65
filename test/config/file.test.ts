import t from 'tap';
import { readConfigFile, readFault } from '../../src/config/file.js';
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
      '{\n  "echo": true\n  "tcp": "a:1"\n}',
      'twist.json, line 3, column 3: expected a comma or }, not "tcp"',
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
    t.throws(() => read(text), new ConfigError(sentence, { source: 'file' }), text);
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
      { source: 'file' },
    ),
  );
});

t.test('a file may have comments, and a comma after the last key', async (t) => {
  const text = '\uFEFF{\n  // for all\n  "echo": true, /* no TCP */\n}\n';
  t.match(readConfigFile(OPTIONS, PATH, () => text).get('echo'), { value: true });
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
      new ConfigError(sentence, { source: 'file' }),
    );
  }
});
