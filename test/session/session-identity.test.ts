import t from 'tap';
import type { SessionUpgrade } from '../../src/session/session-host.js';
import { SessionIdentity } from '../../src/session/session-identity.js';
import type { SessionTransport } from '../../src/session/session-transport.js';

class Somebody extends SessionIdentity {}

const UPGRADE = { request: { path: '/room' }, subprotocol: 'chat' } as SessionUpgrade;

t.test('who and where', async (t) => {
  const address = {
    remoteAddress: '203.0.113.7',
    remotePort: 51_234,
    localAddress: '192.0.2.1',
    localPort: 443,
  };
  const transport = { ...address } as SessionTransport;
  const one = new Somebody(UPGRADE, transport);
  t.match(one, { ...address, path: '/room', subprotocol: 'chat', data: null, notes: {} });
  t.equal(new Somebody(UPGRADE, transport).id, one.id + 1, 'ids count up');
  one.data = transport;
  one.notes = { target: 'a:1' };
  t.equal(one.data, transport);
  t.strictSame(new Somebody(UPGRADE, transport).notes, {}, 'its notes are its own');
});
