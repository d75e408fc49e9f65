import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  Opening,
  type OpeningPolicy,
  type Route,
  acceptingResponse,
  optionsBytes,
  refusalBytes,
  refusalOf,
} from '../../src/connection/handshake-phase.js';
import type { Consumer } from '../../src/session/session.js';
import { HandshakeError, type HandshakeRule, InvalidStateError } from '../../src/errors.js';
import type { PeerAddress } from '../../src/net/socket-address.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import { ObserverWitness } from '../fixtures/observer-witness.js';
import { ACCEPT, DEFAULT_LIMITS, KEY, type Changes, upgradeText } from '../fixtures/handshake.js';

const CONSUMER: Consumer = { delivery: 'messages' };

const ROUTE: Route = { name: 'test', consumer: CONSUMER, origin: 'any', extensions: [] };

const POLICY: OpeningPolicy = {
  head: DEFAULT_LIMITS,
  allowedHosts: 'auto',
  subprotocol: 'first',
  findRoute: () => ROUTE,
};

/** Gives text to an opening in pieces. @returns what the last piece brought */
function receive(opening: Opening, text: string, pieceBytes = Infinity): number {
  let next = -1;
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    t.equal(next, -1);
    const piece = bytes.subarray(at, at + pieceBytes);
    next = opening.receive(piece, 0, piece.length);
  }
  return next;
}

/** The rule that a request breaks. */
function ruleBroken(opening: Opening, text: string): HandshakeRule | null {
  try {
    receive(opening, text);
    opening.decide();
    return null;
  } catch (error) {
    if (error instanceof HandshakeError) return error.rule;
    throw error;
  }
}

t.test('an acceptable request, whole and byte by byte', async (t) => {
  const text = upgradeText({ 'Sec-WebSocket-Protocol': 'chat, superchat' }, 'GET /a?b HTTP/1.1');
  for (const pieceBytes of [Infinity, 1]) {
    const seen: UpgradeRequest[] = [];
    const opening = new Opening({
      ...POLICY,
      findRoute: (request) => {
        seen.push(request);
        return ROUTE;
      },
    });
    t.notOk(opening.hasReceivedBytes);
    const next = receive(opening, text, pieceBytes);
    t.equal(next, pieceBytes === 1 ? 1 : text.length);
    t.ok(opening.hasReceivedBytes);
    const { request, route, subprotocol } = opening.decide();
    t.strictSame(seen, [request], 'its route is looked for once');
    t.equal(request.path, '/a');
    t.equal(route, ROUTE);
    t.equal(subprotocol, 'chat');
  }
});

t.test('an unfinished head has no decision', async (t) => {
  const opening = new Opening(POLICY);
  t.equal(receive(opening, 'GET / HTTP/1.1\r\n'), -1);
  t.equal(opening.head, null);
  t.throws(() => opening.decide(), new InvalidStateError('the request head is not complete'));
  t.equal(opening.method, null);
  t.ok(opening.hasReceivedBytes);
});

t.test('the method is known of a refused request too, once its head is complete', async (t) => {
  const opening = new Opening(POLICY);
  const text = upgradeText({}, 'HEAD / HTTP/1.1');
  t.equal(ruleBroken(opening, text), 'method');
  t.equal(opening.method, 'HEAD');
});

t.test('bytes behind the head are pointed at, within a larger buffer', async (t) => {
  const text = upgradeText();
  const bytes = Buffer.from(`???${text}frames???`, 'latin1');
  t.equal(new Opening(POLICY).receive(bytes, 3, bytes.length - 3), 3 + text.length);
});

