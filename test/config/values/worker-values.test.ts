import t from 'tap';
import { workerCount } from '../../../src/config/values/worker-values.js';

t.test('a number of workers, or one for each processor', async (t) => {
  const type = workerCount();
  const { schema } = type;
  for (const [given, value] of [
    [1, 1],
    ['7', 7],
    ['auto', 'auto'],
    [256, 256],
  ] as const) {
    t.equal(schema.parse(given), value);
    t.equal(schema.parse(type.fromText(type.toText(value))), value);
    t.equal(schema.parse(type.toJson(value)), value);
  }
  for (const given of [0, -1, 1.5, 257, '257', '0', '1e3', '', 'all', true, null])
    t.notOk(schema.safeParse(given).success, String(given));
});
