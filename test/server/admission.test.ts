import t from 'tap';
import { Admission } from '../../src/server/admission.js';

const at = (remoteAddress: string) => ({ remoteAddress, remotePort: 1 });
const A = at('203.0.113.7');
const B = at('203.0.113.8');

t.test('so many connections are let in, and one more is refused with 503', async (t) => {
  const admission = new Admission({ maxConnections: 2, maxConnectionsPerAddress: 0 });
  admission.add(A);
  t.equal(admission.findRefusal(A), null);
  admission.add(A);
  t.equal(admission.findRefusal(A), null, 'at the limit');
  admission.add(B);
  t.match(admission.findRefusal(B), { rule: 'full', status: 503 });
  admission.remove(A);
  t.equal(admission.findRefusal(B), null, 'when one has gone there is room');
});

t.test('none at all may be allowed', async (t) => {
  const admission = new Admission({ maxConnections: 0, maxConnectionsPerAddress: 0 });
  admission.add(A);
  t.match(admission.findRefusal(A), { rule: 'full' });
});

t.test(
  'so many connections of one address are let in, and one more is refused with 429',
  async (t) => {
    const admission = new Admission({ maxConnections: 100, maxConnectionsPerAddress: 2 });
    admission.add(A);
    admission.add(A);
    t.equal(admission.findRefusal(A), null, 'at the limit');
    admission.add(A);
    t.match(admission.findRefusal(A), { rule: 'too-many-connections-from-address', status: 429 });
    admission.add({ ...B, remotePort: 2 });
    t.equal(admission.findRefusal(B), null, 'others have their own count');
    admission.remove({ ...A, remotePort: 9 });
    t.equal(admission.findRefusal(A), null, 'whatever port it came from');
    admission.remove(A);
    admission.remove(A);
    admission.add(A);
    t.equal(admission.findRefusal(A), null, 'an address that has gone begins anew');
  },
);

t.test('the limit in all comes before that of an address', async (t) => {
  const admission = new Admission({ maxConnections: 1, maxConnectionsPerAddress: 1 });
  admission.add(A);
  admission.add(A);
  t.match(admission.findRefusal(A), { rule: 'full' });
});

t.test('while the server drains nobody is let in: 503', async (t) => {
  const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 0 });
  admission.add(A);
  t.notOk(admission.isDraining);
  admission.isDraining = true;
  t.match(admission.findRefusal(A), { rule: 'draining', status: 503 });
});

t.test('a tenth above the limit, but at least 64, is refused over HTTP', async (t) => {
  const hardLimit = (maxConnections: number): number =>
    new Admission({ maxConnections, maxConnectionsPerAddress: 0 }).hardLimit;
  t.strictSame([1, 640, 641, 10_000].map(hardLimit), [65, 704, 706, 11_000]);
});
