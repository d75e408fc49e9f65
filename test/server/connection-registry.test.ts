import t from 'tap';
import type { Connection } from '../../src/connection/connection.js';
import { HandshakeError } from '../../src/errors.js';
import { Admission, type AdmissionLimits } from '../../src/server/admission.js';
import { ConnectionRegistry } from '../../src/server/connection-registry.js';
import { Expendables } from '../../src/server/expendables.js';
import { KeptLog } from '../fixtures/kept-log.js';

const PROXY = { remoteAddress: '192.0.2.1', remotePort: 1 };
const CLIENT = { remoteAddress: '203.0.113.7', remotePort: 2 };
const NETWORK = CLIENT.remoteAddress;

/** What the registry uses of a connection. */
class FakeConnection {
  isCounted = true;
  remoteAddress = CLIENT.remoteAddress;
  remotePort = CLIENT.remotePort;
  readonly drops: string[] = [];

  drop(reason: string): void {
    this.drops.push(reason);
  }

  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

/** On a clock that stands still: a rate of one lets one come. */
function make(changes: Partial<AdmissionLimits>): ConnectionRegistry {
  const limits = { maxConnections: 100, maxConnectionsPerAddress: 0, ...changes };
  return new ConnectionRegistry({
    admission: new Admission(limits, undefined, () => 1000),
    expendables: new Expendables<Connection>({ maxHandshakes: 100, maxHandshakesPerAddress: 0 }),
    places: null,
    clock: { nowMs: 1000 },
    counters: { dropped: 0 },
    log: new KeptLog(),
  });
}

t.test('who comes too fast makes nobody else go', async (t) => {
  const registry = make({ maxConnections: 1, maxConnectionRate: 1 });
  const first = new FakeConnection();
  t.equal(registry.findRefusal(CLIENT, false, NETWORK), null);
  registry.add(first.asConnection, NETWORK);
  t.match(registry.findRefusal(CLIENT, false, NETWORK), { rule: 'connection-rate' });
  t.strictSame(first.drops, []);
  const other = { ...CLIENT, remoteAddress: '203.0.113.8' };
  t.equal(registry.findRefusal(other, false, other.remoteAddress), null);
  t.strictSame(first.drops, ['shutdown'], 'others do');
});

t.test('a client by a proxy that comes too fast is told so, once', async (t) => {
  const registry = make({ maxConnectionRate: 1 });
  const connections = [0, 1, 2].map(() => new FakeConnection().asConnection);
  for (const connection of connections) {
    t.equal(registry.findRefusal(PROXY, true, null), null, 'the proxy itself may');
    registry.add(connection, null);
  }
  const [first, second, third] = connections;
  registry.identify(first!, PROXY, CLIENT, true);
  registry.identify(second!, PROXY, CLIENT, true);
  registry.identify(third!, CLIENT, PROXY, false);
  t.equal(registry.findLaterRefusal(first!), null);
  t.match(registry.findLaterRefusal(second!), { rule: 'connection-rate' });
  t.equal(registry.findLaterRefusal(second!), null, 'its next request');
  t.equal(registry.findLaterRefusal(third!), null, 'one that counts for its proxy again');
});

t.test('a handshake that comes too early is refused, and other requests are not', async (t) => {
  const registry = make({ maxHandshakeRate: 1 });
  const connection = new FakeConnection().asConnection;
  t.equal(registry.reserve(connection, true), null);
  t.throws(() => registry.reserve(connection, true), new HandshakeError('handshake-rate'));
  t.equal(registry.reserve(connection, false), null);
});
