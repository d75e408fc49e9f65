import { Buffer } from 'node:buffer';
import t from 'tap';
import type { SessionUpgrade } from '../../src/session/session-host.js';
import {
  type Asker,
  type OpeningPolicy,
  type Route,
  acceptingResponse,
  decideUpgrade,
  optionsBytes,
  readPlain,
  refusalBytes,
  refusalOf,
} from '../../src/connection/head-phase.js';
import { SessionCounts } from '../../src/session/counters.js';
import type { Mode } from '../../src/session/mode.js';
import { HandshakeError, type HandshakeRule } from '../../src/errors.js';
import { type Way } from '../../src/handshake/policy.js';
import { type UpgradeRequest } from '../../src/handshake/request.js';
import type { ServiceRequest } from '../../src/http/tunnel.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import {
  ACCEPT,
  type Changes,
  DEFAULT_LIMITS,
  KEY,
  parsedHead,
  upgradeText,
} from '../fixtures/handshake.js';
import { Connection } from '../../src/connection/connection.js';
import { echoMode } from '../../src/modes/echo.js';
import { Bench, QUIET, requestWith } from '../fixtures/connection-bench.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { ACCEPTED } from '../fixtures/raw-client.js';
import { LIMITS, START_MS, TestHost, arrivalOf } from '../fixtures/test-host.js';

const MODE: Mode = { name: 'test', delivery: 'messages' };

const ROUTE: Route = {
  mode: MODE,
  origin: 'any',
  extensions: [],
  counts: new SessionCounts(),
};

const POLICY: OpeningPolicy = {
  head: DEFAULT_LIMITS,
  allowedHosts: 'auto',
  subprotocol: 'first',
  findRoute: () => ROUTE,
};

const decide = (policy: OpeningPolicy, text: string, way: Way = 'network'): SessionUpgrade =>
  decideUpgrade(policy, parsedHead(text, policy.head), way);

/** The rule that a request breaks. */
function ruleBroken(policy: OpeningPolicy, text: string, way?: Way): HandshakeRule | null {
  try {
    decide(policy, text, way);
    return null;
  } catch (error) {
    if (error instanceof HandshakeError) return error.rule;
    throw error;
  }
}

t.test('an acceptable request', async (t) => {
  const text = upgradeText({ 'Sec-WebSocket-Protocol': 'chat, superchat' }, 'GET /a?b HTTP/1.1');
  const seen: UpgradeRequest[] = [];
  const findRoute = (request: UpgradeRequest): Route => {
    seen.push(request);
    return ROUTE;
  };
  const { request, route, subprotocol } = decide({ ...POLICY, findRoute }, text);
  t.strictSame(seen, [request], 'its route is looked for once');
  t.equal(request.path, '/a');
  t.equal(route, ROUTE);
  t.equal(subprotocol, 'chat');
});

t.test('each part of the policy has its say', async (t) => {
  const nobody = (): never => {
    throw new HandshakeError('route');
  };
  const sameOrigin = (): Route => ({ ...ROUTE, origin: 'same' });
  const bytesOnly = (): Route => ({
    ...ROUTE,
    mode: { ...MODE, unsupportedSubprotocols: ['base64'] },
  });
  const cases: readonly [HandshakeRule | null, Partial<OpeningPolicy>, Changes][] = [
    [null, {}, {}],
    ['header-line-too-long', { head: { ...DEFAULT_LIMITS, maxHeaderLine: 20 } }, {}],
    ['websocket-key', {}, { 'Sec-WebSocket-Key': null }],
    ['origin', { findRoute: sameOrigin }, { Origin: 'http://elsewhere.example' }],
    [null, { findRoute: sameOrigin }, { Origin: 'http://localhost' }],
    ['route', { findRoute: nobody }, {}],
    ['subprotocol-unsupported', { findRoute: bytesOnly }, { 'Sec-WebSocket-Protocol': 'base64' }],
    [null, { findRoute: bytesOnly }, { 'Sec-WebSocket-Protocol': 'base64, binary' }],
  ];
  for (const [rule, policy, changes] of cases) {
    t.equal(ruleBroken({ ...POLICY, ...policy }, upgradeText(changes)), rule, rule ?? 'accepted');
  }
});

