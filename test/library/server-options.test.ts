import t from 'tap';
import type { Flags } from '../../src/config/flags.js';
import { load } from '../../src/config/load.js';
import type { Settings } from '../../src/config/settings.js';
import type { ExtensionOffer } from '../../src/extensions/extension-header.js';
import type { Extension } from '../../src/extensions/extension.js';
import type { PermessageDeflateOptions } from '../../src/extensions/permessage-deflate/permessage-deflate.js';
import { serverOptions } from '../../src/library/server-options.js';
import { echoMode } from '../../src/modes/echo.js';
import { sessionOf } from '../fixtures/extensions.js';
import { KeptLog } from '../fixtures/kept-log.js';

function settingsOf(flags: Flags): Settings {
  return load({ flags, environment: {}, readFile: () => '' }).settings;
}

const log = new KeptLog();
const one: Extension = { name: 'x-one', create: () => sessionOf() };

t.test('every setting reaches the server', async (t) => {
  const settings = settingsOf({
    listen: ['127.0.0.1:0', 'unix:/run/twist.sock'],
    subprotocol: 'a,b',
    origin: 'same',
    deflate: false,
    maxRequestLine: '1001',
    maxHeaderLine: '1002',
    maxHead: '1003',
    maxHeaders: '104',
    maxMessage: '1005',
    maxFragments: '1006',
    maxConnections: '1007',
    maxConnectionsPerAddress: '1008',
    outputPause: '20009',
    outputLimit: '20010',
    handshakeTimeout: '1011ms',
    messageTimeout: '1012ms',
    sendTimeout: '1013ms',
    pingInterval: '1014ms',
    pongTimeout: '1015ms',
    idleTimeout: '1016ms',
    closeTimeout: '1017ms',
    drainTimeout: '1018ms',
  });
  t.strictSame(serverOptions(settings, echoMode, [one], log), {
    listen: [
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      { kind: 'unix', path: '/run/twist.sock' },
    ],
    mode: echoMode,
    extensions: [one],
    head: {
      maxRequestLineBytes: 1001,
      maxHeaderLineBytes: 1002,
      maxHeadBytes: 1003,
      maxHeaderCount: 104,
    },
    origin: 'same',
    subprotocol: ['a', 'b'],
    limits: {
      outputPauseBytes: 20_009,
      outputLimitBytes: 20_010,
      maxMessageBytes: 1005,
      handshakeMs: 1011,
      messageMs: 1012,
      sendMs: 1013,
      pingMs: 1014,
      pongMs: 1015,
      idleMs: 1016,
      closeMs: 1017,
    },
    maxFragments: 1006,
    admission: { maxConnections: 1007, maxConnectionsPerAddress: 1008 },
    drainMs: 1018,
    log,
  });
});

t.test('permessage-deflate comes last, with its settings', async (t) => {
  const seen: PermessageDeflateOptions[] = [];
  const deflate: Extension = { name: 'permessage-deflate', create: () => sessionOf() };
  const mocked = await t.mockImport<{ serverOptions: typeof serverOptions }>(
    '../../src/library/server-options.js',
    {
      '../../src/extensions/permessage-deflate/permessage-deflate.js': {
        permessageDeflate: (options: PermessageDeflateOptions) => {
          seen.push(options);
          return deflate;
        },
      },
    },
  );
  const flags = {
    deflateLevel: '9',
    deflateThreshold: '1001',
    deflateMemory: '1002',
    deflateMaxRatio: '103',
    deflateWindowBits: '9',
    deflateClientWindowBits: '10',
  };
  const cases = [
    ['none', false, false],
    ['server', true, false],
    ['client', false, true],
    ['client,server', true, true],
  ] as const;
  for (const [sides, serverNoContextTakeover, clientNoContextTakeover] of cases) {
    const settings = settingsOf({ ...flags, deflateNoContextTakeover: sides });
    const { extensions } = mocked.serverOptions(settings, echoMode, [one], log);
    t.strictSame(extensions, [one, deflate]);
    t.strictSame(seen.pop(), {
      level: 9,
      thresholdBytes: 1001,
      memoryBytes: 1002,
      maxRatio: 103,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 10,
      serverNoContextTakeover,
      clientNoContextTakeover,
    });
  }
  mocked.serverOptions(settingsOf({ deflate: false }), echoMode, [], log);
  t.strictSame(seen, [], 'none is made when it is turned off');
});

t.test('it is the real one', async (t) => {
  const settings = settingsOf({ deflateNoContextTakeover: 'client' });
  const [deflate] = serverOptions(settings, echoMode, [], log).extensions;
  const session = deflate!.create();
  const offer: ExtensionOffer = { name: 'permessage-deflate', params: [] };
  session.init([offer]);
  t.equal(session.response(), 'permessage-deflate; client_no_context_takeover');
  session.close();
});
