import t from 'tap';
import { withoutYieldingModes } from '../../src/config/chosen-modes.js';
import { valuesInForce } from '../../src/config/load.js';
import { checkNeeds } from '../../src/config/needs.js';
import {
  type Option,
  environmentNameOf,
  flagOf,
  libraryOptions,
} from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { readObject } from '../../src/config/read-object.js';
import type { ProvidedServerSettings, ProvidedSettings } from '../../src/config/settings.js';
import {
  type Environment,
  type Flags,
  readEnvironment,
  readFlags,
  readPresets,
} from '../../src/config/text-sources.js';
import { ConfigError } from '../../src/errors.js';

interface Given {
  readonly flags?: Flags;
  readonly environment?: Environment;
  readonly file?: object;
}

function check({ flags = {}, environment = {}, file = {} }: Given): string[] {
  const values = valuesInForce(OPTIONS, [
    readFlags(OPTIONS, flags),
    readEnvironment(OPTIONS, environment),
    readObject(OPTIONS, file, { source: 'file', from: 'a.json', help: '' }),
    readPresets(OPTIONS, environment),
  ]);
  return checkNeeds(withoutYieldingModes(values as unknown as ProvidedSettings));
}

/** Of each option that needs something: a value that is not its default, for a flag and for the file. */
const GIVEN: Readonly<Record<string, readonly [flag: string | boolean | string[], file: unknown]>> =
  {
    echoControls: [true, true],
    echoRequest: ['full', 'full'],
    replaySession: ['01J', '01J'],
    replaySpeed: ['2', 2],
    replayStrict: [true, true],
    recordPayload: ['none', 'none'],
    recordHeaders: ['x-room', 'x-room'],
    recordQuery: ['room', 'room'],
    recordFrames: [true, true],
    recordSync: ['always', 'always'],
    recordFull: ['drop', 'drop'],
    recordRotate: ['1m', '1m'],
    recordKeep: ['1', '1'],
    recordMaxTotal: ['1m', '1m'],
    recordQueue: ['1m', '1m'],
    inspectMemory: ['32m', '32m'],
    inspectPayload: ['none', 'none'],
    inspectToken: ['x'.repeat(16), 'x'.repeat(16)],
    tcpText: [true, true],
    targetConnectTimeout: ['1s', '1s'],
    targetKeepalive: ['1s', '1s'],
    targetAllow: [['10.0.0.0/8'], ['10.0.0.0/8']],
    maxLoginFailures: ['5', 5],
    targetCa: ['ca.pem', 'ca.pem'],
    targetCert: ['c.pem', 'c.pem'],
    targetKey: ['k.pem', 'k.pem'],
    targetServername: ['a.example', 'a.example'],
    targetInsecure: [true, true],
    proxyProtocol: ['1', 1],
    deflateLevel: ['5', 5],
    deflateThreshold: ['64', 64],
    deflateWindowBits: ['10', 10],
    deflateClientWindowBits: ['10', 10],
    deflateNoContextTakeover: ['client', 'client'],
    deflateMemory: ['1m', '1m'],
    deflateMaxRatio: ['100', 100],
    pongTimeout: ['1s', '1s'],
    unixMode: ['0660', '0660'],
    tokenFrom: ['path', 'path'],
    tlsCert: [['c.pem'], ['c.pem']],
    tlsKeyPassphraseFile: ['p', 'p'],
    tlsClientCa: ['ca.pem', 'ca.pem'],
    tlsClientAuth: ['request', 'request'],
    tlsKeylog: ['keys', 'keys'],
  };

/** Those of every source; what is in the environment only has a test of its own. */
const ROWS = Object.entries<Option>(OPTIONS).filter(
  ([, { needs, isFlag }]) => needs !== undefined && isFlag !== false,
);

