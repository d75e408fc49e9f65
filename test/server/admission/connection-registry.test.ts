import t from 'tap';
import type { Connection } from '../../../src/connection/connection.js';
import { HandshakeError } from '../../../src/errors.js';
import { Admission, type AdmissionLimits } from '../../../src/server/admission/admission.js';
import {
  ConnectionRegistry,
  type RegistryParts,
} from '../../../src/server/admission/connection-registry.js';
import { Expendables } from '../../../src/server/admission/expendables.js';
import { GroupPlaces } from '../../../src/server/admission/group-places.js';
import { KeptLog } from '../../fixtures/kept-log.js';

const PROXY = { remoteAddress: '192.0.2.1', remotePort: 1 };
const CLIENT = { remoteAddress: '203.0.113.7', remotePort: 2 };
const NETWORK = CLIENT.remoteAddress;

/** What the registry uses of a connection. */
class FakeConnection {
  isCounted: boolean;
  remoteAddress = CLIENT.remoteAddress;
  remotePort = CLIENT.remotePort;
  nextCheckMs = Number.MAX_SAFE_INTEGER;
  readonly drops: string[] = [];
  readonly checks: number[] = [];

  /** @param isCounted false for one that was refused */
  constructor(isCounted = true) {
    this.isCounted = isCounted;
  }

  drop(reason: string): void {
    this.drops.push(reason);
  }

  giveUp(): void {
    this.drops.push('given up');
  }

  check(nowMs: number): void {
    this.checks.push(nowMs);
  }

  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

/** On a clock that stands still: a rate of one lets one come. */
function make(
  changes: Partial<AdmissionLimits>,
  parts: Partial<RegistryParts> = {},
): ConnectionRegistry {
  const limits = { maxConnections: 100, maxConnectionsPerAddress: 0, ...changes };
  return new ConnectionRegistry({
    admission: new Admission(limits, undefined, () => 1000),
    expendables: new Expendables<Connection>({ maxHandshakes: 100, maxHandshakesPerAddress: 0 }),
    places: null,
    clock: { nowMs: 1000 },
    counters: { dropped: 0 },
    log: new KeptLog(),
    ...parts,
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

t.test('nobody goes for a newcomer that gets no place all the same', async (t) => {
  const own = make({ maxConnectionsPerAddress: 1 });
  const first = new FakeConnection();
  own.add(first.asConnection, NETWORK);
  t.match(own.findRefusal(CLIENT, false, NETWORK), { rule: 'too-many-connections-from-address' });
  t.strictSame(first.drops, []);
  const full = make({ maxConnections: 1 });
  full.add(first.asConnection, NETWORK);
  full.setExpendable(first.asConnection, false);
  t.match(full.findRefusal(CLIENT, false, NETWORK), { rule: 'full' }, 'all have sent a request');
  t.strictSame(first.drops, []);
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

t.test(
  'of those that are refused the oldest gives way, and it is told once a second',
  async (t) => {
    const log = new KeptLog();
    const clock = { nowMs: 1000 };
    const counters = { dropped: 0 };
    const registry = make({ maxConnections: 0 }, { log, clock, counters });
    const refused = Array.from({ length: 67 }, () => new FakeConnection(false));
    for (const connection of refused.slice(0, 66)) registry.add(connection.asConnection, null);
    t.strictSame(
      refused.map(({ drops }) => drops.length),
      refused.map((_, index) => (index < 2 ? 1 : 0)),
    );
    t.equal(counters.dropped, 2);
    t.equal(log.find('connections dropped: too many are open').length, 1);
    clock.nowMs += 1000;
    registry.add(refused[66]!.asConnection, null);
    const [, again] = log.find('connections dropped: too many are open');
    t.strictSame(again?.fields, { connections: 67, dropped: 3 });
  },
);

t.test(
  'those without a request are given up when they are too many, and all are looked at',
  async (t) => {
    const clock = { nowMs: 1000 };
    const expendables = new Expendables<Connection>({
      maxHandshakes: 1,
      maxHandshakesPerAddress: 0,
    });
    const registry = make({}, { clock, expendables });
    const [first, second, third] = [0, 1, 2].map(() => new FakeConnection());
    for (const connection of [first!, second!, third!])
      registry.add(connection.asConnection, NETWORK);
    // One has sent its request, and comes again later, the youngest of all.
    registry.setExpendable(first!.asConnection, false);
    second!.nextCheckMs = 3000;
    registry.check(3000);
    t.strictSame([first!.drops, second!.drops, third!.drops], [[], ['given up'], []]);
    t.strictSame([first!.checks, second!.checks, third!.checks], [[], [3000], []]);
    registry.remove(second!.asConnection);
    clock.nowMs = 3000;
    registry.setExpendable(first!.asConnection, true);
    registry.check(4000);
    t.strictSame([first!.drops, third!.drops], [[], ['given up']]);
  },
);

t.test('a place of the group is given back as soon as another request may come', async (t) => {
  const released: (string | null)[] = [];
  const places = new GroupPlaces<Connection>({
    reserve: () => Promise.resolve(null),
    release: (network) => released.push(network),
  });
  const registry = make({ maxConnectionsPerAddress: 5 }, { places });
  const connection = new FakeConnection();
  registry.add(connection.asConnection, NETWORK);
  await registry.reserve(connection.asConnection, true);
  registry.setExpendable(connection.asConnection, true);
  t.strictSame(released, [NETWORK]);
  await registry.reserve(connection.asConnection, true);
  registry.remove(connection.asConnection);
  t.strictSame(released, [NETWORK, NETWORK]);
  t.equal(registry.all.size, 0);
  t.notOk(connection.isCounted);
});
