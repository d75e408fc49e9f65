/**
 * Who is asking: whose word on a client's address counts, who may connect, and with which credentials. The
 * trusted proxy comes from 127.0.0.1, everybody else from other addresses of the loopback network.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import oracle from 'proxy-protocol-js';
import t, { type Test } from 'tap';
import { onePassword } from '../fixtures/logins.js';
import type { OriginPolicy } from '../../src/handshake/policy.js';
import { echoMode } from '../../src/modes/echo.js';
import { fileAuthenticator } from '../../src/server/auth/basic-auth.js';
import type { AccessOptions, ServerOptions } from '../../src/server/server-options.js';
import { Server } from '../../src/server/server.js';
import { type Changes, DEFAULT_LIMITS, upgradeText } from '../fixtures/handshake.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { HASH, PASSWORD } from '../fixtures/password-hashes.js';
import { RawClient } from '../fixtures/raw-client.js';
import { SERVER_LIMITS } from '../fixtures/server-limits.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually } from '../fixtures/within.js';

const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.2';

interface Options {
  readonly access?: Partial<AccessOptions>;
  readonly auth?: ServerOptions['auth'];
  readonly origin?: OriginPolicy;
  readonly maxPerAddress?: number;
  readonly handshakesPerAddress?: number;
  readonly maxConnectionRate?: number;
  readonly maxHandshakeRate?: number;
}

class Fixture {
  readonly log = new KeptLog();
  readonly server: Server;
  readonly #test: Test;
  readonly #unixPath: string;

  private constructor(t: Test, options: Options) {
    this.#test = t;
    this.#unixPath = path.join(makeTempDir(t), 'twist.sock');
    this.server = new Server({
      listen: [
        { kind: 'tcp', host: PROXY, port: 0 },
        { kind: 'unix', path: this.#unixPath },
      ],
      served: [{ path: '/chat', mode: echoMode, origin: options.origin ?? 'any', extensions: [] }],
      head: DEFAULT_LIMITS,
      subprotocol: 'none',
      maxFragments: 1000,
      admission: {
        maxConnections: 1000,
        maxConnectionsPerAddress: options.maxPerAddress ?? 0,
        maxConnectionRate: options.maxConnectionRate ?? 0,
        maxHandshakeRate: options.maxHandshakeRate ?? 0,
      },
      handshakes: {
        maxHandshakes: 1000,
        maxHandshakesPerAddress: options.handshakesPerAddress ?? 0,
      },
      access: {
        allowedHosts: 'any',
        allow: [],
        deny: [],
        trustProxy: [`${PROXY}/32`],
        trustProxyHeader: 'x-forwarded-for',
        ...options.access,
      },
      auth: options.auth ?? null,
      drainTimeout: 1000,
      limits: SERVER_LIMITS,
      log: this.log,
    });
  }

  static async start(t: Test, options: Options = {}): Promise<Fixture> {
    const fixture = new Fixture(t, options);
    t.teardown(() => {
      fixture.server.stopNow();
    });
    await fixture.server.start();
    return fixture;
  }

  async connect(from: string): Promise<RawClient> {
    const port = Number(new URL(this.server.urls[0]!).port);
    const socket = connect(
      from === 'unix'
        ? { path: this.#unixPath, allowHalfOpen: true }
        : { port, host: PROXY, localAddress: from, allowHalfOpen: true, noDelay: true },
    );
    this.#test.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** The status that these bytes are answered with. */
  async statusOf(from: string, bytes: string | Uint8Array): Promise<number> {
    const client = await this.connect(from);
    client.send(bytes);
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    return Number(client.received.toString('latin1', 9, 12));
  }

  /** Whom the log names for the session or refusal that ends with this; its connection is ended. */
  async peerOf(from: string, bytes: string | Uint8Array): Promise<string> {
    const known = this.log.lines.length;
    const client = await this.connect(from);
    client.send(bytes);
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    client.socket.end();
    await client.waitForClose();
    const find = (): unknown =>
      this.log.lines.slice(known).find(({ fields }) => 'peer' in fields)?.fields['peer'];
    await eventually(() => find() !== undefined, 'the line of the log');
    // A port of our own is different each time.
    return String(find()).replace(`:${client.port}`, ':own');
  }
}

