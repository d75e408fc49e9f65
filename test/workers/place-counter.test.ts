import t from 'tap';
import { PlaceCounter } from '../../src/workers/place-counter.js';

const LIMITS = { maxConnections: 4, maxConnectionsPerAddress: 2 };

t.test('places are counted in all, by network and by process', async (t) => {
  const places = new PlaceCounter();
  t.equal(places.reserve(1, 'a', LIMITS, true), null);
  t.equal(places.reserve(2, 'a', LIMITS, true), null);
  t.equal(places.reserve(1, 'a', LIMITS, true), 'too-many-connections-from-address');
  t.equal(places.reserve(1, null, LIMITS, true), null);
  t.equal(places.reserve(2, null, LIMITS, true), null);
  t.equal(places.reserve(2, 'b', LIMITS, true), 'full');
  t.equal(places.total, 4);
  places.release(1, 'a');
  t.equal(places.reserve(2, 'a', LIMITS, true), null);
  t.equal(places.forget(2), 3);
  t.equal(places.forget(2), 0);
  t.equal(places.total, 1);
  t.equal(places.reserve(3, 'a', LIMITS, true), null);
  t.equal(places.reserve(3, 'a', LIMITS, true), null);
});

t.test('what a process has not taken it does not give back', async (t) => {
  const places = new PlaceCounter();
  places.release(1, 'a');
  places.reserve(1, 'a', LIMITS, true);
  places.release(2, 'a');
  places.release(1, 'b');
  t.equal(places.total, 1);
  places.release(1, 'a');
  places.release(1, 'a');
  t.equal(places.total, 0);
});

t.test('rates hold for all processes together', async (t) => {
  const places = new PlaceCounter();
  const limits = { ...LIMITS, maxConnections: 100, maxConnectionsPerAddress: 0 };
  const byAddress = { ...limits, maxConnectionRate: 2 };
  t.equal(places.reserve(1, 'a', byAddress, true, 1000), null);
  t.equal(places.reserve(2, 'a', byAddress, true, 1000), null);
  t.equal(places.reserve(3, 'a', byAddress, true, 1000), 'connection-rate');
  t.equal(places.reserve(3, 'a', byAddress, false, 1000), null, 'a request for a file');
  t.equal(places.reserve(3, 'b', byAddress, true, 1000), null);
  t.equal(places.total, 4, 'whoever is refused takes no place');
  const inAll = new PlaceCounter();
  const all = { ...limits, maxHandshakeRate: 1 };
  t.equal(inAll.reserve(1, null, all, true, 1000), null);
  t.equal(inAll.reserve(2, null, all, true, 1000), 'handshake-rate');
  t.equal(inAll.reserve(2, null, all, false, 1000), null);
  t.equal(inAll.reserve(2, null, all, true, 2000), null);
  t.equal(new PlaceCounter().reserve(1, null, all, true), null, 'by the clock of the process');
});
