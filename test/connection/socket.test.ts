import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import t from 'tap';
import { type SocketOwner, localAddressOf, own, ownerOf } from '../../src/connection/socket.js';
import { peerOf } from '../../src/connection/node-internals.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { eventually } from '../fixtures/within.js';

/** An owner that writes down what it is told. */
class Witness implements SocketOwner {
  readonly told: string[] = [];

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    this.told.push(`bytes ${end - start} of ${bytes.length}`);
  }

  receiveEof(): void {
    this.told.push('eof');
  }

  drained(): void {
    this.told.push('drained');
  }

  socketFailed(error: NodeJS.ErrnoException): void {
    this.told.push(`failed ${error.code ?? ''}`);
  }

  socketClosed(): void {
    this.told.push('closed');
  }
}

t.test('each event of a socket goes to its own owner', async (t) => {
  const sockets = [new FakeSocket(), new FakeSocket()] as const;
  const owners = [new Witness(), new Witness()] as const;
  sockets.forEach((socket, index) => {
    own(socket.asSocket, owners[index]!);
  });
  t.equal(ownerOf(sockets[0].asSocket), owners[0]);
  t.equal(ownerOf(sockets[1].asSocket), owners[1]);

  sockets[0].emit('drain');
  sockets[0].emit('end');
  sockets[1].emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  sockets[1].emit('close');
  t.strictSame(owners[0].told, ['drained', 'eof']);
  t.strictSame(owners[1].told, ['failed ECONNRESET', 'closed']);
});

t.test('sockets share their listeners, and bytes are left to whoever reads', async (t) => {
  const [one, other] = [new FakeSocket(), new FakeSocket()];
  own(one.asSocket, new Witness());
  own(other.asSocket, new Witness());
  for (const event of ['error', 'end', 'drain', 'close']) {
    t.equal(one.listenerCount(event), 1, event);
    t.equal(one.listeners(event)[0], other.listeners(event)[0], `${event}: no closure of its own`);
  }
  t.strictSame(one.eventNames().length, 4);
});

t.test('a real socket: the peer ends, and then it is gone', async (t) => {
  const owner = new Witness();
  const server = createServer((socket) => {
    own(socket, owner);
    socket.resume();
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.teardown(() => client.destroy());
  client.end('bytes');
  await eventually(() => owner.told.includes('closed'), 'the end of the socket');
  t.strictSame(owner.told, ['eof', 'closed']);
});

t.test('the listener says what a socket is, not the socket', async (t) => {
  const socket = new FakeSocket();
  t.same(peerOf(socket.asSocket, 'tcp'), { remoteAddress: '203.0.113.7', remotePort: 51_234 });
  t.equal(localAddressOf(socket.asSocket, 'tcp'), '192.0.2.1');
  t.same(peerOf(socket.asSocket, 'unix'), { remoteAddress: 'unix', remotePort: 0 });
  t.equal(localAddressOf(socket.asSocket, 'unix'), 'unix');
});

t.test(
  'a TCP socket without an address is nobody, least of all one on a Unix socket',
  async (t) => {
    const socket = new FakeSocket();
    socket.remotePort = undefined;
    t.equal(peerOf(socket.asSocket, 'tcp'), null);
    socket.remoteAddress = socket.localAddress = undefined;
    t.equal(peerOf(socket.asSocket, 'tcp'), null);
    t.equal(localAddressOf(socket.asSocket, 'tcp'), '::');
  },
);

t.test('IPv4 on a socket for all addresses is IPv4', async (t) => {
  const socket = new FakeSocket();
  socket.remoteAddress = '::ffff:203.0.113.7';
  socket.localAddress = '::ffff:192.0.2.1';
  t.equal(peerOf(socket.asSocket, 'tcp')?.remoteAddress, '203.0.113.7');
  t.equal(localAddressOf(socket.asSocket, 'tcp'), '192.0.2.1');
});