/** By need: what leaves it unmet, and what meets it. */
const NEEDS: Readonly<Record<string, { without: Flags; met: readonly Flags[]; lack: string }>> = {
  record: {
    without: { echo: true },
    met: [{ record: 'a' }, { echo: true, record: 'a' }],
    lack: 'without --record',
  },
  inspect: {
    without: { echo: true },
    met: [{ inspect: '9002' }],
    lack: 'without --inspect',
  },
  replay: {
    without: { echo: true },
    met: [{ replay: 'a' }, { route: ['/a=replay:b'] }],
    lack: 'without --replay',
  },
  deflate: {
    without: { deflate: false },
    met: [{ echo: true }, { tcp: 'a:1', deflate: true }, { tcp: 'a:1', route: ['/a=echo'] }, {}],
    lack: 'with --no-deflate',
  },
  target: {
    without: { echo: true },
    met: [{ tcp: 'a:1' }, { tokenFile: 't' }, { route: ['/a=tcp:b:1', '/b=echo'] }, {}],
    lack: 'without a TCP target, such as --tcp gives',
  },
  tls: {
    without: { tcp: 'a:1' },
    met: [{ tcp: 'tls://a:1' }, { tokenFile: 't' }, { route: ['/a=tcp:tls://b:1'] }, {}],
    lack: 'without a tls:// target',
  },
  page: {
    without: { page: false },
    met: [
      ...[{ echo: true }, { tcp: 'a:1', route: ['/a=echo'] }, {}],
      { echo: true, page: false, echoControls: true },
    ],
    lack: 'with --no-page, without --echo-controls',
  },
  pings: {
    without: { pingInterval: 'off' },
    met: [{}, { pingInterval: '1s' }],
    lack: 'while --ping-interval is off',
  },
  unix: {
    without: { listen: ['9001'] },
    met: [{ listen: ['9001', 'unix:/a'] }],
    lack: 'without a Unix socket: --listen has no unix:PATH',
  },
  tokens: {
    without: { tcp: 'a:1' },
    met: [{ tokenFile: 't' }, { tokenFile: 't', route: ['/a=token'] }],
    lack: 'without --token-file',
  },
  echo: {
    without: { tcp: 'localhost:1' },
    met: [{ echo: true }, { route: ['/a=echo', '/b=tcp:localhost:1'] }],
    lack: 'without a path that is echoed, such as --echo gives',
  },
  passwords: {
    without: { echo: true },
    met: [{ authFile: 'users' }],
    lack: 'without --auth-file or TWIST_AUTH',
  },
  certificate: {
    without: { echo: true },
    met: [{ tlsCert: ['c.pem'] }],
    lack: 'without --tls-cert',
  },
  'client-ca': {
    without: { tlsCert: ['c.pem'] },
    met: [{ tlsCert: ['c.pem'], tlsClientCa: 'ca.pem' }],
    lack: 'without --tls-client-ca',
  },
  'secure-listener': {
    without: { listen: ['ws://9001', 'unix:/a'] },
    met: [{}, { listen: ['ws://9001', '9002'] }, { listen: ['wss://9001'] }],
    lack: 'while --listen has no address for TLS',
  },
};

t.test('each option that needs another one, without it and with it', async (t) => {
  t.strictSame(Object.keys(GIVEN).sort(), ROWS.map(([key]) => key).sort(), 'all are looked at');
  for (const [key, { needs = '' }] of ROWS) {
    const [flag, json] = GIVEN[key]!;
    const { without, met, lack } = NEEDS[needs]!;
    t.throws(
      () => check({ flags: { ...without, [key]: flag } }),
      new ConfigError(`${flagOf(key)} has no effect ${lack}`, { source: 'flag' }),
      flagOf(key),
    );
    for (const flags of met) {
      t.strictSame(
        check({ flags: { ...flags, [key]: flag } }),
        [],
        `${key} ${JSON.stringify(flags)}`,
      );
    }
    const text = String(flag);
    const variable = environmentNameOf(key);
    t.strictSame(
      check({ flags: without, environment: { [variable]: text } }).map(
        (sentence) => sentence.split(' with')[0]!.split(' while')[0],
      ),
      [`${variable} has no effect`],
      'a warning: the environment is shared',
    );
    t.strictSame(
      check({ flags: without, file: { [key]: json } }).map(
        (sentence) => sentence.split(' with')[0]!.split(' while')[0],
      ),
      [`${key} in a.json has no effect`],
      'a warning: the file is shared',
    );
  }
});

t.test('all that need a group say so', async (t) => {
  for (const [key, { group, needs }] of Object.entries<Option>(OPTIONS)) {
    if (group === 'Recording') t.equal(needs, key === 'record' ? undefined : 'record', key);
    if (group === 'Inspector') t.equal(needs, key === 'inspect' ? undefined : 'inspect', key);
    if (group === 'Proxy') t.ok(needs === 'target' || needs === 'tls', key);
    if (key.startsWith('deflate') && key !== 'deflate') t.equal(needs, 'deflate', key);
  }
});

