import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { AddressList } from '../../../src/net/address-range.js';
import { Admission } from '../../../src/server/admission/admission.js';

const at = (remoteAddress: string) => ({ remoteAddress, remotePort: 1 });
const A = at('203.0.113.7');
const B = at('203.0.113.8');

t.test('other rules hold for those who come from then on', async (t) => {
  const admission = new Admission({ maxConnections: 1, maxConnectionsPerAddress: 1 });
  const peer = { remoteAddress: '192.0.2.1', remotePort: 1 };
  admission.add(peer);
  t.ok(admission.isFull);
  const deny = new AddressList(['192.0.2.2/32']);
  admission.change(2, { allow: new AddressList([]), deny, hasUnixProxy: false });
  t.notOk(admission.isFull);
  t.equal(admission.findRefusal({ remoteAddress: '192.0.2.2', remotePort: 1 })?.rule, 'address');
  t.equal(admission.findRefusal(peer), null);
  t.equal(
    admission.findRefusalAtAccept(peer, false)?.rule,
    'too-many-connections-from-address',
    'it still counts',
  );
});

t.test('so many connections are let in, and one more is refused with 503', async (t) => {
  const admission = new Admission({ maxConnections: 2, maxConnectionsPerAddress: 0 });
  t.equal(admission.findRefusalAtAccept(A, false), null);
  admission.add(A);
  t.equal(admission.findRefusalAtAccept(A, false), null);
  admission.add(A);
  t.equal(admission.findRefusal(A), null, 'at the limit');
  for (const isProxy of [false, true])
    t.match(admission.findRefusalAtAccept(B, isProxy), { rule: 'full', status: 503 });
  admission.remove(A);
  t.equal(admission.findRefusalAtAccept(B, false), null, 'when one has gone there is room');
});

t.test('whoever only asks whether there is room takes none of it', async (t) => {
  const admission = new Admission({ maxConnections: 1, maxConnectionsPerAddress: 0 });
  t.notOk(admission.isFullBeside(0));
  admission.add(A);
  t.ok(admission.isFullBeside(0));
  t.notOk(admission.isFullBeside(1), 'the one that is there');
});

t.test(
  'refused ones have a tenth of the room beside, and all of it while the server stops',
  async (t) => {
    const admission = new Admission({ maxConnections: 1000, maxConnectionsPerAddress: 0 });
    t.equal(admission.maxRefused, 100);
    admission.change(10, { allow: new AddressList([]), deny: new AddressList([]) });
    t.equal(admission.maxRefused, 64, 'and some in any case');
    t.match(admission.limits, { maxConnections: 10, maxConnectionsPerAddress: 0 });
    admission.isDraining = true;
    t.equal(admission.maxRefused, 10);
  },
);

t.test('none at all may be allowed', async (t) => {
  const admission = new Admission({ maxConnections: 0, maxConnectionsPerAddress: 0 });
  t.match(admission.findRefusalAtAccept(A, false), { rule: 'full' });
});

t.test(
  'so many connections of one address are let in, and one more is refused with 429',
  async (t) => {
    const admission = new Admission({ maxConnections: 100, maxConnectionsPerAddress: 2 });
    admission.add(A);
    admission.add(A);
    t.equal(admission.findRefusal(A), null, 'at the limit');
    t.match(admission.findRefusalAtAccept(A, false), { status: 429 }, 'and one more');
    t.equal(admission.findRefusalAtAccept(A, true), null, 'but from a proxy');
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
  t.match(admission.findRefusalAtAccept(A, false), { rule: 'full' });
});

t.test('while the server drains nobody is let in: 503', async (t) => {
  const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 0 });
  admission.add(A);
  t.notOk(admission.isDraining);
  admission.isDraining = true;
  t.match(admission.findRefusal(A), { rule: 'draining', status: 503 });
  t.match(admission.findRefusalAtAccept(B, true), { rule: 'draining' });
});

t.test(
  'an address of IPv6 is its network, a mapped one IPv4, and one of a Unix socket none',
  async (t) => {
    const admission = new Admission({ maxConnections: 100, maxConnectionsPerAddress: 1 });
    const isLetInOnTopOf = (counted: string, newcomer: string): boolean => {
      admission.add(at(counted));
      const refusal = admission.findRefusalAtAccept(at(newcomer), false);
      admission.remove(at(counted));
      return refusal === null;
    };
    t.notOk(isLetInOnTopOf('2001:db8::1', '2001:db8::2'));
    t.ok(isLetInOnTopOf('2001:db8::1', '2001:db8:0:1::1'));
    t.notOk(isLetInOnTopOf('192.0.2.1', '::ffff:192.0.2.1'));
    t.ok(isLetInOnTopOf('unix', 'unix'));
  },
);

t.test('a tenth beside the limit, but at least 64, may wait for its refusal', async (t) => {
  const maxRefused = (maxConnections: number): number =>
    new Admission({ maxConnections, maxConnectionsPerAddress: 0 }).maxRefused;
  t.strictSame([1, 640, 641, 10_000].map(maxRefused), [64, 64, 65, 1000]);
  const stopping = new Admission({ maxConnections: 10_000, maxConnectionsPerAddress: 0 });
  stopping.isDraining = true;
  t.equal(stopping.maxRefused, 10_000, 'nobody else needs the room');
});

/** Whether an address may connect. */
function isLetIn(address: string, allow: readonly string[], deny: readonly string[]): boolean {
  const admission = new Admission(
    { maxConnections: 1, maxConnectionsPerAddress: 0 },
    { allow: new AddressList(allow), deny: new AddressList(deny) },
  );
  admission.add(at(address));
  const refusal = admission.findRefusal(at(address));
  if (refusal !== null) t.match(refusal, { rule: 'address', status: 403 });
  return refusal === null;
}

