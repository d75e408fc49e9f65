import t from 'tap';
import { load } from '../../src/config/load.js';
import type { Environment, Flags } from '../../src/config/text-sources.js';
import { type Option, defaultValue } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { checkRelations, doubtsAbout } from '../../src/config/relations.js';
import type { Provided, ProvidedSettings, Source } from '../../src/config/settings.js';
import { ConfigError } from '../../src/errors.js';
import { type ListenAddress, parseListenAddress } from '../../src/net/socket-address.js';

const flag = (value: number): Provided => ({ value, source: 'flag', from: '(not looked at)' });
const environment = (value: number): Provided => ({
  value,
  source: 'environment',
  from: '(not looked at)',
});
const call = (value: number): Provided => ({ value, source: 'call', from: 'serve(options)' });
const file = (value: number): Provided => ({ value, source: 'file', from: 'twist.json' });

function values(
  given: Readonly<Partial<Record<keyof typeof OPTIONS, Provided>>>,
): ProvidedSettings {
  const defaults = Object.entries<Option>(OPTIONS).map(([key, option]) => [
    key,
    { value: defaultValue(option), source: 'default', from: 'default' },
  ]);
  return { ...Object.fromEntries(defaults), ...given } as ProvidedSettings;
}

const KIB = 1024;
const MIB = KIB ** 2;

t.test('the defaults go together, and equal values do', async (t) => {
  t.doesNotThrow(() => {
    checkRelations(values({}));
    checkRelations(values({ outputPause: flag(16 * MIB), maxHead: file(8 * KIB) }));
    checkRelations(values({ maxMemory: flag(64 * MIB) }));
    checkRelations(values({ maxMemory: flag(MIB), maxMessage: flag(MIB / 4) }));
    checkRelations(values({ maxMessage: flag(1024 * MIB) }));
  });
});

t.test('what does not go together: blames the one that was set last and names both', async (t) => {
  for (const [given, sentence, source] of [
    [
      { outputLimit: flag(KIB) },
      '--output-limit cannot be "1k": it must be at least --output-pause, which is 1m by default',
      'flag',
    ],
    [
      { outputPause: flag(17 * MIB) },
      '--output-pause cannot be "17m": it must be at most --output-limit, which is 16m by default',
      'flag',
    ],
    [
      { outputLimit: environment(KIB) },
      'TWIST_OUTPUT_LIMIT cannot be "1k": it must be at least TWIST_OUTPUT_PAUSE, which is 1m by default',
      'environment',
    ],
    [
      { outputLimit: file(KIB) },
      'outputLimit in twist.json cannot be "1k": it must be at least outputPause, which is 1m by default',
      'file',
    ],
    [
      { outputPause: file(2 * KIB), outputLimit: file(KIB) },
      'outputLimit in twist.json cannot be "1k": it must be at least outputPause in twist.json, which is 2k',
      'file',
    ],
    [
      { outputPause: environment(2 * KIB), outputLimit: file(KIB) },
      'TWIST_OUTPUT_PAUSE cannot be "2k": it must be at most outputLimit in twist.json, which is 1k',
      'environment',
    ],
    [
      { outputPause: environment(2 * KIB), outputLimit: flag(KIB) },
      '--output-limit cannot be "1k": it must be at least TWIST_OUTPUT_PAUSE, which is 2k',
      'flag',
    ],
    [
      { maxHead: flag(4 * KIB) },
      '--max-head cannot be "4k": it must be at least --max-request-line, which is 8k by default',
      'flag',
    ],
    [
      { maxHead: file(4 * KIB), maxRequestLine: file(KIB) },
      'maxHead in twist.json cannot be "4k": it must be at least maxHeaderLine, which is 8k by default',
      'file',
    ],
    [
      { maxHeaderLine: call(20 * KIB), maxHead: call(18 * KIB) },
      'maxHead cannot be "18k": it must be at least maxHeaderLine, which is 20k',
      'call',
    ],
    [
      { outputPause: call(17 * MIB) },
      'outputPause cannot be "17m": it must be at most outputLimit, which is 16m by default',
      'call',
    ],
    [
      { maxMemory: flag(63 * MIB) },
      '--max-memory cannot be "63m": it must be at least four times --max-message, which is 16m by default',
      'flag',
    ],
    [
      { maxMemory: file(64 * MIB), maxMessage: flag(32 * MIB) },
      '--max-message cannot be "32m": it must be at most a quarter of maxMemory in twist.json, which is 64m',
      'flag',
    ],
    [
      { maxMemory: environment(MIB), maxMessage: file(MIB) },
      'TWIST_MAX_MEMORY cannot be "1m": it must be at least four times maxMessage in twist.json, which is 1m',
      'environment',
    ],
    [
      { maxHeaderLine: flag(20 * KIB) },
      '--max-header-line cannot be "20k": it must be at most --max-head, which is 16k by default',
      'flag',
    ],
  ] as const) {
    t.throws(
      () => {
        checkRelations(values(given));
      },
      new ConfigError(sentence, { source }),
    );
  }
});

