import t from 'tap';
import { AllowList } from '../../../src/modes/tcp/allow-list.js';

t.test('addresses in the ranges, and one past them', async (t) => {
  const list = new AllowList(['10.1.0.0/16', '192.0.2.7/32', '2001:db8::/32', '::1/128']);
  for (const address of [
    '10.1.0.0',
    '10.1.255.255',
    '::ffff:10.1.2.3',
    '::ffff:a01:203',
    '192.0.2.7',
    '2001:db8::',
    '2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::1%lo',
  ]) {
    t.ok(list.has(address), address);
  }
  for (const address of [
    '10.0.255.255',
    '10.2.0.0',
    '192.0.2.6',
    '192.0.2.8',
    '127.0.0.1',
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:127.0.0.1',
    '2001:db9::',
    '2001:db7:ffff::',
    '::2',
    '::',
    '0.0.0.0',
    'fe80::1%eth0',
    '::10.1.0.1',
  ]) {
    t.notOk(list.has(address), address);
  }
});

t.test('all of one family is not all of the other', async (t) => {
  t.ok(new AllowList(['0.0.0.0/0']).has('203.0.113.7'));
  t.notOk(new AllowList(['0.0.0.0/0']).has('2001:db8::1'));
  t.ok(new AllowList(['0.0.0.0/0']).has('::ffff:203.0.113.7'));
  t.ok(new AllowList(['::/0']).has('2001:db8::1'));
  t.notOk(new AllowList(['::/0']).has('203.0.113.7'));
  t.notOk(new AllowList(['::/0']).has('::ffff:203.0.113.7'));
});

t.test('a range may be written mapped', async (t) => {
  const list = new AllowList(['::ffff:10.0.0.0/104']);
  t.ok(list.has('10.255.0.1'));
  t.ok(list.has('::ffff:10.255.0.1'));
  t.notOk(list.has('11.0.0.1'));
  t.ok(new AllowList(['::ffff:0:0/96']).has('11.0.0.1'), 'all of IPv4');
});

t.test('a mapped range with the prefix of an IPv4 one is not all of IPv4', async (t) => {
  t.notOk(new AllowList(['::ffff:10.0.0.0/8']).has('192.0.2.1'));
});

t.test('a range begins at its first address, whatever address it is written with', async (t) => {
  const list = new AllowList(['10.1.2.3/16', '2001:db8:1:2::3/32']);
  t.ok(list.has('10.1.0.0'));
  t.ok(list.has('2001:db8::'));
});

t.test('what is no address is in no range', async (t) => {
  const list = new AllowList(['0.0.0.0/0', '::/0']);
  for (const text of ['', 'unix', 'localhost', '127.1', '0x7f.1']) t.notOk(list.has(text), text);
});