const forwarded = (...values: string[]): string => upgradeText({ 'X-Forwarded-For': values });

const v1 = (source: string, request = upgradeText()): string =>
  `PROXY TCP${source.includes(':') ? 6 : 4} ${source} ${source} 56324 443\r\n${request}`;

/** As another implementation writes it. */
function v2(source: readonly [number, number, number, number]): Uint8Array {
  const { IPv4Address, IPv4ProxyAddress, V2ProxyProtocol, Command, TransportProtocol } = oracle;
  const address = IPv4Address.createFrom([...source]);
  const addresses = new IPv4ProxyAddress(address, 56_324, address, 443);
  const header = new V2ProxyProtocol(Command.PROXY, TransportProtocol.STREAM, addresses);
  return Buffer.concat([header.build(), Buffer.from(upgradeText())]);
}

/** A health check of the proxy itself. */
const v2Local = Buffer.concat([
  Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1'),
  Buffer.from(upgradeText()),
]);

t.test('T12: X-Forwarded-For counts from a trusted proxy only', async (t) => {
  const fixture = await Fixture.start(t);
  t.equal(await fixture.peerOf(PROXY, forwarded('192.0.2.1')), '192.0.2.1');
  t.equal(await fixture.peerOf(PROXY, forwarded('192.0.2.1:5')), '192.0.2.1:5');
  t.equal(await fixture.peerOf(PROXY, forwarded('[2001:DB8::1]:80')), '[2001:db8::1]:80');
  t.equal(
    await fixture.peerOf(PROXY, forwarded('203.0.113.66', '192.0.2.1, 127.0.0.1')),
    '192.0.2.1',
    'what the client wrote itself is left of it',
  );
  t.equal(await fixture.peerOf(PROXY, forwarded('192.0.2.1, nobody')), '127.0.0.1:own');
  t.equal(await fixture.peerOf(PROXY, upgradeText()), '127.0.0.1:own');
  t.equal(await fixture.peerOf(STRANGER, forwarded('192.0.2.1')), '127.0.0.2:own', 'spoofed');
  t.equal(await fixture.peerOf('unix', forwarded('192.0.2.1')), 'unix');
});

t.test('T12: without trusted proxies nobody is believed', async (t) => {
  for (const trustProxyHeader of ['x-forwarded-for', 'proxy-protocol'] as const) {
    const fixture = await Fixture.start(t, { access: { trustProxy: [], trustProxyHeader } });
    t.equal(await fixture.peerOf(PROXY, forwarded('192.0.2.1')), '127.0.0.1:own');
    t.equal(await fixture.statusOf(PROXY, v1('192.0.2.1')), 400);
  }
});

t.test(
  'T12: the PROXY protocol is demanded from trusted proxies, and from nobody else',
  async (t) => {
    const fixture = await Fixture.start(t, { access: { trustProxyHeader: 'proxy-protocol' } });
    t.equal(await fixture.peerOf(PROXY, v1('192.0.2.1')), '192.0.2.1:56324');
    t.equal(await fixture.peerOf(PROXY, v1('2001:db8::1')), '[2001:db8::1]:56324');
    t.equal(await fixture.peerOf(PROXY, v2([192, 0, 2, 1])), '192.0.2.1:56324');
    t.equal(await fixture.peerOf(PROXY, v2Local), '127.0.0.1:own');
    t.equal(await fixture.peerOf(PROXY, `PROXY UNKNOWN\r\n${upgradeText()}`), '127.0.0.1:own');
    t.equal(
      await fixture.peerOf(PROXY, v1('192.0.2.1', forwarded('203.0.113.66'))),
      '192.0.2.1:56324',
      'the other header counts no more',
    );
    t.equal(await fixture.peerOf(PROXY, v1('192.0.2.1', 'nonsense\r\n')), '192.0.2.1:56324');

    t.equal(await fixture.statusOf(PROXY, upgradeText()), 400, 'missing');
    t.match(fixture.log.lines.at(-1), { fields: { rule: 'proxy-header' } });
    t.equal(await fixture.statusOf(PROXY, v1('192.0.2.1', v1('203.0.113.66'))), 400, 'twice');
    t.equal(await fixture.statusOf(PROXY, v1('192.0.2.256')), 400, 'malformed');

    t.equal(await fixture.statusOf(STRANGER, upgradeText()), 101);
    t.equal(await fixture.statusOf('unix', upgradeText()), 101);
    for (const from of [STRANGER, 'unix']) {
      for (const bytes of [v1('192.0.2.1'), v2([192, 0, 2, 1]), v2Local])
        t.equal(await fixture.statusOf(from, bytes), 400, 'spoofed');
    }
  },
);

