import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Server, createServer } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { onePassword } from '../fixtures/logins.js';
import t, { type Test } from 'tap';
import { AdminServer, type AdminServerOptions } from '../../src/admin/admin-server.js';
import type { AdminSource, MetricsFormat } from '../../src/admin/admin-source.js';
import { HandshakeError } from '../../src/errors.js';
import { type HttpAnswer, askHttp, readAnswer } from '../fixtures/ask-http.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { certificateSet, connectTls, lasting, tlsContext } from '../fixtures/tls.js';
import { eventually, within } from '../fixtures/within.js';

/** What is told is in the test's hands. */
class TestSource implements AdminSource {
  alive = true;
  readonly wrong: string[] = [];
  text = 'twist_up 1\n';
  failure: unknown = null;
  rendered = 0;
  /** While it is there, metrics wait for it. */
  gate: Promise<void> | null = null;

  isAlive(): Promise<boolean> {
    return Promise.resolve(this.alive);
  }

  problems(): Promise<readonly string[]> {
    return Promise.resolve(this.wrong);
  }

  async metrics(format: MetricsFormat): Promise<string> {
    this.rendered++;
    await this.gate;
    if (this.failure !== null) throw this.failure as Error;
    return `# ${format}\n${this.text}`;
  }
}

interface Fixture {
  readonly admin: AdminServer;
  readonly source: TestSource;
  readonly log: KeptLog;
  readonly port: number;
}

