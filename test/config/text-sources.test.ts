import t from 'tap';
import type { Option } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import {
  readEnvironment,
  readFlags,
  readPresets,
  strayVariables,
} from '../../src/config/text-sources.js';
import { listenAddresses } from '../../src/config/values/list-values.js';
import { count } from '../../src/config/values/values.js';
import { ConfigError } from '../../src/errors.js';

t.test('variables of options, in text', async (t) => {
  const environment = {
    TWIST_ECHO: 'true',
    TWIST_LISTEN: ':80,unix:/a',
    TWIST_PING_INTERVAL: 'off',
    HOME: '/',
  };
  t.same(Object.fromEntries(readEnvironment(OPTIONS, environment)), {
    listen: {
      value: [
        { kind: 'tcp', host: null, port: 80 },
        { kind: 'unix', path: '/a' },
      ],
      source: 'environment',
      from: 'TWIST_LISTEN',
    },
    echo: { value: true, source: 'environment', from: 'TWIST_ECHO' },
    pingInterval: { value: 0, source: 'environment', from: 'TWIST_PING_INTERVAL' },
  });
  t.equal(readEnvironment(OPTIONS, { TWIST_ECHO: undefined }).size, 0);
});

t.test('a secret that is wrong is not told', async (t) => {
  t.throws(
    () => readEnvironment(OPTIONS, { TWIST_AUTH: 'ann' }),
    new ConfigError(
      'TWIST_AUTH cannot be (a secret, not shown): give user:password without control characters, or off',
      { source: 'environment' },
    ),
  );
});

t.test('a wrong value, an empty one included', async (t) => {
  for (const text of ['yes', '', 'True', ' true']) {
    t.throws(
      () => readEnvironment(OPTIONS, { TWIST_ECHO: text }),
      new ConfigError(`TWIST_ECHO cannot be ${JSON.stringify(text)}: give true or false`, {
        source: 'environment',
      }),
    );
  }
});

t.test('variables that replace defaults', async (t) => {
  const environment = { TWIST_DEFAULT_LISTEN: ':80', TWIST_DEFAULT_MAX_HEAD: '1k', TWIST_ECHO: '' };
  t.same(Object.fromEntries(readPresets(OPTIONS, environment)), {
    listen: {
      value: [{ kind: 'tcp', host: null, port: 80 }],
      source: 'preset',
      from: 'TWIST_DEFAULT_LISTEN',
    },
    maxHead: { value: 1024, source: 'preset', from: 'TWIST_DEFAULT_MAX_HEAD' },
  });
  t.throws(
    () => readPresets(OPTIONS, { TWIST_DEFAULT_ECHO: 'yes' }),
    new ConfigError('TWIST_DEFAULT_ECHO cannot be "yes": give true or false', { source: 'preset' }),
  );
});

t.test('variables that are no option', async (t) => {
  const environment = {
    TWIST_MAX_MESAGE: '1m',
    TWIST_FOO: '1',
    TWIST_PORT: '9001',
    TWIST_ECHO: 'true',
    TWIST_DEFAULT_ECHO: 'true',
    TWIST_DEFAULT_ECKO: 'true',
    TWIST_SSL: 'a.pem',
    TWIST_UNSET: undefined,
    TWISTED: '1',
    twist_echo: '1',
  };
  t.same(strayVariables(OPTIONS, environment), [
    'TWIST_DEFAULT_ECKO is not an option of twist and has no effect; did you mean TWIST_DEFAULT_ECHO?',
    'TWIST_FOO is not an option of twist and has no effect',
    'TWIST_MAX_MESAGE is not an option of twist and has no effect; did you mean TWIST_MAX_MESSAGE?',
    'TWIST_PORT is not an option of twist and has no effect; did you mean TWIST_LISTEN?',
    'TWIST_SSL is not an option of twist and has no effect: for TLS give --tls-cert FILE and --tls-key FILE, both in PEM',
    'TWIST_UNSET is not an option of twist and has no effect',
  ]);
});

t.test('what Kubernetes writes for a service named twist is nobody’s mistake', async (t) => {
  const address = 'tcp://10.0.0.1:9001';
  const environment = {
    TWIST_SERVICE_HOST: '10.0.0.1',
    TWIST_SERVICE_PORT: '9001',
    TWIST_SERVICE_PORT_WS: '9001',
    TWIST_PORT: address,
    TWIST_PORT_9001_TCP: address,
    TWIST_PORT_9001_TCP_PROTO: 'tcp',
    TWIST_PORT_9001_TCP_PORT: '9001',
    TWIST_PORT_9001_TCP_ADDR: '10.0.0.1',
    TWIST_ADMIN_SERVICE_HOST: '10.0.0.1',
    TWIST_ADMIN_PORT: address,
  };
  t.same(strayVariables(OPTIONS, environment), []);
});

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
      { source: 'flag' },
    ),
  );
});

const row = (type: Option['type']): Option => ({
  group: 'Limits',
  type,
  default: '',
  help: '',
  docs: '',
});

t.test('a value with its source', async (t) => {
  const table = { n: row(count({ min: 1, max: 9 })) };
  t.same(readFlags(table, { n: '7' }).get('n'), { value: 7, source: 'flag', from: '--n' });
});

t.test('a wrong item: a flag is one item, a variable holds them all', async (t) => {
  const table = { listen: row(listenAddresses()) };
  const { clause } = table.listen.type;
  t.throws(
    () => readFlags(table, { listen: ['80', 'x'] }),
    new ConfigError(`--listen cannot be "x": ${clause}`, { source: 'flag' }),
  );
  t.throws(
    () => readEnvironment(table, { TWIST_LISTEN: '80,x' }),
    new ConfigError(`TWIST_LISTEN cannot contain "x": ${clause}`, { source: 'environment' }),
  );
  t.throws(
    () => readPresets(table, { TWIST_DEFAULT_LISTEN: '80,x' }),
    new ConfigError(`TWIST_DEFAULT_LISTEN cannot contain "x": ${clause}`, { source: 'preset' }),
  );
});

t.test('the old name of an option is refused, with the new one', async (t) => {
  for (const [name, sentence, cause] of [
    ['TWIST_SPEED', 'TWIST_SPEED is called TWIST_REPLAY_SPEED now', 'environment'],
    [
      'TWIST_CONNECT_TIMEOUT',
      'TWIST_CONNECT_TIMEOUT is called TWIST_TARGET_CONNECT_TIMEOUT now',
      'environment',
    ],
    [
      'TWIST_DEFAULT_STRICT',
      'TWIST_DEFAULT_STRICT is called TWIST_DEFAULT_REPLAY_STRICT now',
      'preset',
    ],
  ] as const) {
    const read = cause === 'preset' ? readPresets : readEnvironment;
    t.throws(() => read(OPTIONS, { [name]: '1' }), new ConfigError(sentence, { source: cause }));
    t.equal(read({}, { [name]: '1' }).size, 0, 'a table that has no such option');
  }
});
