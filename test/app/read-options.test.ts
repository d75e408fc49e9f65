import t from 'tap';
import { load } from '../../src/config/load.js';
import type { Option } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { ConfigError } from '../../src/errors.js';
import { readOptions } from '../../src/app/read-options.js';
import type { SettingOptions } from '../../src/app/setting-options.js';

/** What only a command has. */
const COMMAND_KEYS = Object.entries<Option>(OPTIONS)
  .filter(([, { isLibraryKey }]) => isLibraryKey === false)
  .map(([key]) => key);

/** What has no type says what it likes. */
const wrong = (options: object): SettingOptions => options;

t.test('without anything: the defaults, without what only a command needs', async (t) => {
  const { settings } = load({ flags: {}, environment: {}, readFile: () => '' });
  const server = Object.entries(settings).filter(([key]) => !COMMAND_KEYS.includes(key));
  t.strictSame(Object.entries(readOptions({})), server);
});

t.test('options have the forms of the configuration file', async (t) => {
  t.match(
    readOptions({
      listen: ':80',
      origin: ['https://example.com'],
      allow: '10.0.0.0/8',
      deny: ['10.0.0.1', '10.0.0.2'],
      trustProxy: 'none',
      deflate: 'auto',
      deflateNoContextTakeover: ['client'],
      deflateMaxRatio: 100,
      maxMessage: '1m',
      outputPause: 2048,
      idleTimeout: '5m',
      pingInterval: 'off',
      maxConnections: undefined,
    }),
    {
      listen: [{ kind: 'tcp', host: null, port: 80 }],
      origin: ['https://example.com'],
      allow: ['10.0.0.0/8'],
      deny: ['10.0.0.1/32', '10.0.0.2/32'],
      trustProxy: [],
      deflate: 'auto',
      deflateNoContextTakeover: ['client'],
      deflateMaxRatio: 100,
      maxMessage: 1024 ** 2,
      outputPause: 2048,
      idleTimeout: 300_000,
      pingInterval: 0,
      maxConnections: 10_000,
    },
  );
});

t.test('what is wrong, in one sentence', async (t) => {
  const { clause } = OPTIONS.maxMessage.kind;
  for (const [options, sentence] of [
    [{ maxMessage: '4g' }, `maxMessage cannot be "4g": ${clause}`],
    [{ maxMessage: NaN }, `maxMessage cannot be NaN: ${clause}`],
    [{ listen: ['80', '80'] }, 'listen[1] cannot be "80": give each one once'],
    [{ maxMesage: 1 }, 'serve(options) has an unknown key "maxMesage"; did you mean maxMessage?'],
    [
      { foo: 80 },
      'serve(options) has an unknown key "foo"; the type ServeOptions lists the known ones',
    ],
    [
      { outputLimit: '1k' },
      'outputLimit cannot be "1k": it must be at least outputPause, which is 1m by default',
    ],
    [
      { trustProxyHeader: 'proxy-protocol' },
      'trustProxyHeader cannot be "proxy-protocol": trustProxy must name the proxies that send it',
    ],
  ] as const) {
    t.throws(() => readOptions(wrong(options)), new ConfigError(sentence), sentence);
  }
  for (const key of [...COMMAND_KEYS, 'routes']) {
    t.throws(() => readOptions(wrong({ [key]: 'off' })), {
      name: 'ConfigError',
      message: `serve(options) has an unknown key "${key}"`,
    });
  }
});
