import type { Buffer } from 'node:buffer';
import t from 'tap';
import type { HttpTunnel } from '../../src/http/tunnel.js';
import { Outbox } from '../../src/connection/outbox.js';
import { PlainExchange, type PlainTransport } from '../../src/http/exchange.js';
import { HandshakeError } from '../../src/errors.js';
import type { RequestHead } from '../../src/handshake/request-head.js';
import { OutputQueue } from '../../src/protocol/output-queue.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { type HostOptions, LIMITS, START_MS, TestHost } from '../fixtures/test-host.js';

const REQUEST = 'GET / HTTP/1.1\r\n\r\n';
const HEAD: RequestHead = { method: 'GET', target: '/', version: '1.1', headers: [] };

/** An exchange, and what its connection and the HTTP server are told. */
class Bench implements PlainTransport {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 1234;
  readonly localAddress = '192.0.2.2';
  readonly localPort = 80;
  readonly isInputPaused = false;
  readonly socket = new FakeSocket();
  readonly host: TestHost;
  readonly outbox: Outbox;
  readonly exchange: PlainExchange;
  readonly tunnels: HttpTunnel[] = [];
  readonly told: string[] = [];

  constructor(options: HostOptions = {}) {
    const http = { serve: (tunnel: HttpTunnel) => this.tunnels.push(tunnel) };
    this.host = new TestHost({ delivery: 'messages' }, { http, ...options });
    this.outbox = new Outbox(this.socket.asSocket, new OutputQueue(this.host.slabPool));
    this.exchange = new PlainExchange(REQUEST, null, this, this.host);
  }

  responded(isLast: boolean): void {
    this.told.push(isLast ? 'last' : 'responded');
  }

  checkWithin(ms: number): void {
    this.told.push(`check ${ms}`);
  }

  drop(rule: string): void {
    this.told.push(`drop ${rule}`);
  }

  // An exchange has nothing to do with these.
  refuse(): void {
    this.told.push('refuse');
  }

  flush(): void {
    this.told.push('flush');
  }

  scheduleFlush(): void {
    this.told.push('scheduleFlush');
  }

  pauseInput(): void {
    this.told.push('pauseInput');
  }

  resumeInput(): void {
    this.told.push('resumeInput');
  }
}

const CHECK = `check ${LIMITS.sendTimeout / 4}`;

t.test('who is let in', async (t) => {
  t.equal(new Bench().exchange.admit(HEAD), undefined);

  const full = new Bench();
  full.host.refusal = new HandshakeError('full');
  t.throws(() => full.exchange.admit(HEAD), new HandshakeError('full'));

  const asked: RequestHead[] = [];
  const pending = Promise.resolve();
  const asking = new Bench({
    opening: {
      authorize: (head) => {
        asked.push(head);
        return pending;
      },
    },
  });
  t.equal(asking.exchange.admit(HEAD), pending);
  t.strictSame(asked, [HEAD]);
});

t.test('a request and its response', async (t) => {
  const bench = new Bench();
  bench.exchange.serve();
  t.strictSame(bench.told, [CHECK]);
  const [tunnel] = bench.tunnels;
  t.equal((tunnel!.read() as Buffer).toString(), REQUEST);
  t.strictSame(tunnel!.peer, { remoteAddress: '192.0.2.1', remotePort: 1234 });

  tunnel!.write('all of it');
  t.equal(bench.socket.takeWritten().toString(), 'all of it');
  tunnel!.finish();
  t.strictSame(bench.told, [CHECK, 'responded']);
});

t.test('when the server stops, this response is the last one', async (t) => {
  const bench = new Bench();
  bench.exchange.serve();
  bench.exchange.isLast = true;
  bench.tunnels[0]!.finish();
  t.strictSame(bench.told, [CHECK, 'last']);
});

t.test('the HTTP server may end the connection', async (t) => {
  const bench = new Bench();
  bench.exchange.serve();
  bench.tunnels[0]!.end();
  bench.tunnels[0]!.finish();
  t.strictSame(bench.told, [CHECK, 'last']);
});

t.test('a slow reader holds the response up', async (t) => {
  const bench = new Bench();
  bench.exchange.serve();
  const [tunnel] = bench.tunnels;
  bench.socket.isTaking = false;
  const taken: string[] = [];
  tunnel!.write('one', () => taken.push('one'));
  tunnel!.write('two', () => taken.push('two'));
  t.strictSame(bench.socket.calls, ['write 3']);
  t.ok(bench.outbox.isBlocked);

  bench.socket.drain();
  bench.exchange.drained();
  await new Promise(setImmediate);
  t.strictSame(bench.socket.calls, ['write 3', 'write 3']);
  t.strictSame(taken, ['one', 'two']);
  t.notOk(bench.outbox.isBlocked);
});

t.test('the deadline is for what does not move at all', async (t) => {
  const bench = new Bench();
  const { sendTimeout } = LIMITS;
  bench.exchange.serve();
  bench.exchange.check(START_MS + sendTimeout - 1);
  t.strictSame(bench.told, [CHECK, CHECK]);

  // The peer reads a little of what it was sent.
  bench.host.clock.nowMs = START_MS + sendTimeout - 1;
  bench.socket.isTaking = false;
  bench.tunnels[0]!.write('some of it');
  bench.socket.progress(1);
  bench.exchange.check(START_MS + 2 * sendTimeout);
  bench.exchange.check(START_MS + 3 * sendTimeout - 1);
  t.strictSame(bench.told, [CHECK, CHECK, CHECK, CHECK]);

  // All of it has left, and it is the disk's turn.
  bench.host.clock.nowMs = START_MS + 3 * sendTimeout - 1;
  bench.socket.drain();
  bench.exchange.drained();
  bench.exchange.check(START_MS + 4 * sendTimeout - 2);
  t.equal(bench.told.at(-1), CHECK);
  bench.exchange.check(START_MS + 4 * sendTimeout - 1);
  t.equal(bench.told.at(-1), 'drop send-timeout');
});

t.test('a response that breaks off drops the connection', async (t) => {
  const bench = new Bench();
  bench.exchange.serve();
  bench.tunnels[0]!.destroy();
  t.strictSame(bench.told, [CHECK, 'drop shutdown']);
});

t.test('a connection that is gone takes the response with it, if there is one', async (t) => {
  const bench = new Bench();
  bench.exchange.abandon();
  t.strictSame(bench.tunnels, []);
  bench.exchange.serve();
  bench.exchange.abandon();
  t.ok(bench.tunnels[0]!.destroyed);
});