t.test('lists of addresses say who may connect', async (t) => {
  const PRIVATE = ['10.0.0.0/8', 'fd00::/8'];
  t.ok(isLetIn('192.0.2.1', [], []), 'everybody');
  t.ok(isLetIn('10.0.0.1', PRIVATE, []), 'who is allowed');
  t.ok(isLetIn('fd00::1', PRIVATE, []));
  t.notOk(isLetIn('192.0.2.1', PRIVATE, []), 'nobody else');
  t.notOk(isLetIn('10.0.0.1', [], PRIVATE), 'who is denied');
  t.ok(isLetIn('192.0.2.1', [], PRIVATE), 'only he');
  t.notOk(isLetIn('10.0.0.1', PRIVATE, ['10.0.0.1/32']), 'deny wins');
  t.ok(isLetIn('10.0.0.2', PRIVATE, ['10.0.0.1/32']));
  t.notOk(isLetIn('10.0.0.1', ['10.0.0.1/32'], ['0.0.0.0/0']), 'whichever is narrower');
  t.notOk(isLetIn('::ffff:10.0.0.1', [], PRIVATE), 'IPv4 in IPv6');
});

t.test('a client on a Unix socket has no address to judge', async (t) => {
  t.ok(isLetIn('unix', ['10.0.0.0/8'], ['0.0.0.0/0', '::/0']));
});

t.test('one that a proxy on a Unix socket does not name is on no list', async (t) => {
  const refusalOf = (allow: readonly string[], deny: readonly string[]): string | undefined =>
    new Admission(
      { maxConnections: 1, maxConnectionsPerAddress: 1 },
      { allow: new AddressList(allow), deny: new AddressList(deny), hasUnixProxy: true },
    ).findRefusal(at('unix'))?.rule;
  t.equal(refusalOf([], []), undefined);
  t.equal(refusalOf([], ['0.0.0.0/0', '::/0']), undefined);
  t.equal(refusalOf(['0.0.0.0/0', '::/0'], []), 'address');
});

t.test('who may not connect is told nothing else', async (t) => {
  const nobody = { allow: new AddressList([]), deny: new AddressList(['0.0.0.0/0']) };
  const admission = new Admission({ maxConnections: 0, maxConnectionsPerAddress: 0 }, nobody);
  admission.isDraining = true;
  admission.add(A);
  t.match(admission.findRefusal(A), { rule: 'address', status: 403 });
});

t.test('new connections of one address: at the rate, and one past it', async (t) => {
  let nowMs = 1000;
  const limits = { maxConnections: 100, maxConnectionsPerAddress: 0, maxConnectionRate: 2 };
  const admission = new Admission(limits, undefined, () => nowMs);
  t.equal(admission.findConnectionRefusal(A), null);
  t.equal(admission.findConnectionRefusal(A), null);
  t.match(admission.findConnectionRefusal(A), {
    rule: 'connection-rate',
    status: 429,
    headers: { 'Retry-After': '1' },
  });
  t.equal(admission.findConnectionRefusal(B), null);
  for (let count = 0; count < 5; count++)
    t.equal(admission.findConnectionRefusal(at('unix')), null, 'it has no address');
  nowMs += 500;
  t.equal(admission.findConnectionRefusal(A), null);
  t.equal(admission.networkOf('203.0.113.7'), '203.0.113.7', 'in a group it is counted for all');
  admission.add(A);
  t.equal(admission.findRefusal(A), null, 'as many as there may be in all');
});

t.test('handshakes in all: at the rate, and one past it', async (t) => {
  let nowMs = 1000;
  const limits = { maxConnections: 100, maxConnectionsPerAddress: 0, maxHandshakeRate: 1 };
  const admission = new Admission(limits, undefined, () => nowMs);
  t.equal(admission.findHandshakeRefusal(), null);
  t.match(admission.findHandshakeRefusal(), { rule: 'handshake-rate', status: 503 });
  nowMs += 1000;
  t.equal(admission.findHandshakeRefusal(), null);
  const off = new Admission({ maxConnections: 100, maxConnectionsPerAddress: 0 });
  for (let count = 0; count < 100; count++) {
    t.equal(off.findHandshakeRefusal(), null);
    t.equal(off.findConnectionRefusal(A), null);
  }
});

t.test('while memory is scarce nobody new is let in', async (t) => {
  const memory = new MemoryAccount(100);
  const rules = { allow: new AddressList([]), deny: new AddressList(['203.0.113.8/32']) };
  const limits = { maxConnections: 2, maxConnectionsPerAddress: 0 };
  const admission = new Admission(limits, rules, undefined, memory);
  t.equal(admission.findRefusal(A), null);
  memory.charge(80);
  t.match(admission.findRefusalAtAccept(A, false), { rule: 'memory', status: 503 });
  t.match(admission.findRefusalAtAccept(A, true), { rule: 'memory' });
  t.match(admission.findRefusal(A), { rule: 'memory' }, 'nor one that has just sent its request');
  t.match(admission.findRefusal(B), { rule: 'address' });
  memory.release(6);
  t.equal(admission.findRefusal(A), null);
});

t.test('by default rates are measured on the clock of the process', async (t) => {
  const limits = { maxConnections: 9, maxConnectionsPerAddress: 0, maxHandshakeRate: 0.001 };
  const admission = new Admission(limits);
  t.equal(admission.findHandshakeRefusal(), null);
  t.equal(admission.findHandshakeRefusal()?.rule, 'handshake-rate');
});
