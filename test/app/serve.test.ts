import { once } from 'node:events';
import fs, { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError } from '../../src/errors.js';
import type { Extension } from '../../src/extensions/extension.js';
import { Server } from '../../src/server/server.js';
import { type RunningServer, type ServeOptions, serve } from '../../src/app/serve.js';
import { sessionOf } from '../fixtures/extensions.js';
import { closeFrame, encodeFrames, textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { askHttp } from '../fixtures/ask-http.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
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
  t.equal(server.adminUrl, null);
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
      message(session, data) {
        session.send(data.toString().toUpperCase());
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
    [undefined, 'choose a mode: echo, tcp, tokenFile, mode, replay, record or routes'],
    [{}, 'choose a mode: echo, tcp, tokenFile, mode, replay, record or routes'],
    [{ mode: 'ecko' }, 'mode cannot be "ecko": there is no such file'],
    [{ mode: 'echo', tcp: 'a:1' }, 'choose one mode, not echo and tcp together'],
    [
      { routes: { '/a': 'mode:no.mjs' } },
      'routes["/a"] cannot be "mode:no.mjs": there is no such file',
    ],
    [{ mode: 'echo', extension: 'no.mjs' }, 'extension cannot be "no.mjs": there is no such file'],
    [{ mode: 'echo', signal: {} }, 'signal cannot be used: give an AbortSignal'],
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
    await t.rejects(
      serve(options as unknown as ServeOptions),
      new ConfigError(sentence, { source: 'call' }),
      sentence,
    );
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

t.test('routes, a recording and its end, and whoever is open', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const log = new KeptLog();
  const server = await start(t, {
    routes: {
      '/echo': 'echo',
      '/mute': { name: 'mute', message: () => undefined },
    },
    record,
    recordSync: 'none',
    auth: 'ann:secret',
    log,
  });
  t.match(log.find('listening'), [{ fields: { mode: '/echo=echo /mute=mute' } }]);
  const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  const stranger = await connectTo(t, server);
  stranger.send(upgradeText({}, 'GET /echo HTTP/1.1'));
  await stranger.waitForEnd();
  t.match(stranger.received.toString(), /^HTTP\/1\.1 401 /);
  const clients = [];
  for (const route of ['/echo', '/mute']) {
    const client = await connectTo(t, server);
    client.send(upgradeText({ Authorization: authorization }, `GET ${route} HTTP/1.1`));
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    t.match(client.received.toString(), /^HTTP\/1\.1 101 /);
    clients.push(client);
  }
  t.equal(server.sessions.size, 2);
  t.strictSame(
    [...server.sessions].map((session) => session.path),
    ['/echo', '/mute'],
  );
  server.stopNow();
  for (const client of clients) await client.waitForEnd();
  await server.stop();
  t.equal(server.sessions.size, 0);
  const events = readFileSync(record, 'utf8').match(/"ev":"[a-z]+"/g)!;
  t.equal(events.filter((event) => event === '"ev":"close"').length, 2);
  t.match(log.find('recording ended'), [{ level: 'info' }], 'it is closed');
});

t.test('modules of a mode and of an extension', async (t) => {
  const folder = makeTempDir(t);
  const mode = path.join(folder, 'mode.mjs');
  writeFileSync(mode, "export default { name: 'from-a-file', message() {} };");
  chmodSync(mode, 0o666);
  const log = new KeptLog();
  const server = await start(t, { mode, log, listen: 0 });
  t.match(log.find('listening'), [{ fields: { mode: 'from-a-file' } }]);
  t.match(log.lines[0], {
    level: 'warn',
    message: /^mode ".*" can be changed by every user of this machine/,
  });
  await server[Symbol.asyncDispose]();
  await t.rejects(connectTo(t, server), { code: 'ECONNREFUSED' });
});

t.test('a signal stops it gracefully', async (t) => {
  const controller = new AbortController();
  const server = await start(t, { signal: controller.signal });
  const client = await connectTo(t, server);
  await client.open();
  controller.abort();
  const goodbye = encodeFrames([closeFrame(1001, 'the server is shutting down')], false);
  await client.waitForBytes(goodbye.length);
  t.equal(hexOf(client.received), hexOf(goodbye));
  client.send(encodeFrames([closeFrame(1001)], true));
  await within(server.stop(), 'the stop');
});

t.test('a stop by a signal that fails is in the log', async (t) => {
  const controller = new AbortController();
  const log = new KeptLog();
  const server = await serve({ mode: 'echo', listen: 0, signal: controller.signal, log });
  const stop = t.intercept(Server.prototype, 'stop', {
    value: async () => {
      throw new Error('stuck');
    },
  });
  controller.abort();
  await eventually(() => log.find('the server did not stop cleanly').length > 0, 'the line');
  t.match(log.find('the server did not stop cleanly'), [
    { level: 'error', fields: { err: { message: 'stuck' } } },
  ]);
  stop.restore();
  server.stopNow();
});

t.test('a signal that aborts before it listens', async (t) => {
  const reason = new Error('not wanted any more');
  const mode = 'echo';
  await t.rejects(serve({ mode, signal: AbortSignal.abort(reason) }), reason);
  for (const ticks of [1, 3, 10]) {
    const controller = new AbortController();
    const starting = serve({ mode, listen: 0, signal: controller.signal });
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    controller.abort(reason);
    await t.rejects(starting, reason);
  }
  const controller = new AbortController();
  const log = new KeptLog();
  const info = log.info.bind(log);
  log.info = (fields, message) => {
    if (message === 'listening') controller.abort(reason);
    info(fields, message);
  };
  await t.rejects(serve({ mode, listen: 0, signal: controller.signal, log }), reason);
  t.match(log.find('stopped'), [{ level: 'info' }]);
});

t.test('the admin endpoint on a port of its own', async (t) => {
  const server = await start(t, { admin: 0 });
  t.match(server.adminUrl, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const port = Number(new URL(server.adminUrl!).port);
  t.equal((await askHttp(t, port, '/readyz')).status, 200);
});

t.test('a reload reads the files that options name again', async (t) => {
  const log = new KeptLog();
  const server = await serve({ mode: 'echo', listen: '127.0.0.1:0', log });
  await server.reload();
  t.equal(log.find('reloaded: nothing has changed').length, 1);
  await server.stop();
});

t.test('no more connections are taken than the system lets it open files', async (t) => {
  const { readFileSync: read } = fs;
  const reading = t.intercept(fs, 'readFileSync', {
    value: (...args: Parameters<typeof read>) =>
      args[0] === '/proc/self/limits' ? 'Max open files 200 200 files\n' : read(...args),
  });
  syncBuiltinESMExports();
  t.teardown(syncBuiltinESMExports);
  const limit = t.capture(Server.prototype, 'limitConnections');
  const log = new KeptLog();
  await start(t, { maxConnections: 100, log });
  reading.restore();
  const warning = log.lines.find(({ message }) =>
    message.startsWith('fewer connections are taken: '),
  );
  t.match(warning, { level: 'warn', fields: { maxConnections: 72 } });
  t.strictSame(
    limit().map(({ args }) => args),
    [[72]],
  );
});
