import t from 'tap';
import { AddressList, parseCidr, isLoopbackHost } from '../../src/net/address-range.js';

function check(ranges: readonly string[], inside: readonly string[], outside: readonly string[]) {
  const list = new AddressList(ranges);
  for (const address of inside) t.ok(list.has(address), `${address} in ${ranges.join()}`);
  for (const address of outside) t.notOk(list.has(address), `${address} not in ${ranges.join()}`);
}

t.test('ranges of IPv4', async () => {
  check(['10.0.0.0/8'], ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0', '::10']);
  check(['10.1.2.3/8'], ['10.9.9.9'], ['11.1.2.3']);
  check(['192.0.2.1/32'], ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']);
  check(['0.0.0.0/0'], ['0.0.0.0', '255.255.255.255', '::ffff:1.2.3.4'], ['::', '::1']);
  check(['10.0.0.0/8', '192.0.2.0/24'], ['10.1.1.1', '192.0.2.9'], ['192.0.3.1']);
});

t.test('ranges of IPv6', async () => {
  check(['2001:db8::/32'], ['2001:db8::', '2001:DB8:ffff::1'], ['2001:db9::', '192.0.2.1']);
  check(['::1/128'], ['::1', '0:0:0:0:0:0:0:1'], ['::', '::2', '127.0.0.1']);
  check(['::/0'], ['::', 'fe80::1'], ['10.0.0.1', '::ffff:10.0.0.1']);
});

t.test('an IPv4-mapped address counts as IPv4, in the list and to be looked for', async () => {
  check(['10.0.0.0/8'], ['::ffff:10.0.0.1', '::FFFF:A00:1'], ['::ffff:11.0.0.1']);
  check(['::ffff:10.0.0.0/104'], ['10.1.1.1', '::ffff:10.1.1.1'], ['11.1.1.1']);
  check(['::ffff:0:0/96'], ['10.1.1.1'], ['::1']);
  check(['::ffff:0:0/95'], ['::fffe:1:1'], ['10.1.1.1', '::ffff:10.1.1.1']);
});

t.test('a zone is not looked at', async () => {
  check(['fe80::/10'], ['fe80::1%eth0', 'fe80::1%1'], ['fec0::1%eth0']);
});

t.test('what is no address is in no list', async () => {
  check(['0.0.0.0/0', '::/0'], [], ['unix', '', 'localhost', '1.2.3', '%', '1.2.3.4/8']);
});

t.test('an empty list', async () => {
  check([], [], ['10.0.0.1', '::1', 'unix']);
  t.ok(new AddressList([]).isEmpty);
  t.notOk(new AddressList(['::1/128']).isEmpty);
});

t.test('ranges, and addresses alone, which are ranges of one', async (t) => {
  for (const [text, cidr] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.1.2.3/8', '10.1.2.3/8'],
    ['127.0.0.1/32', '127.0.0.1/32'],
    ['127.0.0.1', '127.0.0.1/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
    ['fd00::/8', 'fd00::/8'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1/128'],
    ['2001:db8::/128', '2001:db8::/128'],
  ] as const) {
    t.equal(parseCidr(text), cidr, text);
  }
});

t.test('anything else', async (t) => {
  for (const text of [
    '',
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0/8',
    '10.0.0.256',
    '::1/129',
    '::1/1000',
    '[::1]',
    'fe80::1%eth0',
    'fe80::1%eth0/64',
    'localhost',
    ' ::1',
    '::1 ',
    '10.0.0.0 /8',
    '*',
  ]) {
    t.equal(parseCidr(text), null, text);
  }
});

t.test('hosts that only this machine reaches', async (t) => {
  for (const [host, isLoopback] of [
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    [null, false],
    ['0.0.0.0', false],
    ['::', false],
    ['192.0.2.1', false],
    ['127.example', false],
  ] as const) {
    t.equal(isLoopbackHost(host), isLoopback, String(host));
  }
});