t.test('the host is looked at first, by the way on which a request comes', async (t) => {
  const foreign = upgradeText({ Host: 'evil.example', Origin: 'http://elsewhere.example' });
  const nobody = (): never => {
    throw new HandshakeError('route');
  };
  for (const [way, rule] of [
    ['loopback', 'host-not-allowed'],
    ['network', 'route'],
    ['unix', 'route'],
    ['proxy', 'route'],
    ['proxy-protocol', 'route'],
  ] as const)
    t.equal(ruleBroken({ ...POLICY, findRoute: nobody }, foreign, way), rule);
  t.equal(ruleBroken(POLICY, upgradeText(), 'loopback'), null);
});

t.test('the scheme is what a proxy says whose headers are believed', async (t) => {
  const policy: OpeningPolicy = { ...POLICY, findRoute: () => ({ ...ROUTE, origin: 'same' }) };
  const text = upgradeText({ Origin: 'http://localhost', 'X-Forwarded-Proto': 'https' });
  for (const way of ['loopback', 'network', 'unix', 'proxy-protocol'] as const)
    t.equal(ruleBroken(policy, text, way), null, way);
  t.equal(ruleBroken(policy, text, 'proxy'), 'origin');
  const silent = upgradeText({ Origin: 'http://localhost' });
  t.equal(ruleBroken(policy, silent, 'proxy'), null, 'it need not say');
});

t.test('host and scheme are what a proxy says whose headers are believed', async (t) => {
  const policy: OpeningPolicy = { ...POLICY, findRoute: () => ({ ...ROUTE, origin: 'same' }) };
  const text = (origin: string): string =>
    upgradeText({
      Origin: origin,
      Host: '127.0.0.1:9001',
      'X-Forwarded-Host': 'evil.example, desk.example.com',
      'X-Forwarded-Proto': 'https',
    });
  const own = text('https://desk.example.com');
  t.match(decide(policy, own, 'proxy').request, { host: 'desk.example.com', scheme: 'wss' });
  for (const way of ['loopback', 'network', 'unix', 'proxy-protocol'] as const) {
    t.equal(ruleBroken(policy, own, way), 'origin', way);
    const { request } = decide(policy, text('http://127.0.0.1:9001'), way);
    t.match(request, { host: '127.0.0.1:9001', scheme: 'ws' });
  }
  for (const origin of [
    'https://evil.example',
    'http://desk.example.com',
    'https://desk.example.com:444',
    'http://127.0.0.1:9001',
  ])
    t.equal(ruleBroken(policy, text(origin), 'proxy'), 'origin', origin);
});

t.test('the rule about hosts is for the Host that the request itself has', async (t) => {
  const policy: OpeningPolicy = { ...POLICY, allowedHosts: ['desk.example.com'] };
  const text = upgradeText({ Host: 'evil.example', 'X-Forwarded-Host': 'desk.example.com' });
  for (const way of ['loopback', 'network'] as const)
    t.equal(ruleBroken(policy, text, way), 'host-not-allowed', 'it cannot be talked round');
  t.equal(ruleBroken(policy, text, 'proxy'), null);
});

type Rest = [way: Way, asker?: Asker];

