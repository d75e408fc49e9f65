import t from 'tap';
import { sizeOrAuto } from '../../../src/config/values/memory-values.js';

const MIB = 1024 ** 2;
const type = sizeOrAuto(MIB, 1024 * MIB);
const CLAUSE = 'give a size from 1m to 1g, such as 256m, or auto';

t.test('a size, or a share of what there is', async (t) => {
  for (const [text, value] of [
    ['auto', 'auto'],
    ['1m', MIB],
    ['1g', 1024 * MIB],
    ['2097152', 2 * MIB],
  ] as const) {
    t.equal(type.schema.parse(type.fromText(text)), value);
    t.equal(type.schema.parse(type.fromText(type.toText(value))), value);
    t.equal(type.schema.parse(type.toJson(value)), value);
  }
  t.equal(type.schema.parse(2 * MIB), 2 * MIB, 'a number in JSON is bytes');
  t.same([type.toText(2 * MIB), type.toJson(2 * MIB)], ['2m', '2m']);
  t.same([type.toText('auto'), type.toJson('auto')], ['auto', 'auto']);
});

t.test('anything else is refused, whatever it is', async (t) => {
  t.equal(type.clause, CLAUSE);
  for (const given of [MIB - 1, '1024k1', '1025m', 'off', 'Auto', '', 1.5, null, ['1m']]) {
    const { error } = type.schema.safeParse(given);
    t.match(error?.issues, [{ message: CLAUSE }], String(given));
  }
});
