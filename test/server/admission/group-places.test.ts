import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import { GroupPlaces } from '../../../src/server/admission/group-places.js';
import type { PlaceRule } from '../../../src/server/server-group.js';

const LIMITS = { maxConnections: 1, maxConnectionsPerAddress: 1 };

class FakeGroup {
  readonly released: (string | null)[] = [];
  /** Settles the oldest question that has no answer. */
  readonly waiting: ((rule: PlaceRule | null) => void)[] = [];

  reserve(): Promise<PlaceRule | null> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  release(network: string | null): void {
    this.released.push(network);
  }
}

t.test('a place is held until it is released, and once', async (t) => {
  const group = new FakeGroup();
  const places = new GroupPlaces<string>(group);
  const reserved = places.reserve('a', null, LIMITS, true);
  group.waiting.shift()!(null);
  await reserved;
  places.release('a');
  places.release('a');
  places.release('b');
  t.strictSame(group.released, [null]);
});

t.test('a refusal is that of a handshake', async (t) => {
  const group = new FakeGroup();
  const places = new GroupPlaces<string>(group);
  for (const rule of ['full', 'too-many-connections-from-address', 'draining'] as const) {
    const reserved = places.reserve('a', 'n', LIMITS, true);
    group.waiting.shift()!(rule);
    await t.rejects(reserved, new HandshakeError(rule));
  }
  places.release('a');
  t.strictSame(group.released, []);
});

t.test('a connection that is gone meanwhile gives its place back at once', async (t) => {
  const group = new FakeGroup();
  const places = new GroupPlaces<string>(group);
  const reserved = places.reserve('a', 'n', LIMITS, true);
  places.release('a');
  group.waiting.shift()!(null);
  await t.rejects(reserved, new HandshakeError('handshake-timeout'));
  t.strictSame(group.released, ['n']);
});

t.test('another request of the same connection may be of another client', async (t) => {
  const group = new FakeGroup();
  const places = new GroupPlaces<string>(group);
  for (const network of ['n', 'm']) {
    const reserved = places.reserve('a', network, LIMITS, true);
    group.waiting.shift()!(null);
    await reserved;
  }
  t.strictSame(group.released, ['n']);
});
