import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { HttpTunnel, type TunnelTransport } from '../../src/http/tunnel.js';
import { serviceRequest } from '../fixtures/service-request.js';
import { eventually } from '../fixtures/within.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: h\r\nA: \xe4\r\n\r\n';

/** A connection that writes down what it is told. */
class Transport implements TunnelTransport {
  remoteAddress = '192.0.2.1';
  remotePort = 1234;
  /** While false, the kernel takes nothing. */
  isTaking = true;
  readonly writes: string[][] = [];
  readonly ends: string[] = [];

  sendPieces(pieces: readonly Uint8Array[]): boolean {
    this.writes.push(pieces.map((piece) => Buffer.from(piece).toString('latin1')));
    return this.isTaking;
  }

  responded(isLast: boolean): void {
    this.ends.push(isLast ? 'last' : 'responded');
  }

  responseBroken(): void {
    this.ends.push('broken');
  }
}

interface Fixture {
  readonly transport: Transport;
  readonly tunnel: HttpTunnel;
}

function make(request = REQUEST): Fixture {
  const transport = new Transport();
  return { transport, tunnel: new HttpTunnel(transport, transport, serviceRequest(request)) };
}

t.test('the request comes out, byte by byte what it was, and no end behind it', async (t) => {
  const { transport, tunnel } = make();
  const [bytes] = (await once(tunnel, 'data')) as [Buffer];
  t.equal(bytes.toString('latin1'), REQUEST);
  await new Promise(setImmediate);
  t.notOk(tunnel.readableEnded);
  transport.remoteAddress = '192.0.2.2';
  t.strictSame(tunnel.peer, { remoteAddress: '192.0.2.1', remotePort: 1234 }, 'as it was then');
});

t.test('what is written together leaves together, without what is empty', async (t) => {
  const { transport, tunnel } = make();
  tunnel.write('one');
  tunnel.cork();
  tunnel.write('two');
  tunnel.write('');
  tunnel.write('three');
  tunnel.uncork();
  tunnel.write('');
  t.strictSame(transport.writes, [['one'], ['two', 'three']]);
});

t.test('while the kernel takes nothing, nothing more is written', async (t) => {
  const { transport, tunnel } = make();
  transport.isTaking = false;
  const taken: string[] = [];
  tunnel.write('one', () => taken.push('one'));
  t.equal(
    tunnel.write(Buffer.alloc(1024 * 1024), () => taken.push('two')),
    false,
    'stop',
  );
  t.equal(transport.writes.length, 1);
  t.strictSame(taken, []);

  tunnel.drained();
  await eventually(() => taken.length === 1, 'the first');
  t.equal(transport.writes.length, 2);
  transport.isTaking = true;
  const drained = once(tunnel, 'drain');
  tunnel.drained();
  await drained;
  t.strictSame(taken, ['one', 'two']);
  tunnel.drained();
  t.pass('a drain that nobody waits for is nothing');
});

t.test('a response is over', async (t) => {
  const { transport, tunnel } = make();
  t.notOk(tunnel.hasFinished);
  tunnel.finish();
  t.ok(tunnel.hasFinished);
  t.strictSame(transport.ends, ['responded']);
  t.ok(tunnel.destroyed);
});

t.test('the last response is over', async (t) => {
  const { transport, tunnel } = make();
  tunnel.end('bye');
  tunnel.finish();
  t.strictSame(transport.ends, ['last']);
});

t.test('destroyed before the response is over, be it with an error', async (t) => {
  for (const error of [undefined, new Error('disk')]) {
    const { transport, tunnel } = make();
    tunnel.on('error', () => {
      t.fail('an error that nobody could do anything about');
    });
    tunnel.destroy(error);
    tunnel.destroy(error);
    await once(tunnel, 'close');
    tunnel.finish();
    t.notOk(tunnel.hasFinished);
    t.strictSame(transport.ends, ['broken']);
  }
});

t.test("Node's HTTP server takes it for a connection", async (t) => {
  const cases: readonly (readonly [header: string, end: string, answer: RegExp])[] = [
    ['', 'responded', /^HTTP\/1\.1 200 OK\r\n.*Connection: keep-alive\r\n/s],
    ['Connection: close\r\n', 'last', /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n/s],
  ];
  for (const [header, end, answer] of cases) {
    const { transport, tunnel } = make(`GET /a HTTP/1.1\r\nHost: h\r\n${header}\r\n`);
    const server = createServer((request, response) => {
      response.on('finish', () => {
        (request.socket as unknown as HttpTunnel).finish();
      });
      response.end(`path ${request.url!}`);
    });
    server.emit('connection', tunnel);
    await eventually(() => transport.ends.length === 1, 'the response');
    t.strictSame(transport.ends, [end]);
    const text = transport.writes.flat().join('');
    t.match(text, answer);
    t.match(text, /\r\n\r\npath \/a$/);
  }
});

t.test('a request that its parser does not take ends the connection', async (t: Test) => {
  const { transport, tunnel } = make('not HTTP\r\n\r\n');
  createServer().emit('connection', tunnel);
  await eventually(() => transport.ends.length === 1, 'the end');
  t.strictSame(transport.ends, ['broken']);
});
