import t from 'tap';
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { type OptionTable, fileRows } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { jsonSchema } from '../../tools/json-schema.js';

interface Written {
  readonly $schema: string;
  readonly additionalProperties: boolean;
  readonly required?: unknown;
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

t.test('the JSON Schema describes each key and names its default', async (t) => {
  const written = jsonSchema(OPTIONS) as Written;
  t.equal(written.$schema, 'http://json-schema.org/draft-07/schema#');
  t.equal(written.additionalProperties, false);
  t.equal(written.required, undefined);
  t.same(Object.keys(written.properties), ['$schema', ...fileRows(OPTIONS).map(([key]) => key)]);
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
