import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { ConfigError } from '../../src/errors.js';
import type { Extension } from '../../src/extensions/extension.js';
import { type RunningServer, type ServeOptions, serve } from '../../src/app/serve.js';
import { sessionOf } from '../fixtures/extensions.js';
import { closeFrame, encodeFrames, textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { eventually, within } from '../fixtures/within.js';

/** Starts a server on a free port, which is gone when the test is over. */
async function start(t: Test, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const server = await serve({ mode: 'echo', listen: '127.0.0.1:0', ...options });
  t.teardown(async () => {
    server.stopNow();
    await server.stop();
  });
  return server;
}

async function connectTo(t: Test, { urls }: RunningServer): Promise<RawClient> {
  return await connectRaw(t, Number(new URL(urls[0]!).port));
}

t.test('echo: it listens, counts its connections, and stops', async (t) => {
  const server = await start(t);
  t.match(server.urls, [/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/]);
  t.equal(server.connectionCount, 0);
  const client = await connectTo(t, server);
  await client.open();
  t.equal(server.connectionCount, 1);
  client.send(encodeFrames([textFrame('hello')], true));
  const echo = encodeFrames([textFrame('hello')], false);
  await client.waitForBytes(echo.length);
  t.equal(hexOf(client.received), hexOf(echo));
  client.forget();
  const stopped = server.stop();
  const goodbye = encodeFrames([closeFrame(1001, 'the server is shutting down')], false);
  await client.waitForBytes(goodbye.length);
  t.equal(hexOf(client.received), hexOf(goodbye));
  client.send(encodeFrames([closeFrame(1001)], true));
  await within(stopped, 'the stop');
  t.equal(server.connectionCount, 0);
});

t.test('the names of this machine are served, and those that are listed', async (t) => {
  for (const [options, status] of [
    [{}, '421'],
    [{ allowedHosts: 'other.example' }, '421'],
    [{ allowedHosts: ['local', '*.example'] }, '101'],
    [{ allowedHosts: 'any' }, '101'],
  ] as const) {
    const client = await connectTo(t, await start(t, options));
    client.send(upgradeText({ Host: 'evil.example' }));
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    t.equal(client.received.toString('latin1', 9, 12), status, JSON.stringify(options));
  }
  await t.rejects(start(t, { allowedHosts: '*' }), {
    name: 'ConfigError',
    message: /^allowedHosts/,
  });
});

t.test('stopNow does not wait for anybody', async (t) => {
  const server = await start(t);
  const client = await connectTo(t, server);
  await client.open();
  server.stopNow();
  await client.waitForEnd();
  await eventually(() => server.connectionCount === 0, 'the connection to be gone');
  await t.rejects(connectTo(t, server), { code: 'ECONNREFUSED' });
});

t.test('settings, a mode, extensions and a log of one’s own', async (t) => {
  const log = new KeptLog();
  const extension: Extension = {
    name: 'x-one',
    create: () => sessionOf({ response: () => 'x-one' }),
  };
  const server = await start(t, {
    log,
    extensions: [extension],
    mode: {
      name: 'shout',
      message(session, opcode, bytes, start, end) {
        const text = new TextDecoder().decode(bytes.subarray(start, end));
        session.send(opcode, new TextEncoder().encode(text.toUpperCase()));
      },
    },
    maxMessage: 200,
    deflate: false,
  });
  t.match(log.find('listening'), [{ level: 'info', fields: { mode: 'shout' } }]);
  const client = await connectTo(t, server);
  client.send(upgradeText({ 'Sec-WebSocket-Extensions': 'permessage-deflate, x-one' }));
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  t.match(client.received.toString(), /^Sec-WebSocket-Extensions: x-one\r$/m);
  client.forget();
  client.send(encodeFrames([textFrame('hello'), { opcode: 2, length: 201n }], true));
  await client.waitForEnd();
  const expected = encodeFrames(
    [textFrame('HELLO'), closeFrame(1009, 'message is over the limit of 200 bytes')],
    false,
  );
  t.equal(hexOf(client.received), hexOf(expected));
});

t.test('who may connect', async (t) => {
  const server = await start(t, { deny: '127.0.0.1' });
  const client = await connectTo(t, server);
  client.send(upgradeText());
  await client.waitForEnd();
  t.match(client.received.toString(), /^HTTP\/1\.1 403 /);
});

t.test('what is wrong rejects with one sentence that names it', async (t) => {
  const message = (): void => undefined;
  const log = new KeptLog();
  for (const [options, sentence] of [
    [undefined, "mode cannot be used: give 'echo', or an object with a name and functions"],
    [{}, "mode cannot be used: give 'echo', or an object with a name and functions"],
    [{ mode: 'ecko' }, "mode cannot be used: give 'echo', or an object with a name and functions"],
    [
      { mode: { message } },
      'mode cannot be used: the name of a mode must be a text, not undefined',
    ],
    [
      { mode: 'echo', maxMesage: 1 },
      'serve(options) has an unknown key "maxMesage"; did you mean maxMessage?',
    ],
    [{ mode: 'echo', deflate: 'yes' }, 'deflate cannot be "yes": write true, without quotes'],
    [
      { mode: 'echo', extensions: 'a.mjs' },
      'extensions cannot be used: give an array of extensions',
    ],
    [
      {
        mode: 'echo',
        extensions: [
          { name: 'x-one', create: sessionOf },
          { name: 'x-one', create: sessionOf },
        ],
      },
      'extensions[1] cannot be used: an extension with the name x-one is there already',
    ],
    [
      { mode: 'echo', extensions: [{ name: 'permessage-deflate', create: sessionOf }] },
      'extensions[0] cannot be used: the name permessage-deflate is taken unless deflate is turned off',
    ],
    [
      { mode: 'echo', log: null },
      'log cannot be used: give an object with the functions debug, info, warn, error',
    ],
    [
      { mode: 'echo', log: { debug: message, info: message, warn: message } },
      'log cannot be used: give an object with the functions debug, info, warn, error',
    ],
  ] as const) {
    await t.rejects(serve(options as unknown as ServeOptions), new ConfigError(sentence), sentence);
  }
  t.strictSame(log.lines, []);
});

t.test('an address that cannot be had rejects with the error of the system', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await t.rejects(serve({ mode: 'echo', listen: `127.0.0.1:${port}` }), { code: 'EADDRINUSE' });
});
