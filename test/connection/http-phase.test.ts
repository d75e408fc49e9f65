import { Buffer } from 'node:buffer';
import t from 'tap';
import { Connection } from '../../src/connection/connection.js';
import { isPlainRequest } from '../../src/handshake/request.js';
import type { RequestHead } from '../../src/handshake/request-head.js';
import type { HttpTunnel } from '../../src/http/tunnel.js';
import { HandshakeError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import {
  Bench,
  QUIET,
  acceptedWith,
  fromClient,
  fromServer,
  requestWith,
} from '../fixtures/connection-bench.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { type HostOptions, LIMITS, TestHost, arrivalOf } from '../fixtures/test-host.js';

/** An HTTP server that answers when the test says so. */
class HandHttp {
  readonly tunnels: HttpTunnel[] = [];

  takes(head: RequestHead): boolean {
    return isPlainRequest(head) && head.target !== '/none';
  }

  serve(tunnel: HttpTunnel): void {
    this.tunnels.push(tunnel);
  }

  /** Answers the last request. */
  async answer(text: string, isLast = false): Promise<void> {
    const tunnel = this.tunnels.at(-1)!;
    if (isLast) tunnel.end(text);
    else tunnel.write(text);
    await new Promise(setImmediate);
    tunnel.finish();
  }

  /** The request lines that came, in order. */
  requests(): string[] {
    return this.tunnels.map((tunnel) => String(tunnel.read()).split('\r\n')[0]!);
  }
}

/** A connection whose host serves files too. */
class HttpBench extends Bench {
  readonly http: HandHttp;

  constructor(options: HostOptions = {}, http = new HandHttp()) {
    super(echoMode, { ...QUIET, ...options, http });
    this.http = http;
  }

  text(): string {
    return this.socket.takeWritten().toString('latin1');
  }
}

/** How often it is looked whether the client reads. */
const STALL_CHECK_MS = 1000;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

t.test('a request without an upgrade gets its answer, and the next one too', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  t.equal(bench.nextCheckAfterMs, STALL_CHECK_MS, 'the deadline is that of sending');
  await bench.http.answer('answer a');
  t.equal(bench.text(), 'answer a');
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout, 'the deadline is that of a head');
  t.strictSame(bench.calls(), ['write 8', 'resume']);
  for (const byte of get('/b')) bench.receive(byte);
  await bench.http.answer('answer b');
  t.equal(bench.text(), 'answer b');
  t.strictSame(bench.http.requests(), ['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);
  t.strictSame(bench.host.ended, [], 'that was no session');
  t.strictSame(bench.host.refusals, []);
});

t.test('an upgrade may follow, and a refusal', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/'));
  await bench.http.answer('page');
  bench.text();
  bench.receive(requestWith(textFrame('a')));
  t.equal(bench.written(), acceptedWith(textFrame('a')));
  bench.receiveFrames(textFrame('b'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('b'))));

  const refused = new HttpBench();
  refused.receive(get('/'));
  await refused.http.answer('page');
  refused.text();
  refused.receive(get('/').replace('GET', 'POST'));
  t.equal(refused.refusal(), '405 method must be GET (RFC 6455 4.1)\n');
});

t.test('without an HTTP server such a request is refused as ever', async (t) => {
  const bench = new Bench();
  bench.receive(get('/'));
  t.match(bench.refusal(), /^426 /);
});

t.test('so is one that the server does not take', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/none'));
  t.match(bench.refusal(), /^426 /);
  t.strictSame(bench.http.tunnels, []);
});

t.test('the server gets the request in both forms, and its client', async (t) => {
  const bench = new HttpBench();
  bench.receive('GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: c\r\n\r\n');
  const [tunnel] = bench.http.tunnels;
  t.match(tunnel?.request, { path: '/a', query: 'b', host: 'h', scheme: 'http', tls: null });
  t.strictSame(tunnel?.request.head.headers[1], { name: 'cookie', value: 'c' });
  t.notMatch(String(tunnel?.read()), /cookie/i);
  await bench.http.answer('');
});

t.test('OPTIONS is answered at once, with files or without, and nothing behind it', async (t) => {
  for (const bench of [new Bench(), new HttpBench()]) {
    bench.receive(`OPTIONS / HTTP/1.0\r\n\r\n${upgradeText()}`);
    const answer = bench.socket.takeWritten().toString('latin1');
    t.match(answer, /^HTTP\/1\.1 204 No Content\r\nAllow: .*\r\n\r\n$/s);
    t.strictSame(bench.calls(), [`write ${answer.length}`, 'end', 'resume']);
    bench.receive(upgradeText());
    t.equal(bench.socket.takeWritten().length, 0);
    t.strictSame([bench.host.refusals, bench.host.opened], [[], []]);
  }
  const full = new Bench();
  full.host.refusal = new HandshakeError('full');
  full.receive('OPTIONS / HTTP/1.0\r\n\r\n');
  t.match(full.refusal(), /^503 /);
});