t.test('a header of a proxy needs a proxy that is trusted', async (t) => {
  const header = (source: Provided['source'], from: string): Provided => ({
    value: 'proxy-protocol',
    source,
    from,
  });
  const trustProxy: Provided = { value: ['::1/128'], source: 'file', from: 'twist.json' };
  t.doesNotThrow(() => {
    checkRelations(values({ trustProxy, trustProxyHeader: header('flag', '') }));
    checkRelations(values({ trustProxy }));
  });
  for (const [given, sentence, source] of [
    [
      { trustProxyHeader: header('flag', '--trust-proxy-header') },
      '--trust-proxy-header cannot be "proxy-protocol": --trust-proxy must name the proxies that send it',
      'flag',
    ],
    [
      {
        trustProxyHeader: header('file', 'twist.json'),
        trustProxy: { value: [], source: 'environment', from: 'TWIST_TRUST_PROXY' },
      },
      'trustProxyHeader in twist.json cannot be "proxy-protocol": TWIST_TRUST_PROXY must name the proxies that send it',
      'file',
    ],
    [
      { trustProxyHeader: header('call', 'serve(options)') },
      'trustProxyHeader cannot be "proxy-protocol": trustProxy must name the proxies that send it',
      'call',
    ],
  ] as const) {
    t.throws(
      () => {
        checkRelations(values(given));
      },
      new ConfigError(sentence, { source }),
    );
  }
});

t.test('what only a command has', async (t) => {
  const by = (source: Provided['source'], from: string, value: unknown): Provided => ({
    value,
    source,
    from,
  });
  const echo = { path: '/a', mode: { kind: 'echo' } };
  const token = { path: '/b', mode: { kind: 'token' } };
  const cert = by('flag', '--target-cert', 'c.pem');
  const key = by('file', 'twist.json', 'k.pem');
  const auth = by('environment', 'TWIST_AUTH', 'ann:secret');
  const authFile = by('file', 'twist.json', 'users');
  const tokenFile = by('environment', 'TWIST_TOKEN_FILE', 'tokens');
  const routes = by('flag', '--route', [echo, token]);
  t.doesNotThrow(() => {
    for (const given of [
      {},
      { targetCert: cert, targetKey: key },
      { auth },
      { authFile },
      { route: routes, tokenFile },
      { route: by('flag', '--route', [echo]) },
      { targetKey: by('flag', '--target-key', null) },
      { health: by('flag', '--health', '/health'), route: by('flag', '--route', [echo]) },
    ]) {
      checkRelations(values(given));
    }
  });
  for (const [given, sentence, source] of [
    [
      { targetCert: cert },
      '--target-cert cannot be "c.pem": --target-key must be given with it',
      'flag',
    ],
    [
      { targetKey: key },
      'targetKey in twist.json cannot be "k.pem": targetCert must be given with it',
      'file',
    ],
    [
      { auth, authFile },
      'authFile in twist.json cannot be "users": TWIST_AUTH is set as well; choose one',
      'file',
    ],
    [
      { route: routes },
      '--route cannot be "/b=token": --token-file must name the file of the tokens',
      'flag',
    ],
    [
      { route: by('environment', 'TWIST_ROUTE', [token]) },
      'TWIST_ROUTE cannot contain "/b=token": TWIST_TOKEN_FILE must name the file of the tokens',
      'environment',
    ],
    [
      {
        route: by('file', 'twist.json', [token]),
        tokenFile: by('flag', '--token-file', null),
      },
      'routes in twist.json cannot contain "/b=token": --token-file must name the file of the tokens',
      'file',
    ],
    [
      { health: by('flag', '--health', '/a/'), route: by('file', 'twist.json', [echo]) },
      '--health cannot be "/a/": routes in twist.json has a route of that path',
      'flag',
    ],
  ] as const) {
    t.throws(
      () => {
        checkRelations(values(given));
      },
      new ConfigError(sentence, { source }),
    );
  }
});