t.test('a PROXY header that comes byte by byte', async (t) => {
  const fixture = await Fixture.start(t, { access: { trustProxyHeader: 'proxy-protocol' } });
  for (const bytes of [Buffer.from(v1('192.0.2.1')), v2([192, 0, 2, 1])]) {
    const client = await fixture.connect(PROXY);
    await client.sendByteByByte(bytes);
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    t.match(client.received.toString('latin1'), /^HTTP\/1\.1 101 /);
  }
});

t.test('allow and deny judge the client that is found', async (t) => {
  const rules = { allow: ['192.0.2.0/24', '2001:db8::/32'], deny: ['192.0.2.66/32'] };
  const byProtocol = await Fixture.start(t, {
    access: { ...rules, trustProxyHeader: 'proxy-protocol' },
  });
  t.equal(await byProtocol.statusOf(PROXY, v1('192.0.2.1')), 101);
  t.equal(await byProtocol.statusOf(PROXY, v1('2001:db8::1')), 101);
  t.equal(await byProtocol.statusOf(PROXY, v1('::ffff:192.0.2.1')), 101);
  t.equal(await byProtocol.statusOf(PROXY, v1('192.0.2.66')), 403, 'deny wins');
  t.equal(await byProtocol.statusOf(PROXY, v1('::ffff:192.0.2.66')), 403);
  t.equal(await byProtocol.statusOf(PROXY, v1('198.51.100.1')), 403);
  t.equal(await byProtocol.statusOf(PROXY, v2([192, 0, 2, 1])), 101);
  t.equal(await byProtocol.statusOf(PROXY, v2([192, 0, 2, 66])), 403);
  t.equal(await byProtocol.statusOf(PROXY, v2Local), 403, 'the proxy itself is not allowed');

  const byHeader = await Fixture.start(t, { access: rules });
  t.equal(await byHeader.statusOf(PROXY, forwarded('192.0.2.1')), 101);
  t.equal(await byHeader.statusOf(PROXY, forwarded('192.0.2.66')), 403);
  t.equal(await byHeader.statusOf(PROXY, forwarded('192.0.2.1, 192.0.2.66')), 403);
  t.equal(await byHeader.statusOf(PROXY, upgradeText()), 403);
  t.equal(await byHeader.statusOf(STRANGER, forwarded('192.0.2.1')), 403, 'spoofed');
  t.equal(await byHeader.statusOf('unix', upgradeText()), 101, 'no address to judge');
  t.match(byHeader.log.find('handshake refused: address not allowed')[0]?.fields, {
    peer: '192.0.2.66',
    status: 403,
    rule: 'address',
  });
});

t.test('the limit per address counts the client that is found', async (t) => {
  const fixture = await Fixture.start(t, {
    maxPerAddress: 2,
    access: { trustProxyHeader: 'proxy-protocol' },
  });
  t.equal(await fixture.statusOf(PROXY, v1('192.0.2.1')), 101);
  t.equal(await fixture.statusOf(PROXY, v2([192, 0, 2, 1])), 101);
  t.equal(await fixture.statusOf(PROXY, v1('192.0.2.1')), 429);
  for (const host of [2, 3, 4, 5])
    t.equal(await fixture.statusOf(PROXY, v1(`192.0.2.${host}`)), 101, 'not the proxy');
  fixture.server.stopNow();
  await eventually(() => fixture.server.connectionCount === 0, 'the ends of all');
});