t.test('each part of the policy has its say', async (t) => {
  const nobody = (): never => {
    throw new HandshakeError('route');
  };
  const sameOrigin = (): Route => ({ ...ROUTE, origin: 'same' });
  const bytesOnly = (): Route => ({
    ...ROUTE,
    consumer: { ...CONSUMER, unsupportedSubprotocols: ['base64'] },
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
    const opening = new Opening({ ...POLICY, ...policy });
    t.equal(ruleBroken(opening, upgradeText(changes)), rule, rule ?? 'accepted');
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
    t.equal(ruleBroken(new Opening({ ...POLICY, findRoute: nobody }, way), foreign), rule);
  t.equal(ruleBroken(new Opening(POLICY, 'loopback'), upgradeText()), null);
});

t.test('the scheme is what a proxy says whose headers are believed', async (t) => {
  const policy: OpeningPolicy = { ...POLICY, findRoute: () => ({ ...ROUTE, origin: 'same' }) };
  const text = upgradeText({ Origin: 'http://localhost', 'X-Forwarded-Proto': 'https' });
  for (const way of ['loopback', 'network', 'unix', 'proxy-protocol'] as const)
    t.equal(ruleBroken(new Opening(policy, way), text), null, way);
  t.equal(ruleBroken(new Opening(policy, 'proxy'), text), 'origin');
  const silent = upgradeText({ Origin: 'http://localhost' });
  t.equal(ruleBroken(new Opening(policy, 'proxy'), silent), null, 'it need not say');
});

t.test('requests that ask for no WebSocket connection', async (t) => {
  const read = (request: string, hasFiles: boolean, policy = POLICY): unknown => {
    const opening = new Opening(policy, 'loopback');
    receive(opening, request);
    return opening.readPlain(hasFiles);
  };
  const file = 'GET /a HTTP/1.0\r\nHost: localhost\r\n\r\n';
  t.match(read(file, true), { text: /^GET \/a HTTP\/1\.1\r\n/ });
  t.equal(read(file, false), null);
  t.equal(read(upgradeText(), true), null);
  const options = 'OPTIONS / HTTP/1.0\r\n\r\n';
  t.strictSame(read(options, false), { host: '', text: null });
  for (const request of [file, `${options.slice(0, -2)}Host: localhost\r\n\r\n`]) {
    const foreign = request.replace('localhost', 'evil.example');
    t.throws(
      () => read(foreign, true),
      new HandshakeError('host-not-allowed', {}, { host: 'evil.example' }),
    );
    t.not(read(foreign, true, { ...POLICY, allowedHosts: ['evil.example'] }), null);
  }
  t.match(Buffer.from(optionsBytes()).toString(), /^HTTP\/1\.1 204 No Content\r\n.*\r\n\r\n$/s);
});

t.test('what comes early waits beside the opening, and for the next one', async (t) => {
  const { early } = new Opening(POLICY);
  t.equal(early.length, 0);
  early.keep(Buffer.from('..one..'), 2, 5);
  t.equal(new Opening(POLICY, 'network', early).early, early);
  t.equal(new Opening(POLICY).early.length, 0);
});

t.test('the accepting answer', async (t) => {
  const opening = new Opening(POLICY);
  receive(opening, upgradeText({ 'Sec-WebSocket-Protocol': 'chat' }));
  const upgrade = opening.decide();
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

t.test('a consumer refuses with its own status, or fails with 500', async (t) => {
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

t.test('a connection that had an answer before has another opening', async (t) => {
  t.notOk(new Opening(POLICY).isFollowUp);
  const opening = new Opening(POLICY, 'loopback', new Opening(POLICY).early);
  t.ok(opening.isFollowUp);
  t.notOk(opening.hasReceivedBytes, 'and begins anew');
  t.equal(opening.plain, null);
});

t.test('a PROXY protocol header comes before the head, where it is due', async (t) => {
  const header = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n';
  const text = header + upgradeText();
  for (const pieceBytes of [Infinity, 1, header.length, header.length + 1]) {
    const found: PeerAddress[] = [];
    const opening = new Opening(POLICY);
    opening.expectProxyHeader((client) => {
      t.equal(opening.head, null);
      found.push(client);
    });
    t.notOk(opening.hasReceivedBytes);
    t.ok(receive(opening, text, pieceBytes) > 0);
    t.strictSame(found, [{ remoteAddress: '192.0.2.1', remotePort: 56_324 }]);
    t.equal(opening.decide().request.path, '/chat');
  }
});

t.test('a PROXY protocol header that names nobody', async (t) => {
  const opening = new Opening(POLICY);
  opening.expectProxyHeader(() => t.fail('nobody is named'));
  receive(opening, 'PROXY UNKN');
  t.ok(opening.hasReceivedBytes, 'half of it');
  t.equal(receive(opening, 'OWN\r\n'), -1);
  t.notOk(opening.hasReceivedBytes, 'the client has said nothing yet');
  receive(opening, upgradeText());
  t.ok(opening.hasReceivedBytes);
  t.equal(opening.method, 'GET');
});

t.test('a PROXY protocol header is never guessed', async (t) => {
  const due = new Opening(POLICY);
  due.expectProxyHeader(() => t.fail('there is none'));
  t.equal(ruleBroken(due, upgradeText()), 'proxy-header');
  const notDue = new Opening(POLICY);
  t.equal(
    ruleBroken(notDue, `PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n${upgradeText()}`),
    'request-target',
  );
});

t.test('who records the sessions may refuse them', async (t) => {
  const recorder = new ObserverWitness();
  const policy: OpeningPolicy = { ...POLICY, findRoute: () => ({ ...ROUTE, recorder }) };
  t.equal(ruleBroken(new Opening(policy), upgradeText()), null);
  recorder.isShut = true;
  t.equal(ruleBroken(new Opening(policy), upgradeText()), 'recording-stopped');
});
