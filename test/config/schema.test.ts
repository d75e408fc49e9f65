import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import t from 'tap';
import type { Option, OptionTable } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { fileKeys, fileSchema, jsonSchema } from '../../src/config/schema.js';

interface Written {
  readonly $schema: string;
  readonly additionalProperties: boolean;
  readonly required?: unknown;
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

t.test('a file holds every option but its own path', async (t) => {
  const keys = fileKeys(OPTIONS).map(([key]) => key);
  t.same(
    keys,
    Object.entries<Option>(OPTIONS)
      .filter(([key]) => key !== 'config' && key !== 'auth')
      .map(([key, { fileKey = key }]) => fileKey),
  );
  t.same(
    fileKeys({ route: OPTIONS.route, config: OPTIONS.config }),
    [['routes', OPTIONS.route, 'route']],
    'its name there, and its key in the table',
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

t.test('the JSON Schema describes each key and names its default', async (t) => {
  const written = jsonSchema(OPTIONS) as Written;
  t.equal(written.$schema, 'http://json-schema.org/draft-07/schema#');
  t.equal(written.additionalProperties, false);
  t.equal(written.required, undefined);
  t.same(Object.keys(written.properties), ['$schema', ...fileKeys(OPTIONS).map(([key]) => key)]);
  for (const property of Object.values(written.properties))
    t.match(property['description'], /^[A-Z].*\.$/);
  t.equal(written.properties['maxMessage']?.['default'], '16m');
  t.same(written.properties['listen']?.['default'], ['127.0.0.1:9001']);
  t.equal(written.properties['echo']?.['default'], false);
  t.equal(written.properties['deflate']?.['default'], 'auto');
  t.same(written.properties['routes']?.['default'], {});
  t.equal(written.properties['allow']?.['default'], 'any');
  t.same(written.properties['extension']?.['default'], [], 'an empty list');
  t.same(written.properties['deflateNoContextTakeover']?.['default'], []);
  t.notOk('default' in (written.properties['$schema'] ?? {}));
  t.same(written.properties['maxConnectionsPerAddress']?.['anyOf'], [
    { type: 'integer', minimum: 1, maximum: 1_000_000 },
    { type: 'string', pattern: '^(0|[1-9]\\d*)$' },
    { type: 'string', const: 'off' },
  ]);
});

t.test('an empty table makes an empty schema', async (t) => {
  const table: OptionTable = {};
  t.same(Object.keys((jsonSchema(table) as Written).properties), ['$schema']);
});

t.test(
  'config.schema.json is current: run `npm run docs` after a change to the table',
  async (t) => {
    const made = await format(JSON.stringify(jsonSchema(OPTIONS)), {
      parser: 'json',
      printWidth: 100,
    });
    t.equal(readFileSync('config.schema.json', 'utf8'), made);
  },
);