const given = <Value>(value: Value, from = '--deflate-client-window-bits'): Provided<Value> => ({
  value,
  source: 'flag',
  from,
});

function listen(text: string, source: Source = 'flag'): Provided<readonly ListenAddress[]> {
  const value = text.split(',').map((one) => parseListenAddress(one)!);
  return { value, source, from: '(not looked at)' };
}

const EVERYWHERE = listen(':9001', 'preset');

/** Of settings that leave no doubt but for these. */
function doubts(
  changed: Partial<Parameters<typeof doubtsAbout>[0]>,
  presetListen?: ReturnType<typeof listen>,
): string[] {
  const sure = {
    deflate: given('auto' as const),
    deflateClientWindowBits: given(15),
    listen: listen('9001'),
    trustProxy: given([]),
  };
  return doubtsAbout({ ...sure, ...changed }, presetListen);
}

t.test('a proxy on a Unix socket, and no Unix socket', async (t) => {
  const trustProxy = given(['unix', '10.0.0.0/8']);
  t.strictSame(doubts({ trustProxy }), ['--trust-proxy has unix, but --listen has no unix:PATH']);
  t.strictSame(doubts({ trustProxy, listen: listen('9001,unix:/a') }), []);
  t.strictSame(doubts({ trustProxy: given(['10.0.0.0/8']) }), []);
});

t.test('a window of 8 bits for clients, where clients may compress', async (t) => {
  for (const deflate of ['auto', true] as const) {
    const found = doubts({ deflate: given(deflate), deflateClientWindowBits: given(8) });
    t.equal(found.length, 1);
    t.match(found[0], /^--deflate-client-window-bits is 8: .*; 9 suits them$/);
  }
  t.strictSame(doubts({ deflate: given(false), deflateClientWindowBits: given(8) }), []);
  for (const bits of [9, 12, 15])
    t.strictSame(doubts({ deflateClientWindowBits: given(bits) }), [], `${bits}`);
});

t.test('an image that can be reached, told to listen where it cannot', async (t) => {
  for (const text of ['8080', '127.0.0.9:80', '[::1]:80', 'localhost:80', '81,[::1]:82'])
    t.match(doubts({ listen: listen(text) }, EVERYWHERE), [/can reach; :PORT is every address$/]);
  t.strictSame(doubts({ listen: listen('8080') }, EVERYWHERE), [
    '--listen is 127.0.0.1:8080, which nothing outside of this machine or container can reach; :PORT is every address',
  ]);
});

t.test('addresses that leave no doubt', async (t) => {
  for (const text of [':80', '0.0.0.0:80', '80,:81', 'unix:/a', 'unix:/a,80', 'example.com:80'])
    t.strictSame(doubts({ listen: listen(text) }, EVERYWHERE), [], text);
  t.strictSame(doubts({ listen: listen('80') }), [], 'no image');
  const loopback = listen('9001', 'preset');
  t.strictSame(doubts({ listen: listen('80') }, loopback), [], 'an image like the default');
  t.strictSame(doubts({ listen: loopback }, loopback), [], 'nothing but the preset');
});

