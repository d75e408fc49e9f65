import t from 'tap';
import { count } from '../../../src/config/values/values.js';
import { listenAddresses } from '../../../src/config/values/list-values.js';
import type { Option } from '../../../src/config/options/option.js';
import { readTextValue } from '../../../src/config/values/text-value.js';
import { ConfigError } from '../../../src/errors.js';

const row = (kind: Option['kind']): Option => ({
  group: 'Limits',
  kind,
  default: '',
  help: '',
  docs: '',
});

t.test('a value with its source', async (t) => {
  const option = row(count({ min: 1, max: 9 }));
  t.same(readTextValue(option, '--n', '7', 'flag'), { value: 7, source: 'flag', from: '--n' });
});

t.test('a wrong value, in one sentence', async (t) => {
  const option = row(count({ min: 1, max: 9 }));
  const sentence = '--n cannot be "10": give a whole number from 1 to 9';
  t.throws(() => readTextValue(option, '--n', '10', 'flag'), new ConfigError(sentence));
});

t.test('a wrong item: a flag is one item, a variable holds them all', async (t) => {
  const option = row(listenAddresses());
  const { clause } = option.kind;
  t.throws(
    () => readTextValue(option, '--listen', ['80', 'x'], 'flag'),
    new ConfigError(`--listen cannot be "x": ${clause}`),
  );
  for (const source of ['environment', 'preset'] as const)
    t.throws(
      () => readTextValue(option, 'TWIST_LISTEN', ['80', 'x'], source),
      new ConfigError(`TWIST_LISTEN cannot contain "x": ${clause}`),
    );
});

t.test('a wrong secret is not shown', async (t) => {
  const option: Option = { ...row(count({ min: 1, max: 9 })), isSecret: true };
  t.throws(
    () => readTextValue(option, 'TWIST_PIN', '1234', 'environment'),
    new ConfigError('TWIST_PIN cannot be (a secret, not shown): give a whole number from 1 to 9'),
  );
});