async function start(t: Test, changes: Partial<AdminServerOptions> = {}): Promise<Fixture> {
  const source = new TestSource();
  const log = new KeptLog();
  const admin = new AdminServer({
    address: { host: '127.0.0.1', port: 0 },
    source,
    authorize: null,
    log,
    ...changes,
  });
  t.teardown(() => admin.close());
  await admin.start();
  return { admin, source, log, port: Number(new URL(admin.url).port) };
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

t.test('probes and metrics', async (t) => {
  const { admin, source, log, port } = await start(t);
  t.equal(admin.url, `http://127.0.0.1:${port}`);
  t.strictSame(log.find('admin endpoint'), [
    { level: 'info', message: 'admin endpoint', fields: { address: admin.url } },
  ]);
  t.match(await askHttp(t, port, '/livez'), {
    status: 200,
    body: 'alive\n',
    headers: {
      connection: 'close',
      'cache-control': 'no-store',
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    },
  });
  t.match(await askHttp(t, port, '/readyz?verbose'), { status: 200, body: 'ready\n' });
  t.match(await askHttp(t, port, '/metrics'), {
    status: 200,
    body: '# prometheus\ntwist_up 1\n',
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  });
  const asked =
    'GET /metrics HTTP/1.1\r\nHost: [::1]\r\nAccept: application/openmetrics-text\r\n\r\n';
  t.match(await askHttp(t, port, asked), {
    body: '# openmetrics\ntwist_up 1\n',
    headers: { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' },
  });
  source.alive = false;
  source.wrong.push('draining', 'full');
  t.match(await askHttp(t, port, '/livez'), { status: 503, body: 'a worker does not answer\n' });
  t.match(await askHttp(t, port, '/readyz'), { status: 503, body: 'draining\nfull\n' });
});

t.test('HEAD, HTTP/1.0 without Host, and what is not served', async (t) => {
  const { port, source } = await start(t);
  const head = await askHttp(t, port, `HEAD /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  t.match(head, { status: 200, body: '', headers: { 'content-length': '6' } });
  t.match(await askHttp(t, port, 'GET /livez HTTP/1.0\r\n\r\n'), { status: 200, body: 'alive\n' });
  for (const path of ['/', '/metrics/', '//metrics', '/LIVEZ', 'http://127.0.0.1/metrics']) {
    t.match(await askHttp(t, port, path), {
      status: 404,
      body: 'there are /livez, /readyz and /metrics here, and nothing else\n',
    });
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
    const answer = await askHttp(
      t,
      port,
      `${method} /metrics HTTP/1.1\r\nHost: a.localhost\r\n\r\n`,
    );
    t.match(answer, {
      status: 405,
      body: 'the method must be GET or HEAD\n',
      headers: { allow: 'GET, HEAD' },
    });
  }
  t.equal(source.rendered, 0);
});

t.test('a page with a name of its own for this machine reads nothing', async (t) => {
  const { port, source } = await start(t);
  for (const path of ['/livez', '/readyz', '/metrics', '/']) {
    const answer = await askHttp(t, port, `GET ${path} HTTP/1.1\r\nHost: evil.example\r\n\r\n`);
    t.equal(answer.status, 421, path);
    t.match(answer.body, /^this host name is not allowed/);
    t.notOk('access-control-allow-origin' in answer.headers);
  }
  t.equal(source.rendered, 0);
});

t.test('only metrics ask for a password, and only where others reach them', async (t) => {
  const authenticator = onePassword('ann:secret');
  const authorize = authenticator.authorize.bind(authenticator);
  const open = await start(t, { authorize });
  t.equal((await askHttp(t, open.port, '/metrics')).status, 200, 'on a loopback address');
  const { port } = await start(t, { authorize, address: { host: null, port: 0 } });
  const withHost = (path: string, more = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: twist.example\r\n${more}\r\n`;
  t.equal((await askHttp(t, port, withHost('/livez'))).status, 200);
  t.equal((await askHttp(t, port, withHost('/readyz'))).status, 200);
  const refused = await askHttp(t, port, withHost('/metrics'));
  t.match(refused, { status: 401, body: 'authentication required\n' });
  t.equal(refused.headers['www-authenticate'], 'Basic realm="twist", charset="UTF-8"');
  const wrong = withHost('/metrics', `Authorization: ${basic('ann:wrong')}\r\n`);
  t.equal((await askHttp(t, port, wrong)).status, 401);
  const right = withHost('/metrics', `authorization: ${basic('ann:secret')}\r\n`);
  t.equal((await askHttp(t, port, right)).status, 200);
});

t.test('a refusal may come late, and for other reasons', async (t) => {
  const { port } = await start(t, {
    authorize: () => Promise.reject(new HandshakeError('address')),
    address: { host: null, port: 0 },
  });
  t.match(await askHttp(t, port, '/metrics'), { status: 403, body: 'address not allowed\n' });
});

t.test('a source that fails costs one answer', async (t) => {
  const { port, source, log } = await start(t);
  source.failure = new Error('no figures');
  const answer = await askHttp(t, port, '/metrics');
  t.match(answer, { status: 500, body: 'internal error\n' });
  t.match(log.find('admin request failed'), [{ level: 'error', fields: { err: Error } }]);
  source.failure = null;
  t.equal((await askHttp(t, port, '/metrics')).status, 200);
});

t.test('scrapes that come together share one rendering', async (t) => {
  const { port, source } = await start(t);
  let open = (): void => undefined;
  source.gate = new Promise((resolve) => {
    open = resolve;
  });
  const answers = Promise.all([1, 2, 3, 4].map(() => askHttp(t, port, '/metrics')));
  await eventually(() => source.rendered === 1, 'the first one');
  t.equal((await askHttp(t, port, '/livez')).status, 200, 'probes do not wait for it');
  open();
  t.same(
    (await answers).map(({ status }) => status),
    [200, 200, 200, 200],
  );
  source.gate = null;
  const before = source.rendered;
  await askHttp(t, port, '/metrics');
  t.equal(source.rendered, before + 1, 'the next one is made anew');
});

t.test('the newest connection is served, however many are open', async (t) => {
  const { port } = await start(t);
  const [first, ...others] = await Promise.all(
    Array.from({ length: 300 }, () => connectRaw(t, port)),
  );
  await first!.waitForEnd();
  t.equal((await askHttp(t, port, '/readyz')).status, 200);
  t.ok(others.filter(({ hasEnded }) => !hasEnded).length <= 130);
});

t.test('one request a connection', async (t) => {
  const { port, source } = await start(t);
  const client = await connectRaw(t, port);
  client.send('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
  await client.waitForEnd();
  t.equal(readAnswer(client.received.toString('latin1')).status, 200);
  t.equal(source.rendered, 1);
});

t.test('a port that is taken is one sentence', async (t) => {
  const { port } = await start(t);
  for (const [host, where] of [
    ['127.0.0.1', `127.0.0.1:${port}`],
    ['localhost', `localhost:${port}`],
  ] as const) {
    const other = new AdminServer({
      address: { host, port },
      source: new TestSource(),
      authorize: null,
      log: new KeptLog(),
    });
    await t.rejects(other.start(), {
      name: 'ConfigError',
      source: null,
      message: `cannot listen on ${where} for the admin endpoint: the address is in use already`,
    });
    await other.close();
  }
  const everywhere = createServer();
  t.teardown(() => everywhere.close());
  everywhere.listen(0);
  await once(everywhere, 'listening');
  const { port: taken } = everywhere.address() as { port: number };
  const other = new AdminServer({
    address: { host: null, port: taken },
    source: new TestSource(),
    authorize: null,
    log: new KeptLog(),
  });
  await t.rejects(other.start(), {
    message: `cannot listen on port ${taken} for the admin endpoint: the address is in use already`,
  });
});

t.test('it ends: answers have a moment, connections without a request have none', async (t) => {
  const { admin, port, source } = await start(t);
  let open = (): void => undefined;
  source.gate = new Promise((resolve) => {
    open = resolve;
  });
  const answer = askHttp(t, port, '/metrics');
  await eventually(() => source.rendered === 1, 'the request');
  const idle = await connectRaw(t, port);
  const closed = admin.close();
  t.equal(admin.close(), closed);
  open();
  t.equal((await answer).status, 200);
  await within(closed, 'the end');
  await idle.waitForEnd();
});

t.test('who takes no answer does not keep it', async (t) => {
  const { admin, port, source, log } = await start(t);
  source.text = 'x'.repeat(64 * 1024 * 1024);
  const client = await connectRaw(t, port, { isPaused: true });
  client.send('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await eventually(() => source.rendered === 1, 'the request');
  t.equal((await askHttp(t, port, '/livez')).status, 200);
  await within(admin.close(), 'the end');
  t.strictSame(log.find('admin request failed'), []);
});

t.test('an error of the listener after the start is in the log', async (t) => {
  const listening: Server[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own this
  const { listen } = Server.prototype;
  t.intercept(Server.prototype, 'listen', {
    value: function (this: Server, ...args: Parameters<typeof listen>) {
      listening.push(this);
      return listen.apply(this, args);
    },
  });
  const { log } = await start(t);
  listening[0]!.emit('error', new Error('no descriptors'));
  t.match(log.find('admin endpoint failed'), [{ level: 'error' }]);
});

/** One request by TLS. */
async function askTls(
  t: Test,
  port: number,
  path: string,
  options: ConnectionOptions = {},
): Promise<HttpAnswer & { readonly name: string }> {
  const client = await connectTls(t, port, options);
  const name = client.socket.getPeerCertificate().subject.CN as string;
  client.send(`GET ${path} HTTP/1.1\r\nHost: twist.example\r\n\r\n`);
  await client.waitForEnd();
  return { ...readAnswer(client.received.toString('latin1')), name };
}

t.test('where others reach it there is TLS, with certificates that can be replaced', async (t) => {
  const tls = tlsContext();
  const everywhere = { host: null, port: 0 };
  const { admin, port } = await start(t, { tls, address: everywhere });
  t.match(admin.url, /^https:/);
  const first = await askTls(t, port, '/metrics');
  t.match(first, { status: 200, name: 'localhost' });
  tls.replace(certificateSet({ own: [lasting('other.example')] }));
  t.match(await askTls(t, port, '/livez'), { status: 200, name: 'other.example' });
  for (const host of ['127.0.0.1', 'localhost']) {
    const { admin: local } = await start(t, { tls, address: { host, port: 0 } });
    t.match(local.url, /^http:/, host);
  }
  await admin.close();
});

t.test('a client certificate is for metrics, not for probes', async (t) => {
  const client = lasting('probe.example');
  const everywhere = { host: null, port: 0 };
  const required = tlsContext({ ca: client.cert });
  const { port } = await start(t, { tls: required, address: everywhere });
  t.match(await askTls(t, port, '/livez'), { status: 200 });
  t.match(await askTls(t, port, '/readyz'), { status: 200 });
  t.match(await askTls(t, port, '/metrics'), {
    status: 403,
    body: 'a client certificate is required for this\n',
  });
  const { cert, key } = client;
  t.match(await askTls(t, port, '/metrics', { cert, key }), { status: 200 });
  const { cert: wrong, key: wrongKey } = lasting('probe.example');
  const refused = await askTls(t, port, '/metrics', { cert: wrong, key: wrongKey });
  t.match(refused, { status: 403 });
  const asked = tlsContext({ ca: client.cert, auth: 'request' });
  const { port: open } = await start(t, { tls: asked, address: everywhere });
  t.match(await askTls(t, open, '/metrics'), { status: 200 });
});

t.test('a client whose address is gone already has none', async (t) => {
  const addresses: string[] = [];
  const { port } = await start(t, {
    address: { host: null, port: 0 },
    authorize: (_head, { remoteAddress }) => {
      addresses.push(remoteAddress);
      return Promise.reject(new HandshakeError('address'));
    },
  });
  const forget = (message: unknown): void => {
    const { socket } = message as { socket: object };
    Object.defineProperty(socket, 'remoteAddress', { value: undefined });
  };
  subscribe('net.server.socket', forget);
  t.teardown(() => unsubscribe('net.server.socket', forget));
  t.equal((await askHttp(t, port, '/metrics')).status, 403);
  t.strictSame(addresses, ['']);
});