t.test('each worker needs a name for its recording', async (t) => {
  const workers = (value: number | 'auto', source: Source = 'flag'): Provided => ({
    value,
    source,
    from: source === 'flag' ? '--workers' : 'TWIST_WORKERS',
  });
  const record = (value: string | null): Provided => ({ value, source: 'file', from: 'a.json' });
  for (const [count, name] of [
    [1, 'a.ndjson'],
    [2, null],
    [2, 'a-%w.ndjson'],
    ['auto', 'a%%%w'],
  ] as const)
    t.doesNotThrow(() => {
      checkRelations(values({ workers: workers(count), record: record(name) }));
    });
  for (const [count, name, example] of [
    [2, 'a.b/traffic.ndjson', 'a.b/traffic-%w.ndjson'],
    ['auto', '.d/traffic', '.d/traffic-%w'],
    [2, '.traffic', '.traffic-%w'],
    [2, '-', 'traffic-%w.ndjson'],
    [2, '%Y%%w.ndjson', '%Y%%w-%w.ndjson'],
  ] as const)
    t.throws(
      () => {
        checkRelations(values({ workers: workers(count), record: record(name) }));
      },
      new ConfigError(
        `record in a.json cannot be "${name}": --workers is ${count}, so each process writes a file of its own; ` +
          `put its number, %w, into the name, such as "${example}"`,
        { source: 'flag' },
      ),
    );
  t.throws(() => {
    checkRelations(
      values({
        workers: workers(2, 'environment'),
        record: { value: 'a', source: 'flag', from: '--record' },
      }),
    );
  }, /--record cannot be "a": TWIST_WORKERS is 2, so/);
});

t.test('a server that ends by itself is one process', async (t) => {
  const once = { value: true, source: 'flag', from: '--once' } as const;
  const idleExit = { value: 60_000, source: 'file', from: 'a.json' } as const;
  const workers = (value: number | 'auto'): Provided => ({
    value,
    source: 'environment',
    from: 'TWIST_WORKERS',
  });
  checkRelations(values({ once, idleExit, workers: workers(1) }));
  checkRelations(values({ once, idleExit }));
  const off = { value: false, source: 'flag', from: '--no-once' } as const;
  checkRelations(values({ once: off, workers: workers(2) }));
  for (const [given, name, count, source] of [
    [{ once }, '--once', 2, 'flag'],
    [{ idleExit }, 'idleExit in a.json', 'auto', 'environment'],
  ] as const)
    t.throws(
      () => {
        checkRelations(values({ ...given, workers: workers(count) }));
      },
      new ConfigError(
        `${name} cannot be set while TWIST_WORKERS is ${count}: only a server of one process ends by itself`,
        { source },
      ),
    );
});

t.test('the admin endpoint has a port of its own', async (t) => {
  const loaded = (admin: string, listen: string[]): void => {
    load({ flags: { echo: true, admin, listen }, environment: {}, readFile: () => '' });
  };
  for (const [admin, listen] of [
    ['off', ['9001']],
    ['0', ['0']],
    ['9001', ['9002', 'unix:/9001']],
    ['127.0.0.2:9001', ['9001']],
  ] as const)
    loaded(admin, [...listen]);
  for (const [admin, listen, shown] of [
    ['9001', ['9002', '9001'], '127.0.0.1:9001'],
    [':9001', ['9001'], ':9001'],
    ['127.0.0.2:9001', [':9001'], '127.0.0.2:9001'],
  ] as const)
    t.throws(
      () => {
        loaded(admin, [...listen]);
      },
      new ConfigError(`--admin cannot be "${shown}": --listen has that port; choose another one`, {
        source: 'flag',
      }),
    );
  const environment = { TWIST_ADMIN: '9001' };
  t.throws(
    () => {
      load({ flags: { echo: true }, environment, readFile: () => '' });
    },
    new ConfigError(
      'TWIST_ADMIN cannot be "127.0.0.1:9001": TWIST_LISTEN has that port by default; choose another one',
      { source: 'environment' },
    ),
  );
});

