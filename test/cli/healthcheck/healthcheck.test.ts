import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import path from 'node:path';
import t, { type Test } from 'tap';
import { checkHealth } from '../../../src/cli/healthcheck/healthcheck.js';
import { LOCALHOST } from '../../fixtures/tls.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const NO_TLS = { tlsCert: [], tlsClientCa: null, tlsClientAuth: 'require' } as const;

const LISTEN = [{ kind: 'tcp', host: '127.0.0.1', port: 9001 }] as const;

/** A server that answers every request in one way. @returns its port */
async function serve(
  t: Test,
  listener: RequestListener,
  at: object = { host: '127.0.0.1', port: 0 },
): Promise<number> {
  const server = createServer(listener);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(at);
  await once(server, 'listening');
  const bound = server.address();
  return typeof bound === 'object' ? bound!.port : 0;
}

t.test('what the admin endpoint says', async (t) => {
  const asked: string[] = [];
  const port = await serve(t, ({ url, headers }, response) => {
    asked.push(`${url} ${headers.host}`);
    const isReady = asked.length === 1;
    response.writeHead(isReady ? 200 : 503).end(isReady ? 'ready\n' : 'draining\nfull\n');
  });
  for (const host of ['127.0.0.1', null, '0.0.0.0']) {
    const verdict = await checkHealth({
      ...NO_TLS,
      admin: { host, port },
      health: '/x',
      listen: LISTEN,
    });
    t.strictSame(
      verdict,
      asked.length === 1
        ? { isReady: true, text: 'ready' }
        : { isReady: false, text: 'draining\nfull' },
    );
  }
  t.strictSame(asked, Array(3).fill('/readyz localhost'));
});

t.test('the path on an address of the server, with a port or without', async (t) => {
  const socketPath = path.join(makeTempDir(t), 'twist.sock');
  const listener: RequestListener = ({ url }, response) => {
    response.writeHead(url === '/healthz' ? 200 : 404).end('ready\n');
  };
  const port = await serve(t, listener);
  await serve(t, listener, { path: socketPath });
  for (const admin of [null, { host: null, port: 0 }]) {
    for (const listen of [
      [
        { kind: 'tcp', host: '127.0.0.1', port: 0 },
        { kind: 'tcp', host: null, port },
      ],
      [{ kind: 'unix', path: socketPath }],
    ] as const) {
      const verdict = await checkHealth({ ...NO_TLS, admin, health: '/healthz', listen });
      t.strictSame(verdict, { isReady: true, text: 'ready' });
    }
  }
  t.strictSame(
    await checkHealth({
      ...NO_TLS,
      admin: null,
      health: '/other',
      listen: [{ kind: 'unix', path: socketPath }],
    }),
    {
      isReady: false,
      text: `unix:${socketPath}, path /other, answers with status 404: ready`,
    },
  );
});

t.test('nobody to ask', async (t) => {
  const { isReady, text } = await checkHealth({
    ...NO_TLS,
    admin: { host: null, port: 0 },
    health: '/x',
    listen: [{ ...LISTEN[0], port: 0 }],
  });
  t.equal(isReady, false);
  t.match(text, /^nothing can be asked/);
});

t.test('nothing to ask: a server that takes a connection is well', async (t) => {
  const socketPath = path.join(makeTempDir(t), 'twist.sock');
  const asked = (): void => {
    t.fail('this is no request');
  };
  const port = await serve(t, asked);
  await serve(t, asked, { path: socketPath });
  const listen = [{ kind: 'tcp', host: '127.0.0.1', port }] as const;
  const clients = { tlsCert: ['a.pem'], tlsClientCa: 'ca.pem', tlsClientAuth: 'require' } as const;
  const told = 'takes connections; whether it is ready is told by --admin, or by --health';
  for (const settings of [
    { ...NO_TLS, health: null, listen },
    { ...clients, health: '/x', listen },
  ]) {
    t.strictSame(await checkHealth({ ...settings, admin: null }), {
      isReady: true,
      text: `127.0.0.1:${port} ${told}`,
    });
  }
  const unix = {
    ...NO_TLS,
    admin: null,
    health: null,
    listen: [{ kind: 'unix', path: socketPath }],
  };
  t.strictSame(await checkHealth(unix as Parameters<typeof checkHealth>[0]), {
    isReady: true,
    text: `unix:${socketPath} ${told}`,
  });
  const nobody = [{ kind: 'tcp', host: '127.0.0.1', port: 1 }] as const;
  t.strictSame(await checkHealth({ ...NO_TLS, admin: null, health: null, listen: nobody }), {
    isReady: false,
    text: '127.0.0.1:1 does not answer: nothing listens there',
  });
});

t.test('no answer, and one that is too long', async (t) => {
  const port = await serve(t, ({ url }, response) => {
    if (url === '/long') response.end('x'.repeat(1_000_000));
    if (url === '/cut') response.writeHead(200, { 'Content-Length': 5 }).write('a');
    if (url === '/cut') setTimeout(() => response.destroy(), 20);
  });
  const ask = (health: string, timeoutMs = 20_000): ReturnType<typeof checkHealth> =>
    checkHealth(
      { ...NO_TLS, admin: null, health, listen: [{ kind: 'tcp', host: '127.0.0.1', port }] },
      timeoutMs,
    );
  t.equal((await ask('/long')).text.length, 4096);
  t.match(await ask('/cut'), { isReady: false, text: /does not answer/ });
  t.strictSame(await ask('/never', 50), {
    isReady: false,
    text: `127.0.0.1:${port}/never does not answer: no answer within 50 ms`,
  });
  const free = await serve(t, () => undefined, { host: '::1', port: 0 }).catch(() => 1);
  t.match(
    await checkHealth(
      { ...NO_TLS, admin: { host: '::', port: free }, health: null, listen: LISTEN },
      50,
    ),
    {
      isReady: false,
      text: /^\[::1\]:\d+\/readyz does not answer/,
    },
  );
  t.match(
    await checkHealth({
      ...NO_TLS,
      admin: { host: '127.0.0.1', port: 1 },
      health: null,
      listen: LISTEN,
    }),
    {
      text: '127.0.0.1:1/readyz does not answer: nothing listens there',
    },
  );
});

t.test('a server that speaks TLS', async (t) => {
  const { cert, key } = LOCALHOST;
  const server = createSecureServer({ cert, key }, (_request, response) => response.end('ready\n'));
  t.teardown(() => server.close());
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const tlsCert = ['server.pem'];
  for (const asked of [
    { admin: { host: null, port }, health: null, listen: LISTEN },
    { admin: null, health: '/x', listen: [{ kind: 'tcp', host: '127.0.0.1', port }] },
    { admin: null, health: '/x', listen: [{ kind: 'tcp', host: null, port, tls: true }] },
  ] as const) {
    t.strictSame(await checkHealth({ ...NO_TLS, tlsCert, ...asked }), {
      isReady: true,
      text: 'ready',
    });
  }
  const plain = await serve(t, (_request, response) => response.end('ready\n'));
  for (const asked of [
    { admin: { host: '127.0.0.1', port: plain }, health: null, listen: LISTEN },
    { admin: null, health: '/x', listen: [{ kind: 'tcp', host: null, port: plain, tls: false }] },
  ] as const) {
    t.strictSame(await checkHealth({ ...NO_TLS, tlsCert, ...asked }), {
      isReady: true,
      text: 'ready',
    });
  }
});