t.test('requests for files and pages', async (t) => {
  const read = (request: string, policy = POLICY, ...rest: Rest): ServiceRequest =>
    readPlain(policy, parsedHead(request), ...rest);
  const file = 'GET /a HTTP/1.0\r\nHost: localhost\r\n\r\n';
  t.match(read(file, POLICY, 'loopback').text, /^GET \/a HTTP\/1\.1\r\n/);
  const foreign = file.replace('localhost', 'evil.example');
  t.throws(
    () => read(foreign, POLICY, 'loopback'),
    new HandshakeError('host-not-allowed', {}, { host: 'evil.example' }),
  );
  const allowed = { ...POLICY, allowedHosts: ['evil.example'] };
  t.match(read(foreign, allowed, 'loopback'), { host: 'evil.example', scheme: 'http', tls: null });
  const tls = { version: 'TLSv1.3', cipher: 'X', serverName: null, certificate: null };
  t.match(read(file, POLICY, 'network', { tls, user: null }), { scheme: 'https', tls });
  const forwarded = file.replace('\r\n\r\n', '\r\nX-Forwarded-Proto: https\r\n\r\n');
  t.equal(read(forwarded, POLICY, 'proxy').scheme, 'https');
  t.equal(read(forwarded, POLICY, 'network').scheme, 'http', 'a client may say what it likes');
  t.equal(read(file, POLICY, 'proxy').scheme, 'http', 'a proxy that says nothing');
  t.equal(read(file, POLICY, 'proxy', { tls, user: null }).scheme, 'https');
  t.match(Buffer.from(optionsBytes()).toString(), /^HTTP\/1\.1 204 No Content\r\n.*\r\n\r\n$/s);
});