t.test('a certificate has a key, and an address with TLS has a certificate', async (t) => {
  const loaded = (flags: Flags, variables: Environment = {}): void => {
    load({ flags: { echo: true, ...flags }, environment: variables, readFile: () => '' });
  };
  loaded({ tlsCert: ['a', 'b'], tlsKey: ['c', 'd'] });
  loaded({ tlsCert: ['a'], tlsKey: ['b'], listen: ['wss://9001', 'ws://9002', '9003', 'unix:/a'] });
  loaded({ listen: ['ws://9001'] });
  for (const [flags, message] of [
    [{ tlsCert: ['a'] }, '--tls-cert cannot be "a": --tls-key must be given with it'],
    [{ tlsKey: ['a'] }, '--tls-key cannot be "a": --tls-cert must be given with it'],
    [
      { tlsCert: ['a', 'b'], tlsKey: ['c'] },
      '--tls-cert cannot be "a,b": give as many --tls-key, in the same order; there is 1',
    ],
    [
      { tlsCert: ['a'], tlsKey: ['b', 'c'] },
      '--tls-key cannot be "b,c": give as many --tls-cert, in the same order; there is 1',
    ],
    [
      { tlsCert: ['a', 'b', 'c'], tlsKey: ['d', 'e'] },
      '--tls-cert cannot be "a,b,c": give as many --tls-key, in the same order; there are 2',
    ],
    [
      { listen: ['9001', 'wss://:9002'] },
      '--listen cannot be "wss://:9002": --tls-cert must be given with it',
    ],
  ] as const)
    t.throws(
      () => {
        loaded(flags);
      },
      new ConfigError(message, { source: 'flag' }),
    );
  t.throws(
    () => {
      loaded(
        { tlsCert: ['a'], tlsKey: ['b'], tlsKeyPassphraseFile: 'c' },
        { TWIST_TLS_KEY_PASSPHRASE: 'secret' },
      );
    },
    new ConfigError(
      '--tls-key-passphrase-file cannot be "c": TWIST_TLS_KEY_PASSPHRASE is set as well; choose one',
      { source: 'flag' },
    ),
  );
});

t.test('the inspector has a port of its own, and others see it only with a secret', async (t) => {
  const loaded = (flags: Flags, environment: Readonly<Record<string, string>> = {}): void => {
    load({ flags: { echo: true, ...flags }, environment, readFile: () => '' });
  };
  loaded({ inspect: '0', admin: '0' });
  loaded({ inspect: '9002', admin: '9003' });
  loaded({ inspect: '[::1]:9002' });
  loaded({ inspect: ':9002', authFile: 'users' });
  loaded({ inspect: ':9002' }, { TWIST_AUTH: 'ann:secret' });
  loaded({ inspect: ':9002' }, { TWIST_INSPECT_TOKEN: '0123456789abcdef' });
  for (const [flags, sentence] of [
    [
      { inspect: '9001' },
      '--inspect cannot be "127.0.0.1:9001": --listen has that port by default; choose another one',
    ],
    [
      { inspect: '9003', admin: '9003' },
      '--inspect cannot be "127.0.0.1:9003": --admin has that port; choose another one',
    ],
    [
      { inspect: 'twist.example:9002' },
      '--inspect cannot be "twist.example:9002": others than this machine can reach it, so give --auth-file or --inspect-token (or TWIST_AUTH) too',
    ],
  ] as const)
    t.throws(
      () => {
        loaded(flags);
      },
      new ConfigError(sentence, { source: 'flag' }),
    );
});
