import t from 'tap';
import { PlaceCounter } from '../../src/workers/place-counter.js';

const LIMITS = { maxConnections: 4, maxConnectionsPerAddress: 2 };

t.test('places are counted in all, by network and by process', async (t) => {
  const places = new PlaceCounter();
  t.equal(places.reserve(1, 'a', LIMITS), null);
  t.equal(places.reserve(2, 'a', LIMITS), null);
  t.equal(places.reserve(1, 'a', LIMITS), 'too-many-connections-from-address');
  t.equal(places.reserve(1, null, LIMITS), null);
  t.equal(places.reserve(2, null, LIMITS), null);
  t.equal(places.reserve(2, 'b', LIMITS), 'full');
  t.equal(places.total, 4);
  places.release(1, 'a');
  t.equal(places.reserve(2, 'a', LIMITS), null);
  t.equal(places.forget(2), 3);
  t.equal(places.forget(2), 0);
  t.equal(places.total, 1);
  t.equal(places.reserve(3, 'a', LIMITS), null);
  t.equal(places.reserve(3, 'a', LIMITS), null);
});

t.test('what a process has not taken it does not give back', async (t) => {
  const places = new PlaceCounter();
  places.release(1, 'a');
  places.reserve(1, 'a', LIMITS);
  places.release(2, 'a');
  places.release(1, 'b');
  t.equal(places.total, 1);
  places.release(1, 'a');
  places.release(1, 'a');
  t.equal(places.total, 0);
});