t.test('the accepting answer', async (t) => {
  const upgrade = decide(POLICY, upgradeText({ 'Sec-WebSocket-Protocol': 'chat' }));
  t.equal(upgrade.request.key, KEY);
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${ACCEPT}`,
    'Sec-WebSocket-Protocol: chat',
  ];
  const answer = (extensions: string | null): string =>
    Buffer.from(acceptingResponse(upgrade, extensions)).toString();
  t.equal(answer(null), [...lines, '', ''].join('\r\n'));
  const header = 'Sec-WebSocket-Extensions: permessage-deflate';
  t.equal(answer('permessage-deflate'), [...lines, header, '', ''].join('\r\n'));
});

t.test('a mode refuses with its own status, or fails with 500', async (t) => {
  const refusal = new HandshakeError('target-refused');
  t.equal(refusalOf(refusal), refusal);
  for (const error of [new TypeError('a defect'), 'a text', undefined]) {
    t.match(refusalOf(error), { rule: 'internal', status: 500, message: 'internal error' });
  }
});

t.test(
  'a refusal is known by its name and rule, since a mode may have no copy of the class',
  async (t) => {
    const named = (parts: object): Error => Object.assign(new Error('no such room'), parts);
    const refusal = refusalOf(named({ name: 'HandshakeError', rule: 'route' }));
    t.match(refusal, { rule: 'route', status: 404, message: 'nothing is served on this path' });
    t.strictSame(refusal.headers, {});
    const headers = { 'Retry-After': '5' };
    t.match(refusalOf(named({ name: 'HandshakeError', rule: 'full', headers })), {
      status: 503,
      headers,
    });
    for (const parts of [
      { name: 'HandshakeError' },
      { name: 'HandshakeError', rule: 'toString' },
      { rule: 'route' },
    ]) {
      t.match(refusalOf(named(parts)), { rule: 'internal', status: 500 }, JSON.stringify(parts));
    }
  },
);

t.test('a refusal whose own headers cannot be sent becomes 500', (t) => {
  const text = (error: HandshakeError): string =>
    Buffer.from(refusalBytes(error, 'GET')).toString('latin1');
  t.match(
    text(new HandshakeError('route', { 'X-Reason': 'none' })),
    /^HTTP\/1\.1 404 .*X-Reason: none\r\n/s,
  );
  const answer = text(new HandshakeError('route', { 'X-Reason': 'a\r\nSet-Cookie: b' }));
  t.match(answer, /^HTTP\/1\.1 500 .*\r\n\r\ninternal error\n$/s);
  t.notMatch(answer, /Set-Cookie/);
  t.end();
});

t.test('who records the sessions may refuse them', async (t) => {
  const recorder = new TapWitness();
  const policy: OpeningPolicy = { ...POLICY, findRoute: () => ({ ...ROUTE, tap: recorder }) };
  t.equal(ruleBroken(policy, upgradeText()), null);
  recorder.isShut = true;
  t.equal(ruleBroken(policy, upgradeText()), 'recording-stopped');
});

// ---- The phase itself

t.test('who was refused at the door is told so, whatever is asked for', async (t) => {
  for (const request of [upgradeText(), 'GET / HTTP/9.9\r\n\r\n', '\0']) {
    const socket = new FakeSocket();
    const host = new TestHost(echoMode);
    host.client = { remoteAddress: '198.51.100.7', remotePort: 1 };
    const refusal = new HandshakeError('address');
    const arrival = { ...arrivalOf(socket.asSocket), refusal };
    const connection = new Connection(socket.asSocket, arrival, host);
    t.equal(connection.isCounted, false);
    connection.start();
    socket.emit('data', Buffer.from(request));
    t.match(socket.written.toString('latin1'), /^HTTP\/1\.1 403 /);
    t.match(host.refusals, [{ error: refusal }]);
    t.strictSame(host.found, [], 'it counts for nobody');
  }
});

t.test(
  'a connection can be spared while it waits for a request, and after it was refused one',
  async (t) => {
    const bench = new Bench();
    const isExpendable = (): boolean => bench.host.expendables.has(bench.connection);
    bench.host.expendables.add(bench.connection);
    bench.receive('GET / HTTP/1.1\r\n');
    t.ok(isExpendable());
    bench.receive(upgradeText().replace(/^.*\r\n/, ''));
    t.notOk(isExpendable());
    const refused = new Bench();
    refused.receive('GET / HTTP/1.1\r\n\r\n');
    t.ok(refused.host.expendables.has(refused.connection));
    t.notOk(refused.socket.destroyed);
    refused.connection.giveUp();
    t.ok(refused.socket.destroyed, 'it has its answer');
  },
);

t.test('a malformed request is refused, and nothing behind it is looked at', async (t) => {
  const bench = new Bench();
  bench.receive(Buffer.concat([Buffer.from('GET / HTTP/9.9\r\n\r\n'), requestWith()]));
  t.equal(bench.refusal(), '505 HTTP version must be 1.1 (RFC 6455 4.1)\n');
  t.match(bench.calls(), [/^write \d+$/, 'end', 'resume']);
  bench.receive(upgradeText());
  t.strictSame(bench.calls(), []);
  const [{ address, error, cause }] = bench.host.refusals as [(typeof bench.host.refusals)[0]];
  t.equal(bench.host.refusals.length, 1);
  t.equal(address, bench.connection);
  t.equal(error.rule, 'http-version');
  t.equal(cause, error);
  t.strictSame(bench.host.opened, []);
});

t.test('the answer to HEAD has no body', async (t) => {
  const bench = new Bench();
  bench.receive(upgradeText({}, 'HEAD / HTTP/1.1'));
  t.equal(bench.refusal(), '405 ');
});

t.test('who is not let in is told once the request is complete', async (t) => {
  const bench = new Bench();
  bench.host.refusal = new HandshakeError('full');
  const text = upgradeText();
  bench.receive(text.slice(0, -1));
  t.equal(bench.socket.writeCount, 0);
  bench.receive(text.slice(-1));
  t.equal(bench.refusal(), '503 no more connections are taken now\n');
  t.strictSame(bench.host.opened, []);
});

t.test('the client is whom a proxy names, for everything that follows', async (t) => {
  const bench = new Bench();
  const proxy = { remoteAddress: '203.0.113.7', remotePort: 51_234 };
  bench.host.client = { remoteAddress: '198.51.100.9', remotePort: 0 };
  bench.receive(upgradeText());
  t.match(bench.connection, bench.host.client);
  t.strictSame(bench.host.found, [[proxy, bench.host.client]]);
  t.match(bench.host.opened, [{ remoteAddress: '198.51.100.9', remotePort: 0 }]);
});

t.test('408: the request does not come to an end', async (t) => {
  const bench = new Bench();
  bench.receive('G');
  bench.host.clock.nowMs = START_MS + 9000;
  bench.receive('E');
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout, 'a byte now and then wins no time');
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.equal(bench.refusal(), '408 opening handshake took too long\n');
});

t.test('who says nothing gets no answer', async (t) => {
  const bench = new Bench();
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.strictSame(bench.calls(), ['destroy']);
  t.strictSame(bench.host.refusals, []);
});

t.test('who hangs up before the head is complete gets no answer', async (t) => {
  const bench = new Bench();
  bench.receive('GET / HTTP/1.1\r\n');
  bench.socket.emit('end');
  t.strictSame(bench.calls(), ['destroy']);
  await bench.settle();
  t.strictSame(bench.host.closed, [bench.connection]);
  t.strictSame(bench.host.refusals, []);
});

const PROXY_HEADER = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n';
const NAMED = { remoteAddress: '192.0.2.1', remotePort: 56_324 };

/** A connection from a proxy that must say for whom it is. */
function behindProxy(): Bench {
  return new Bench(echoMode, { ...QUIET, opening: { expectsProxyHeader: () => true } });
}

t.test('the client is whom a PROXY protocol header names, however it is cut', async (t) => {
  for (const pieceBytes of [1, 20, PROXY_HEADER.length, PROXY_HEADER.length + 1, 1000]) {
    const bench = behindProxy();
    const { remoteAddress, remotePort } = bench.connection;
    const text = PROXY_HEADER + upgradeText();
    for (let at = 0; at < text.length; at += pieceBytes)
      bench.receive(text.slice(at, at + pieceBytes));
    t.equal(bench.socket.takeWritten().toString('latin1'), ACCEPTED);
    t.match(bench.connection, NAMED);
    t.match(bench.host.found, [[{ remoteAddress, remotePort }, NAMED]]);
    t.match(bench.host.opened, [NAMED]);
  }
});

t.test('a refusal behind a PROXY protocol header names the client', async (t) => {
  const bench = behindProxy();
  bench.receive(`${PROXY_HEADER}nonsense\r\n`);
  t.match(bench.host.refusals, [{ address: NAMED, error: { rule: 'request-line' } }]);

  const slow = behindProxy();
  slow.receive(PROXY_HEADER + 'GET');
  slow.checkAfter(LIMITS.handshakeTimeout);
  t.match(slow.host.refusals, [{ address: NAMED, error: { rule: 'handshake-timeout' } }]);
});

t.test('the deadline of the handshake covers a PROXY protocol header', async (t) => {
  const bench = behindProxy();
  bench.receive('PROXY');
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.match(bench.host.refusals, [{ error: { rule: 'handshake-timeout' } }]);

  const probe = behindProxy();
  probe.receive(PROXY_HEADER);
  probe.checkAfter(LIMITS.handshakeTimeout);
  t.strictSame(probe.host.refusals, [], 'a client that says nothing gets nothing');
});

t.test('without the PROXY protocol header that is due nothing is served', async (t) => {
  const bench = behindProxy();
  const { remoteAddress } = bench.connection;
  bench.receive(upgradeText());
  t.match(bench.host.refusals, [{ address: { remoteAddress }, error: { rule: 'proxy-header' } }]);
  t.strictSame(bench.host.found, []);
});

t.test('a PROXY protocol header that names nobody', async (t) => {
  const bench = behindProxy();
  bench.receive('PROXY UNKN');
  bench.receive(`OWN\r\n${upgradeText()}`);
  t.equal(bench.socket.takeWritten().toString('latin1'), ACCEPTED);
  t.match(bench.connection, { remoteAddress: '203.0.113.7' });
  t.strictSame(bench.host.found, []);
});

t.test('a PROXY protocol header that is not due is never guessed', async (t) => {
  const bench = new Bench();
  bench.receive(PROXY_HEADER + upgradeText());
  t.match(bench.host.refusals, [{ error: { rule: 'request-target' } }]);
});

t.test('load balancers are answered before all rules', async (t) => {
  let isReady = true;
  const asked: boolean[] = [];
  const health = {
    path: '/healthz',
    isReady: ({ isCounted }: { readonly isCounted: boolean }) => {
      asked.push(isCounted);
      return isReady;
    },
  };
  const opening = {
    health,
    allowedHosts: ['only.example'],
    findRoute: (): never => t.fail() as never,
  };
  const answerTo = (request: string, refusal: HandshakeError | null = null): string => {
    const socket = new FakeSocket();
    const host = new TestHost(echoMode, { ...QUIET, opening });
    host.refusal = new HandshakeError('draining');
    const connection = new Connection(
      socket.asSocket,
      { ...arrivalOf(socket.asSocket), refusal },
      host,
    );
    connection.start();
    socket.emit('data', Buffer.from(request));
    t.strictSame(host.refusals.length, 0, request);
    t.ok(socket.calls.includes('end'), request);
    return socket.takeWritten().toString('latin1');
  };
  for (const request of [
    'GET /healthz HTTP/1.1\r\nHost: other.example\r\n\r\n',
    'GET /healthz HTTP/1.1\r\n\r\n',
    'GET /healthz/?a=b HTTP/1.0\r\n\r\n',
    'OPTIONS //healthz HTTP/1.0\r\n\r\n',
    'GET http://a/healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello',
  ]) {
    for (const refusal of [null, new HandshakeError('full'), new HandshakeError('address')]) {
      isReady = true;
      const answer = answerTo(request, refusal);
      t.match(answer, /^HTTP\/1\.1 200 OK\r\nCache-Control: no-store\r\nConnection: close\r\n/);
      t.match(answer, /\r\nContent-Length: 6\r\n\r\nready\n$/);
      t.equal(asked.at(-1), refusal === null, 'whether it takes a place');
      isReady = false;
      t.match(
        answerTo(request, refusal),
        /^HTTP\/1\.1 503 Service Unavailable\r\n[^]*\r\n\r\nnot ready\n$/,
      );
    }
  }
  const head = answerTo('HEAD /healthz HTTP/1.0\r\n\r\n');
  t.match(head, /^HTTP\/1\.1 503 [^]*\r\nContent-Length: 10\r\n\r\n$/);
});

t.test('what asks for something else obeys the rules', async (t) => {
  const health = { path: '/healthz', isReady: (): never => t.fail() as never };
  for (const [request, status] of [
    ['POST /healthz HTTP/1.1\r\nHost: a\r\n\r\n', '405'],
    ['GET /healthz2 HTTP/1.0\r\n\r\n', '426'],
    ['GET /Healthz HTTP/1.1\r\n\r\n', '400'],
    ['GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n', '505'],
    ['GET /healthz HTTP/1.1\nHost: a\n\n', '400'],
    ['GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n', '426'],
  ] as const) {
    const bench = new Bench(echoMode, { ...QUIET, opening: { health } });
    bench.receive(request);
    t.match(bench.refusal(), new RegExp(`^${status} `), request);
  }
  const bench = new Bench(echoMode, { ...QUIET, opening: { health } });
  bench.receive(upgradeText({}, 'GET /healthz HTTP/1.1'));
  t.match(bench.socket.takeWritten().toString('latin1'), /^HTTP\/1\.1 101 /, 'for the mode');
});

t.test('a client that leaves in the middle of its request', async (t) => {
  const leave = (bench: Bench, how: string): void => {
    if (how === 'end') bench.socket.emit('end');
    else bench.socket.emit('error', Object.assign(new Error('reset'), { code: how }));
  };
  for (const how of ['end', 'ECONNRESET']) {
    const bench = new Bench();
    bench.receive('GET / HT');
    leave(bench, how);
    t.strictSame(bench.host.left, [how]);
    const silent = new Bench();
    leave(silent, how);
    t.strictSame(silent.host.left, [], 'it has asked for nothing');
  }
});

t.test('a half head is charged, until it is whole, is refused or its client is gone', async (t) => {
  const half = upgradeText({ Cookie: 'x'.repeat(3000) }).slice(0, -4);
  for (const [name, go] of [
    [
      'whole',
      (bench: Bench) => {
        bench.receive('\r\n\r\n');
      },
    ],
    [
      'refused',
      (bench: Bench) => {
        bench.receive('\0');
      },
    ],
    ['gone', (bench: Bench) => bench.socket.emit('close')],
  ] as const) {
    const bench = new Bench();
    const { memory } = bench.host;
    const freeBytes = memory.bytes;
    bench.receive(half);
    t.ok(memory.bytes >= freeBytes + half.length, name);
    t.equal(bench.connection.heldBytes, memory.bytes);
    go(bench);
    t.ok(memory.bytes <= freeBytes + 16 * 1024, name);
  }
});
