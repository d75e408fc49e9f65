import t from 'tap';
import { OPTIONS } from '../../src/config/options/options.js';
import { type Place, fileSchema, readObject } from '../../src/config/read-object.js';
import { ROUTE_CLAUSES } from '../../src/config/values/proxy-values.js';
import { count } from '../../src/config/values/values.js';
import { ConfigError } from '../../src/errors.js';

const FILE: Place = { source: 'file', from: 'twist.json', help: 'look it up' };
const CALL: Place = { source: 'call', from: 'serve(options)', help: 'look it up' };

t.test('values, with where they are from', async (t) => {
  const from = { source: 'call', from: 'serve(options)' };
  t.same(
    Object.fromEntries(
      readObject(OPTIONS, { maxMessage: '1k', deflate: false, maxHead: undefined }, CALL),
    ),
    { maxMessage: { value: 1024, ...from }, deflate: { value: false, ...from } },
    'what is undefined is not given',
  );
  t.same(readObject(OPTIONS, { $schema: 'x', deflate: true }, FILE).get('deflate'), {
    value: true,
    source: 'file',
    from: 'twist.json',
  });
  t.equal(readObject(OPTIONS, { $schema: 'x' }, FILE).size, 0);
  t.match(
    readObject(OPTIONS, { routes: { '/a': 'echo' } }, FILE).get('route'),
    { value: [{ path: '/a' }] },
    'under its key in the table',
  );
});

t.test('what is wrong, in one sentence', async (t) => {
  const { clause } = OPTIONS.deflateLevel.type;
  const { clause: paths } = OPTIONS.extension.type;
  for (const [given, place, sentence] of [
    [
      { deflateLevl: 1 },
      FILE,
      'twist.json has an unknown key "deflateLevl"; did you mean deflateLevel?',
    ],
    [
      { deflateLevl: 1 },
      CALL,
      'serve(options) has an unknown key "deflateLevl"; did you mean deflateLevel?',
    ],
    [{ deflateLevel: 1, foo: 80 }, CALL, 'serve(options) has an unknown key "foo"; look it up'],
    [{ port: 80 }, CALL, 'serve(options) has an unknown key "port"; did you mean listen?'],
    [{ speed: 2 }, FILE, 'twist.json has an unknown key "speed"; did you mean replaySpeed?'],
    [
      { connectTimeout: '1s' },
      CALL,
      'serve(options) has an unknown key "connectTimeout"; did you mean targetConnectTimeout?',
    ],
    [{ host: 'a' }, FILE, 'twist.json has an unknown key "host"; did you mean listen?'],
    [{ path: '/a' }, FILE, 'twist.json has an unknown key "path"; did you mean routes?'],
    [
      { daemon: true },
      FILE,
      'twist.json has an unknown key "daemon": twist stays in the foreground, as the user that starts it; a supervisor or a container does the rest',
    ],
    [{ daemon: 4 }, CALL, 'serve(options) has an unknown key "daemon"; look it up'],
    [
      { auth: 'a:b' },
      FILE,
      'twist.json has an unknown key "auth": it can only be given by TWIST_AUTH',
    ],
    [
      { config: 'a' },
      FILE,
      'twist.json has an unknown key "config": it can only be given by TWIST_CONFIG or --config',
    ],
    [{ deflateLevel: 0 }, FILE, `deflateLevel in twist.json cannot be 0: ${clause}`],
    [{ deflateLevel: NaN }, CALL, `deflateLevel cannot be NaN: ${clause}`],
    [
      { extension: ['a', 5] },
      FILE,
      `extension[1] in twist.json cannot be the number 5: write "5", with quotes`,
    ],
    [{ extension: [{}] }, FILE, `extension[0] in twist.json cannot be {}: ${paths}, in quotes`],
    [
      { echo: 'true' },
      FILE,
      'echo in twist.json cannot be the text "true": write true, without quotes',
    ],
    [{ extension: ['a', 'a'] }, CALL, 'extension[1] cannot be "a": give each one once'],
    [
      { routes: { '/a': 'ecko' } },
      FILE,
      `routes["/a"] in twist.json cannot be "ecko": ${ROUTE_CLAUSES.mode}`,
    ],
    [
      { routes: ['/a=echo', '/b'] },
      FILE,
      `routes[1] in twist.json cannot be "/b": ${ROUTE_CLAUSES.form}`,
    ],
    [{ route: {} }, FILE, 'twist.json has an unknown key "route"; did you mean routes?'],
    [{ $schema: 1 }, FILE, '$schema in twist.json cannot be 1: give the address of a JSON Schema'],
    [[], FILE, 'twist.json must hold one JSON object, { ... }'],
  ] as const) {
    t.throws(
      () => readObject(OPTIONS, given, place),
      new ConfigError(sentence, { source: place.source }),
      sentence,
    );
  }
});

t.test('what an object cannot hold at all', async (t) => {
  t.throws(
    () => readObject({ deflate: OPTIONS.deflate }, { port: 80 }, CALL),
    new ConfigError('serve(options) has an unknown key "port"; look it up', { source: 'call' }),
    'the habit is of an option that is not there',
  );
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
    () => readObject({ pin }, { pin: 1234 }, CALL),
    new ConfigError('pin cannot be (a secret, not shown): give a whole number from 1 to 9', {
      source: 'call',
    }),
  );
  t.throws(
    () => readObject({ pin }, { pin: ['5'] }, CALL),
    new ConfigError('pin cannot be (a secret, not shown): give a whole number from 1 to 9', {
      source: 'call',
    }),
    'nor how it would be right',
  );
});

t.test('values are optional, keys are known', async (t) => {
  const schema = fileSchema(OPTIONS);
  t.same(schema.parse({}), {});
  t.same(schema.parse({ $schema: 'x', maxMessage: '1k' }), { $schema: 'x', maxMessage: 1024 });
  t.match(schema.parse({ routes: { '/a': 'echo' } }), { routes: [{ path: '/a' }] });
  t.notOk(schema.safeParse({ config: 'x' }).success);
  t.notOk(schema.safeParse({ route: {} }).success);
  t.notOk(schema.safeParse({ $schema: 1 }).success);
});