t.test('a recording alone has no target', async (t) => {
  t.throws(
    () => check({ flags: { record: 'a', tcpText: true } }),
    new ConfigError('--tcp-text has no effect without a TCP target, such as --tcp gives', {
      source: 'flag',
    }),
  );
});

t.test('compression that is off by itself', async (t) => {
  t.throws(
    () => check({ flags: { tcp: 'a:1', deflateLevel: '5' } }),
    new ConfigError('--deflate-level has no effect for TCP targets without --deflate', {
      source: 'flag',
    }),
  );
});

t.test('names as the one that has no effect was written', async (t) => {
  for (const [given, sentence] of [
    [
      { environment: { TWIST_RECORD_SYNC: 'always' } },
      'TWIST_RECORD_SYNC has no effect without TWIST_RECORD',
    ],
    [{ file: { recordSync: 'always' } }, 'recordSync in a.json has no effect without record'],
    [
      { file: { deflateLevel: 5 }, flags: { deflate: false } },
      'deflateLevel in a.json has no effect with --no-deflate',
    ],
    [
      { file: { deflateLevel: 5, deflate: false } },
      'deflateLevel in a.json has no effect while deflate in a.json is false',
    ],
    [
      { environment: { TWIST_PONG_TIMEOUT: '1s', TWIST_PING_INTERVAL: 'off' } },
      'TWIST_PONG_TIMEOUT has no effect while TWIST_PING_INTERVAL is off',
    ],
  ] as const)
    t.strictSame(check(given), [sentence]);
});

t.test('a default, and what an image presets, ask for nothing', async (t) => {
  t.strictSame(
    check({ flags: { echo: true, replayStrict: false, replaySession: 'off', replaySpeed: '1' } }),
    [],
  );
  t.strictSame(check({ file: { recordSync: 'interval', targetAllow: 'any', tcpText: false } }), []);
  t.strictSame(check({ environment: { TWIST_DEFAULT_RECORD_SYNC: 'always' } }), []);
});

t.test('of the library: a call is like a command line', async (t) => {
  const read = (options: object): void => {
    const table = libraryOptions(OPTIONS);
    const place = { source: 'call', from: 'serve(options)', help: '' } as const;
    const values = valuesInForce(table, [readObject(table, options, place)]);
    checkNeeds(values as unknown as ProvidedServerSettings);
  };
  for (const [options, sentence] of [
    [{ deflate: false, deflateLevel: 5 }, 'deflateLevel has no effect while deflate is false'],
    [
      { pingInterval: 'off', pongTimeout: '1s' },
      'pongTimeout has no effect while pingInterval is off',
    ],
  ] as const)
    t.throws(
      () => {
        read(options);
      },
      new ConfigError(sentence, { source: 'call' }),
    );
  t.doesNotThrow(() => {
    read({ deflateLevel: 5, pongTimeout: '1s', deflate: 'auto' });
  });
});

t.test('a passphrase without a certificate', async (t) => {
  const environment = { TWIST_TLS_KEY_PASSPHRASE: 'secret' };
  t.strictSame(check({ environment }), [
    'TWIST_TLS_KEY_PASSPHRASE has no effect without TWIST_TLS_CERT',
  ]);
  t.strictSame(check({ flags: { tlsCert: ['c.pem'], tlsKey: ['k.pem'] }, environment }), []);
});

t.test('what is told of requests needs a path that is echoed', async (t) => {
  t.throws(
    () => check({ flags: { tcp: 'a:1', echoRequest: 'full' } }),
    new ConfigError(
      '--echo-request has no effect without a path that is echoed, such as --echo gives',
      { source: 'flag' },
    ),
  );
  t.strictSame(check({ flags: { tcp: 'a:1' }, file: { page: false, echoRequest: 'full' } }), [
    'echoRequest in a.json has no effect without a path that is echoed, such as echo gives',
  ]);
  const file = { echo: true, page: false, echoRequest: 'full' };
  t.strictSame(check({ file }), [
    'echoRequest in a.json has no effect while page in a.json is false, without echoControls',
  ]);
  t.strictSame(check({ file: { ...file, echoControls: true } }), []);
});
