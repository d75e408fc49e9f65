import t from 'tap';
import { localAddressOf, peerOf } from '../../src/connection/peer.js';
import { FakeSocket } from '../fixtures/fake-socket.js';

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