t.test('a proxy on a Unix socket is believed when it is trusted', async (t) => {
  const trustProxy = ['unix'];
  const byHeader = await Fixture.start(t, { access: { trustProxy } });
  t.equal(await byHeader.peerOf('unix', forwarded('203.0.113.66, 192.0.2.1')), '192.0.2.1');
  t.equal(await byHeader.peerOf('unix', forwarded('192.0.2.1, unix:')), 'unix');
  t.equal(await byHeader.peerOf('unix', upgradeText()), 'unix', 'it names nobody');
  t.equal(await byHeader.peerOf(PROXY, forwarded('192.0.2.1')), '127.0.0.1:own', 'only it');

  const byProtocol = await Fixture.start(t, {
    access: { trustProxy, trustProxyHeader: 'proxy-protocol' },
  });
  t.equal(await byProtocol.peerOf('unix', v1('192.0.2.1')), '192.0.2.1:56324');
  t.equal(await byProtocol.peerOf('unix', v2([192, 0, 2, 1])), '192.0.2.1:56324');
  t.equal(await byProtocol.peerOf('unix', v2Local), 'unix', 'its own health check');
  t.equal(await byProtocol.peerOf('unix', `PROXY UNKNOWN\r\n${upgradeText()}`), 'unix');
  t.equal(await byProtocol.statusOf('unix', upgradeText()), 400, 'missing');
  t.equal(await byProtocol.statusOf(PROXY, upgradeText()), 101, 'none is due by TCP');
  t.equal(await byProtocol.statusOf(PROXY, v1('192.0.2.1')), 400, 'nor believed');
});

t.test('origin same is the host and scheme that a trusted proxy reports', async (t) => {
  const fixture = await Fixture.start(t, {
    origin: 'same',
    access: { trustProxy: ['unix', `${PROXY}/32`] },
  });
  const asked = (origin: string): string =>
    upgradeText({
      Host: 'twist.internal',
      Origin: origin,
      'X-Forwarded-Host': 'desk.example.com:8443',
      'X-Forwarded-Proto': 'wss',
    });
  const own = asked('https://desk.example.com:8443');
  for (const from of [PROXY, 'unix']) {
    t.equal(await fixture.statusOf(from, own), 101);
    t.equal(await fixture.statusOf(from, asked('http://desk.example.com:8443')), 403);
    t.equal(await fixture.statusOf(from, asked('http://twist.internal')), 403);
  }
  t.equal(await fixture.statusOf(STRANGER, own), 403, 'nobody else is believed');
  t.equal(await fixture.statusOf(STRANGER, asked('http://twist.internal')), 101);
  t.match(fixture.log.find('handshake refused: origin not allowed')[0]?.fields, {
    host: 'desk.example.com:8443',
    origin: 'http://desk.example.com:8443',
    scheme: 'https',
  });
});

t.test('rules and limits for addresses hold behind a proxy on a Unix socket', async (t) => {
  const rules = { allow: ['192.0.2.0/24'], deny: ['192.0.2.66/32'], trustProxy: ['unix'] };
  for (const [trustProxyHeader, from] of [
    ['x-forwarded-for', forwarded],
    ['proxy-protocol', v1],
  ] as const) {
    const fixture = await Fixture.start(t, {
      maxPerAddress: 2,
      access: { ...rules, trustProxyHeader },
    });
    t.equal(await fixture.statusOf('unix', from('192.0.2.66')), 403);
    t.equal(await fixture.statusOf('unix', from('198.51.100.1')), 403);
    for (const status of [101, 101, 429])
      t.equal(await fixture.statusOf('unix', from('192.0.2.1')), status);
    t.equal(await fixture.statusOf('unix', from('192.0.2.2')), 101, 'others have their own count');
    const unnamed = trustProxyHeader === 'proxy-protocol' ? v2Local : upgradeText();
    t.equal(await fixture.statusOf('unix', unnamed), 403, 'one that is not named is on no list');
    fixture.server.stopNow();
    await eventually(() => fixture.server.connectionCount === 0, 'the ends of all');
  }
  const open = await Fixture.start(t, { maxPerAddress: 1, access: { trustProxy: ['unix'] } });
  for (const status of [101, 101]) t.equal(await open.statusOf('unix', upgradeText()), status);
});