t.test('a connection is as near as its first request, whatever follows', async (t) => {
  const http = new HandHttp();
  const host = new TestHost(echoMode, { ...QUIET, http, opening: { allowedHosts: 'auto' } });
  for (const [way, status] of [
    ['loopback', '421'],
    ['network', '101'],
  ] as const) {
    const socket = new FakeSocket();
    const arrival = { ...arrivalOf(socket.asSocket), way };
    new Connection(socket.asSocket, arrival, host).start();
    socket.emit('data', Buffer.from('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    await http.answer('page');
    t.equal(socket.takeWritten().toString(), 'page');
    socket.emit('data', Buffer.from(upgradeText({ Host: 'evil.example' })));
    t.equal(socket.takeWritten().toString('latin1').slice(9, 12), status, way);
  }
});

t.test('requests that come in one read are answered in turn', async (t) => {
  const bench = new HttpBench();
  bench.receive(`${get('/a')}${get('/b')}${upgradeText()}`);
  t.equal(bench.http.tunnels.length, 1);
  bench.receive(fromClient(textFrame('early')));
  await bench.http.answer('answer a');
  t.equal(bench.http.tunnels.length, 2);
  await bench.http.answer('answer b');
  t.equal(bench.text().slice(0, 16), 'answer aanswer b');
  t.strictSame(bench.http.requests(), ['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);
  t.equal(bench.host.opened.length, 1);
});

t.test('what comes during an answer is kept within bounds', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.receive(get('/b'));
  t.notOk(bench.socket.isPaused);
  bench.receive(get('/c').repeat(3000));
  t.ok(bench.socket.isPaused);
  await bench.http.answer('a');
  t.equal(bench.http.tunnels.length, 2);
  t.ok(bench.socket.isPaused, 'there is still enough');
});

t.test('the last answer, and FIN behind it', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a') + get('/b'));
  await bench.http.answer('bye', true);
  t.equal(bench.text(), 'bye');
  t.strictSame(bench.calls(), ['write 3', 'end', 'resume']);
  bench.receive(get('/c'));
  t.equal(bench.http.tunnels.length, 1, 'nobody looks at what comes now');
});

t.test("the peer's FIN comes before the answer", async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a') + get('/b'));
  bench.socket.emit('end');
  await bench.http.answer('a');
  await bench.http.answer('b');
  t.equal(bench.text(), 'ab');
  t.ok(bench.socket.destroyed, 'there is nothing more to wait for');

  const idle = new HttpBench();
  idle.receive(get('/a'));
  await idle.http.answer('a');
  idle.socket.emit('end');
  t.ok(idle.socket.destroyed);
});

t.test('a slow reader is waited for', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.socket.isTaking = false;
  const taken: string[] = [];
  bench.http.tunnels[0]!.write('one', () => taken.push('one'));
  bench.http.tunnels[0]!.write('two', () => taken.push('two'));
  t.equal(bench.text(), 'one');
  t.ok(bench.connection.outbox.isBlocked);
  bench.socket.drain();
  await bench.settle();
  t.equal(bench.text(), 'two');
  t.strictSame(taken, ['one', 'two']);
  t.notOk(bench.connection.outbox.isBlocked);
  bench.checkAfter(LIMITS.sendTimeout - 1);
  t.notOk(bench.socket.destroyed);
  bench.checkAfter(LIMITS.sendTimeout);
  t.ok(bench.socket.destroyed);
});

t.test('an upgrade may follow a response whose last bytes were slow', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.socket.isTaking = false;
  bench.http.tunnels[0]!.write('page');
  bench.socket.drain();
  await bench.settle();
  bench.http.tunnels[0]!.finish();
  t.equal(bench.text(), 'page');
  bench.receive(requestWith(textFrame('a')));
  t.equal(bench.written(), acceptedWith(textFrame('a')));
});

t.test('the deadline is for what does not move at all', async (t) => {
  const bench = new HttpBench();
  const { sendTimeout } = LIMITS;
  bench.receive(get('/a'));
  bench.checkAfter(sendTimeout - 1);
  t.equal(bench.nextCheckAfterMs, sendTimeout - 1 + STALL_CHECK_MS);

  // The peer reads a little of what it was sent.
  bench.socket.isTaking = false;
  bench.http.tunnels[0]!.write('some of it');
  bench.socket.progress(1);
  bench.checkAfter(2 * sendTimeout);
  bench.checkAfter(3 * sendTimeout - 1);
  t.notOk(bench.socket.destroyed);

  // All of it has left, and it is the disk's turn.
  bench.socket.drain();
  bench.checkAfter(4 * sendTimeout - 2);
  t.notOk(bench.socket.destroyed);
  bench.checkAfter(4 * sendTimeout - 1);
  t.ok(bench.socket.destroyed);
});

t.test('the peer is gone, and its answer with it', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.socket.destroy();
  await bench.settle();
  t.ok(bench.http.tunnels[0]!.destroyed);
  t.equal(bench.host.closed.length, 1);

  const dropped = new HttpBench();
  dropped.receive(get('/a') + get('/b'));
  dropped.connection.drop('shutdown');
  dropped.http.tunnels[0]!.finish();
  t.strictSame(dropped.calls(), ['destroy'], 'it is too late for anything');
  t.equal(dropped.http.tunnels.length, 1);
});

