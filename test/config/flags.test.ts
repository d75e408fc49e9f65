import t from 'tap';
import { readFlags } from '../../src/config/flags.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { ConfigError } from '../../src/errors.js';

t.test('flags that are not given give nothing', async (t) => {
  t.equal(readFlags(OPTIONS, {}).size, 0);
  t.equal(readFlags(OPTIONS, { echo: undefined }).size, 0);
});

t.test('text, repeated text and switches', async (t) => {
  const flags = { maxMessage: '1m', listen: ['80', 'unix:a,b'], echo: true, origin: 'null' };
  t.same(Object.fromEntries(readFlags(OPTIONS, flags)), {
    listen: {
      value: [
        { kind: 'tcp', host: '127.0.0.1', port: 80 },
        { kind: 'unix', path: 'a,b' },
      ],
      source: 'flag',
      from: '--listen',
    },
    echo: { value: true, source: 'flag', from: '--echo' },
    origin: { value: ['null'], source: 'flag', from: '--origin' },
    maxMessage: { value: 1_048_576, source: 'flag', from: '--max-message' },
  });
});

t.test('a switch that is turned off', async (t) => {
  t.same(readFlags(OPTIONS, { echo: false }).get('echo'), {
    value: false,
    source: 'flag',
    from: '--no-echo',
  });
});

t.test('a wrong value is wrong usage', async (t) => {
  t.throws(
    () => readFlags(OPTIONS, { logLevel: 'loud' }),
    new ConfigError(
      '--log-level cannot be "loud": choose trace, debug, info, warn, error, fatal or silent',
      { cause: 'flag' },
    ),
  );
});