t.test('a client that a PROXY header names is counted before its request is there', async (t) => {
  for (const from of [PROXY, 'unix']) {
    const fixture = await Fixture.start(t, {
      handshakesPerAddress: 2,
      access: { trustProxy: ['unix', `${PROXY}/32`], trustProxyHeader: 'proxy-protocol' },
    });
    const slow = await fixture.connect(from);
    slow.send(v1('192.0.2.2', 'GET /chat HTTP/1.1\r\n'));
    const flood: RawClient[] = [];
    for (let count = 0; count < 5; count++) {
      const client = await fixture.connect(from);
      client.send(v1('192.0.2.1', 'GET /chat HTTP/1.1\r\n'));
      flood.push(client);
    }
    const refused = (): number => flood.filter(({ hasEnded }) => hasEnded).length;
    await eventually(() => refused() === 3, 'those beyond the limit to be refused');
    t.match(flood[0]!.received.toString('latin1'), /^HTTP\/1\.1 408 /, 'the oldest');
    t.notOk(slow.hasEnded, 'another client of the proxy has its time');
    t.equal(await fixture.statusOf(from, v1('192.0.2.3')), 101);
  }
});

const withCredentials = (text: string): string =>
  upgradeText({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });

t.test('H22: 401 with what to do about it, without credentials or with wrong ones', async (t) => {
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, `ann:${HASH}\n`);
  for (const auth of [
    onePassword(`ann:${PASSWORD}`),
    await fileAuthenticator(file, 0, new KeptLog()),
  ]) {
    const fixture = await Fixture.start(t, { auth });
    for (const request of [
      upgradeText(),
      withCredentials('ann:guess'),
      withCredentials(`bob:${PASSWORD}`),
      upgradeText({ Authorization: 'Bearer abc' }),
    ]) {
      const client = await fixture.connect(STRANGER);
      client.send(request);
      await client.waitForEnd();
      const answer = client.received.toString('latin1');
      t.match(answer, /^HTTP\/1\.1 401 Unauthorized\r\n/);
      t.match(answer, '\r\nWWW-Authenticate: Basic realm="twist", charset="UTF-8"\r\n');
      t.match(answer, /\r\n\r\nauthentication required\n$/);
    }
    t.equal(await fixture.statusOf(STRANGER, withCredentials(`ann:${PASSWORD}`)), 101);
    const opened = await fixture.connect(STRANGER);
    // Frames behind the head wait for the verification.
    opened.send(withCredentials(`ann:${PASSWORD}`) + '\x81\x82\0\0\0\0hi');
    await opened.waitUntil(() => opened.received.includes('\x81\x02hi', 0, 'latin1'), 'the echo');
    t.notMatch(JSON.stringify(fixture.log.lines), /guess|pässword|Basic|cGFzc3dvcmQ/);
  }
});

t.test(
  'H22: 403 for an address, whatever its credentials; 404 for a path, with the right ones',
  async (t) => {
    const auth = onePassword('ann:secret');
    const fixture = await Fixture.start(t, { auth, access: { deny: [`${STRANGER}/32`] } });
    t.equal(await fixture.statusOf(STRANGER, withCredentials('ann:secret')), 403);
    t.equal(await fixture.statusOf(STRANGER, upgradeText()), 403);
    const nothing = 'GET /nothing HTTP/1.1';
    t.equal(await fixture.statusOf(PROXY, upgradeText({}, nothing)), 401);
    const Authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    t.equal(await fixture.statusOf(PROXY, upgradeText({ Authorization }, nothing)), 404);
  },
);