t.test('an answer that breaks off', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.http.tunnels[0]!.destroy();
  t.ok(bench.socket.destroyed);
});

t.test('who is not let in gets no file', async (t) => {
  const bench = new HttpBench();
  bench.host.refusal = new HandshakeError('full');
  bench.receive(get('/a'));
  t.equal(bench.refusal(), '503 no more connections are taken now\n');
  t.strictSame(bench.http.tunnels, []);

  const anonymous = new HttpBench({
    opening: {
      authorize: () => {
        throw new HandshakeError('unauthorized');
      },
    },
  });
  anonymous.receive(get('/a'));
  t.equal(anonymous.refusal(), '401 authentication required\n');
});

/** A bench whose clients are let in when the test says so. */
function asking(): { bench: HttpBench; allow: () => void; refuse: (error: unknown) => void } {
  let allow = (): void => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const authorize = (): Promise<null> =>
    new Promise((resolve, reject) => {
      allow = () => {
        resolve(null);
      };
      refuse = reject;
    });
  const bench = new HttpBench({ opening: { authorize } });
  bench.receive(get('/a') + get('/b'));
  return {
    bench,
    allow: () => {
      allow();
    },
    refuse: (error) => {
      refuse(error);
    },
  };
}

t.test('to find out who asks may take its time', async (t) => {
  const good = asking();
  good.bench.socket.emit('end');
  t.strictSame(good.bench.http.tunnels, []);
  good.allow();
  await good.bench.settle();
  await good.bench.http.answer('a');
  t.equal(good.bench.text(), 'a', 'who has ended its side is answered');
  good.allow();
  await good.bench.settle();
  t.strictSame(good.bench.http.requests(), ['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);

  const bad = asking();
  bad.refuse(new HandshakeError('unauthorized'));
  await bad.bench.settle();
  t.equal(bad.bench.refusal(), '401 authentication required\n');

  const slow = asking();
  slow.bench.checkAfter(LIMITS.handshakeTimeout);
  t.equal(slow.bench.refusal(), '408 opening handshake took too long\n');
  slow.allow();
  await slow.bench.settle();
  t.strictSame(slow.bench.http.tunnels, []);

  const stopped = asking();
  stopped.bench.connection.shutDown();
  t.equal(stopped.bench.refusal(), '503 the server is shutting down\n');
  stopped.allow();
  await stopped.bench.settle();
  t.strictSame(stopped.bench.http.tunnels, []);

  const gone = asking();
  gone.bench.socket.destroy();
  await gone.bench.settle();
  gone.allow();
  await gone.bench.settle();
  t.strictSame(gone.bench.http.tunnels, []);
});

t.test('each request may be of another client behind the same proxy', async (t) => {
  const bench = new HttpBench();
  const proxy = { remoteAddress: '203.0.113.7', remotePort: 51_234 };
  const clients = [
    { remoteAddress: '192.0.2.1', remotePort: 0 },
    { remoteAddress: '192.0.2.2', remotePort: 0 },
  ] as const;
  for (const [index, client] of clients.entries()) {
    t.match(bench.connection, proxy);
    bench.host.client = client;
    bench.receive(get('/'));
    t.match(bench.connection, client);
    t.match(bench.http.tunnels[index]!.peer, client);
    await bench.http.answer('page');
  }
  t.match(bench.host.found, [
    [proxy, clients[0]],
    [clients[0], proxy],
    [proxy, clients[1]],
    [clients[1], proxy],
  ]);
});

t.test('a connection can be spared again while it waits for the next request', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/'));
  t.notOk(bench.host.expendables.has(bench.connection));
  await bench.http.answer('page');
  t.ok(bench.host.expendables.has(bench.connection));
});

t.test('the deadline of a head that follows', async (t) => {
  const idle = new HttpBench();
  idle.receive(get('/'));
  await idle.http.answer('page');
  idle.calls();
  idle.checkAfter(LIMITS.handshakeTimeout);
  t.strictSame(idle.calls(), ['destroy'], 'nothing was asked, nothing is answered');

  const slow = new HttpBench();
  slow.receive(get('/'));
  await slow.http.answer('page');
  slow.text();
  slow.receive('GET');
  slow.checkAfter(LIMITS.handshakeTimeout);
  t.equal(slow.refusal(), '408 opening handshake took too long\n');
});

t.test('the server stops', async (t) => {
  const answering = new HttpBench();
  answering.receive(get('/a') + get('/b'));
  answering.connection.shutDown();
  t.strictSame(answering.calls(), [], 'the answer may come');
  await answering.http.answer('a');
  t.strictSame(answering.calls(), ['write 1', 'end', 'resume']);

  const idle = new HttpBench();
  idle.receive(get('/a'));
  await idle.http.answer('a');
  idle.calls();
  idle.connection.shutDown();
  t.strictSame(idle.calls(), ['end', 'resume'], 'without a word');

  const asked = new HttpBench();
  asked.receive(get('/a'));
  await asked.http.answer('a');
  asked.text();
  asked.receive('GET');
  asked.connection.shutDown();
  t.equal(asked.refusal(), '503 the server is shutting down\n');
});
