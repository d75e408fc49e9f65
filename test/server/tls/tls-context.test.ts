import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { type TlsContext, newTicketKeys } from '../../../src/server/tls/tls-context.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { selfSigned } from '../../fixtures/self-signed.js';
import { beginTls, certificateSet, connectTls, lasting, tlsContext } from '../../fixtures/tls.js';
import { within } from '../../fixtures/within.js';

const DAY_MS = 86_400_000;

/** What the server found of one client. */
interface Seen {
  readonly socket: TLSSocket;
  readonly failure: string | null;
}

/** A server that puts TLS around each socket, and tells what it finds. */
async function serve(
  t: Test,
  context: TlsContext,
): Promise<{ readonly port: number; readonly next: () => Promise<Seen> }> {
  const seen: Seen[] = [];
  let wake = (): void => undefined;
  const server = createServer((plain: Socket) => {
    plain.on('error', () => undefined);
    const socket = context.wrap(plain);
    socket.on('error', () => undefined);
    socket.on('secure', () => {
      seen.push({ socket, failure: context.findFailure(socket) });
      wake();
    });
    socket.resume();
    t.teardown(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const next = async (): Promise<Seen> => {
    if (seen.length === 0)
      await within(new Promise<void>((resolve) => (wake = resolve)), 'a client');
    return seen.shift()!;
  };
  return { port: (server.address() as AddressInfo).port, next };
}

/** The name of the error that breaks a connection. */
async function errorOf(socket: TLSSocket): Promise<string | undefined> {
  const broken = new Promise<NodeJS.ErrnoException>((resolve) => socket.on('error', resolve));
  return (await within(broken, 'an error')).code;
}

t.test('what is negotiated', async (t) => {
  const context = tlsContext();
  const { port, next } = await serve(t, context);
  const client = await connectTls(t, port, { ALPNProtocols: ['h2', 'http/1.1'] });
  t.equal(client.socket.alpnProtocol, 'http/1.1');
  const { socket, failure } = await next();
  t.equal(failure, null);
  t.match(context.describe(socket), {
    version: 'TLSv1.3',
    cipher: /^TLS_/,
    serverName: 'localhost',
    certificate: null,
  });
  const older = await connectTls(t, port, { maxVersion: 'TLSv1.2', servername: '' });
  t.equal(older.socket.getProtocol(), 'TLSv1.2');
  t.match(context.describe((await next()).socket), { version: 'TLSv1.2', serverName: null });
  t.strictSame(context.counters, { handshakes: 2, resumed: 0, failed: 0 });
  const ended = context.describe(socket.destroy());
  t.match(ended, { version: 'unknown', cipher: 'unknown' }, 'of a socket that is gone');
});

t.test('who is refused by OpenSSL', async (t) => {
  const { port } = await serve(t, tlsContext());
  const refusedWith = async (options: ConnectionOptions): Promise<unknown> => {
    const socket = beginTls(t, port, options);
    return await errorOf(socket);
  };
  const OLD = { ciphers: 'ALL@SECLEVEL=0' };
  for (const version of ['TLSv1', 'TLSv1.1'] as const)
    t.equal(
      await refusedWith({ ...OLD, minVersion: version, maxVersion: version }),
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    );
  t.equal(
    await refusedWith({ ALPNProtocols: ['h2'] }),
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  );
});

t.test('the certificate of the name that a client asks for', async (t) => {
  const context = tlsContext({ own: [lasting('a.example'), lasting('b.example')] });
  const { port } = await serve(t, context);
  const subjectAt = async (servername: string): Promise<string> => {
    const { socket } = await connectTls(t, port, { servername });
    return String(socket.getPeerCertificate().subject.CN);
  };
  t.equal(await subjectAt('a.example'), 'a.example');
  t.equal(await subjectAt('b.example'), 'b.example');
  t.equal(await subjectAt('c.example'), 'a.example');
  t.equal(await subjectAt(''), 'a.example');
  context.replace(certificateSet({ own: [lasting('c.example'), lasting('b.example')] }));
  t.equal(await subjectAt('a.example'), 'c.example', 'new handshakes get the new ones');
});

t.test('certificates of clients', async (t) => {
  const [alice, mallory] = [lasting('alice'), lasting('mallory')];
  const over = selfSigned('over', { fromMs: -2 * DAY_MS, toMs: -DAY_MS });
  const ca = alice.cert + over.cert;
  const required = await serve(t, tlsContext({ ca }));
  const context = tlsContext({ ca, auth: 'request' });
  const requested = await serve(t, context);
  const failureOf = async (
    { port, next }: typeof required,
    options: ConnectionOptions,
  ): Promise<string | null> => {
    await connectTls(t, port, options);
    return (await next()).failure;
  };
  t.equal(await failureOf(required, alice), null);
  t.equal(await failureOf(required, mallory), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  t.equal(await failureOf(required, over), 'CERT_HAS_EXPIRED');
  t.equal(await failureOf(requested, {}), null);
  t.equal(await failureOf(requested, mallory), null);
  await connectTls(t, requested.port);
  t.equal(context.describe((await requested.next()).socket).certificate, null);
  await connectTls(t, requested.port, alice);
  const { socket } = await requested.next();
  t.match(context.describe(socket).certificate, {
    subject: 'CN=alice',
    issuer: 'CN=alice',
    fingerprint: /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/,
    serialNumber: /^[0-9A-F]+$/,
    altNames: 'DNS:alice',
  });
  const bare = selfSigned('bare', { names: [] });
  const other = tlsContext({ ca: bare.cert });
  const third = await serve(t, other);
  await connectTls(t, third.port, bare);
  t.equal(other.describe((await third.next()).socket).certificate!.altNames, null);
  t.match(other.serverOptions(), { ca: bare.cert, requestCert: true, rejectUnauthorized: true });
  t.match(context.serverOptions(), { requestCert: true, rejectUnauthorized: false });
  await connectTls(t, requested.port, mallory);
  t.equal(context.describe((await requested.next()).socket).certificate, null);
  const without = beginTls(t, required.port);
  t.equal(
    await errorOf(without),
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'the alert that says why',
  );
});

/** Connects, and waits for the ticket, which TLS 1.2 has before the handshake is through. */
async function ticketOf(t: Test, port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = beginTls(t, port, options);
  const both = Promise.all([once(socket, 'session'), once(socket, 'secureConnect')]);
  const [[session]] = (await within(both, 'a ticket')) as [[Buffer], unknown];
  socket.destroy();
  return session;
}

t.test('sessions are resumed, by other workers and after new certificates too', async (t) => {
  const ticketKeys = newTicketKeys();
  const alice = lasting('alice');
  const trust = { ca: alice.cert, auth: 'require', ticketKeys } as const;
  const context = tlsContext(trust);
  const { port, next } = await serve(t, context);
  const worker = await serve(t, tlsContext(trust));
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const options = { ...alice, maxVersion };
    const session = await ticketOf(t, port, options);
    await next();
    for (const server of [{ port, next }, worker]) {
      const { socket } = await connectTls(t, server.port, { ...options, session });
      t.equal(socket.isSessionReused(), true, maxVersion);
      const seen = await server.next();
      t.equal(seen.failure, null);
      t.match(context.describe(seen.socket).certificate, { subject: 'CN=alice' });
    }
  }
  t.match(context.counters, { resumed: 2 });
  const session = await ticketOf(t, port, alice);
  await next();
  context.replace(certificateSet({ ...trust, own: [lasting('localhost')] }));
  const { socket } = await connectTls(t, port, { ...alice, session });
  t.equal(socket.isSessionReused(), true);
});

t.test('no session is resumed by whom the new CAs would not let in', async (t) => {
  const ticketKeys = newTicketKeys();
  const [alice, bob] = [lasting('alice'), lasting('bob')];
  const context = tlsContext({ ca: alice.cert, ticketKeys });
  const { port, next } = await serve(t, context);
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    context.replace(certificateSet({ ca: alice.cert, ticketKeys }));
    const session = await ticketOf(t, port, { ...alice, maxVersion });
    t.equal((await next()).failure, null);
    context.replace(certificateSet({ ca: bob.cert, ticketKeys }));
    const { socket } = await connectTls(t, port, { ...alice, maxVersion, session });
    t.equal(socket.isSessionReused(), false);
    t.equal((await next()).failure, 'DEPTH_ZERO_SELF_SIGNED_CERT');

    context.replace(certificateSet({ ca: alice.cert, auth: 'request', ticketKeys }));
    const anonymous = await ticketOf(t, port, { maxVersion });
    t.equal((await next()).failure, null);
    context.replace(certificateSet({ ca: alice.cert, ticketKeys }));
    const refused = beginTls(t, port, { maxVersion, session: anonymous });
    t.ok(await errorOf(refused));
    t.equal(refused.isSessionReused(), false);
  }
});

t.test('a certificate that has ended since resumes no session', async (t) => {
  const soon = selfSigned('soon', { toMs: 3000 });
  const context = tlsContext({ ca: soon.cert });
  const { port, next } = await serve(t, context);
  const session = await ticketOf(t, port, soon);
  t.equal((await next()).failure, null);
  const { now } = Date;
  t.intercept(Date, 'now', { value: () => now() + DAY_MS });
  await connectTls(t, port, { ...soon, session });
  const { failure, socket } = await next();
  t.equal(socket.isSessionReused(), true);
  t.equal(failure, 'certificate-expired');
});

t.test('an HTTPS server of Node gets the same, and is told of others', async (t) => {
  const context = tlsContext({ own: [lasting('a.example'), lasting('b.example')] });
  t.match(context.serverOptions(), { requestCert: false, rejectUnauthorized: false });
  const server = createHttpsServer(context.serverOptions(), (_, response) => response.end('hello'));
  context.onReplace((options) => {
    server.setSecureContext(options);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { socket } = await connectTls(t, port, { servername: 'b.example' });
  t.match(socket.getPeerCertificate().subject, { CN: 'b.example' });
  context.replace(certificateSet({ own: [lasting('c.example')] }));
  const other = await connectTls(t, port, { servername: '' });
  t.match(other.socket.getPeerCertificate().subject, { CN: 'c.example' }, 'without a name');
  const named = await connectTls(t, port, { servername: 'b.example' });
  t.match(named.socket.getPeerCertificate().subject, { CN: 'c.example' });
});

t.test(
  'what fails is counted and told, and the secrets are given away where that is asked for',
  async (t) => {
    const log = new KeptLog();
    const context = tlsContext({}, log);
    context.failed({ remoteAddress: '192.0.2.1', remotePort: 1 }, 'eof');
    t.match(log.lines, [{ message: 'TLS handshake failed: the client left' }]);
    t.equal(context.counters.failed, 1);
    const lines: string[] = [];
    context.writeKeys = (line) => lines.push(line.toString());
    const { port, next } = await serve(t, context);
    await connectTls(t, port);
    await next();
    t.match(lines, [/^SERVER_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]+ [0-9a-f]+\n$/]);
  },
);