t.test('T13, H22: foreign web pages get 403', async (t) => {
  const OWN = 'http://localhost';
  const same = await Fixture.start(t, { origin: 'same' });
  const list = await Fixture.start(t, { origin: ['https://app.example.com', OWN] });
  const rows: readonly (readonly [Changes['Origin'], same: number, list: number])[] = [
    [null, 101, 101],
    [OWN, 101, 101],
    ['HTTP://LocalHost', 101, 101],
    ['https://app.example.com', 403, 101],
    ['http://app.example.com', 403, 403],
    ['http://elsewhere.example', 403, 403],
    ['http://localhost.evil.example', 403, 403],
    ['http://evil-localhost', 403, 403],
    ['http://server.example.co', 403, 403],
    ['http://localhost:8080', 403, 403],
    ['http://localhost@evil.example', 403, 403],
    ['null', 403, 403],
    ['', 403, 403],
    [[OWN, OWN], 400, 400],
    [[OWN, 'http://elsewhere.example'], 400, 400],
  ];
  for (const [origin, sameStatus, listStatus] of rows) {
    const request = upgradeText({ Origin: origin ?? null });
    t.equal(await same.statusOf(STRANGER, request), sameStatus, `same: ${String(origin)}`);
    t.equal(await list.statusOf(STRANGER, request), listStatus, `list: ${String(origin)}`);
  }
});

/** Moves the clock of the rates, which otherwise stands still. */
function stopClock(t: Test): (ms: number) => void {
  let nowMs = performance.now();
  t.intercept(performance, 'now', { value: () => nowMs });
  return (ms) => {
    nowMs += ms;
  };
}

t.test('new connections of one address have a rate; others do not notice', async (t) => {
  const after = stopClock(t);
  const fixture = await Fixture.start(t, { maxConnectionRate: 3 });
  const bystander = await fixture.connect('127.0.0.3');
  await bystander.open();
  for (const status of [101, 101, 101, 429, 429])
    t.equal(await fixture.statusOf(STRANGER, upgradeText()), status);
  t.equal(fixture.server.counters.refused.get('connection-rate'), 2);
  t.equal(await fixture.statusOf('127.0.0.3', upgradeText()), 101);
  after(1000);
  t.equal(await fixture.statusOf(STRANGER, upgradeText()), 101);
});

t.test('behind a trusted proxy the clients that it names have it, and not the proxy', async (t) => {
  stopClock(t);
  const fixture = await Fixture.start(t, { maxConnectionRate: 2 });
  const from = (client: string): string => upgradeText({ 'X-Forwarded-For': client });
  for (const client of ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    for (const status of [101, 101, 429])
      t.equal(await fixture.statusOf(PROXY, from(client)), status, client);
  const access = { trustProxyHeader: 'proxy-protocol' } as const;
  const second = await Fixture.start(t, { maxConnectionRate: 2, access });
  for (const client of ['192.0.2.1', '192.0.2.2'])
    for (const status of [101, 101, 429])
      t.equal(
        await second.statusOf(PROXY, `PROXY TCP4 ${client} 192.0.2.9 1 2\r\n${upgradeText()}`),
        status,
        client,
      );
});

t.test('handshakes have a rate in all, which is asked before a password is', async (t) => {
  const after = stopClock(t);
  const auth = onePassword('ann:secret');
  const fixture = await Fixture.start(t, { maxHandshakeRate: 2, auth });
  t.equal(await fixture.statusOf(STRANGER, upgradeText()), 401);
  t.equal(await fixture.statusOf('127.0.0.3', withCredentials('ann:secret')), 101);
  t.equal(await fixture.statusOf(STRANGER, withCredentials('ann:secret')), 503);
  t.equal(fixture.server.counters.refused.get('handshake-rate'), 1);
  t.match(auth.counters, { right: 1, wrong: 0 });
  after(500);
  t.equal(await fixture.statusOf(STRANGER, withCredentials('ann:secret')), 101);
});
