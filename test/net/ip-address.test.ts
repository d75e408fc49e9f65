import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import {
  formatIp,
  formatUnmapped,
  isIpv4,
  networkOf,
  parseIp,
  parseIpv4,
  parseIpv6,
  parsePort,
  unmapped,
  unmappedText,
} from '../../src/net/ip-address.js';
import { hexOf } from '../fixtures/hex.js';

const ipv6 = (text: string): string | null => {
  const bytes = parseIpv6(text);
  return bytes === null ? null : hexOf(bytes);
};

t.test('an IPv4 address', async (t) => {
  t.strictSame(parseIpv4('192.0.2.1'), Uint8Array.of(192, 0, 2, 1));
  t.strictSame(parseIpv4('0.0.0.0'), Uint8Array.of(0, 0, 0, 0));
  t.ok(isIpv4('0.0.0.0'));
  t.strictSame(parseIpv4('255.255.255.255'), Uint8Array.of(255, 255, 255, 255));
  for (const text of [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.',
    '1..3.4',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '0x7f.0.0.1',
    '1.2.3.-4',
    '1.2.3.1e1',
    '::1',
    '1.2.3.4'.padEnd(60, '0'),
  ]) {
    t.equal(parseIpv4(text), null, JSON.stringify(text));
    t.notOk(isIpv4(text));
  }
});

t.test('RFC 4291 §2.2: an IPv6 address', async (t) => {
  t.equal(ipv6('::'), '0'.repeat(32));
  t.equal(ipv6('::1'), `${'0'.repeat(31)}1`);
  t.equal(ipv6('1::'), `0001${'0'.repeat(28)}`);
  t.equal(ipv6('2001:DB8:0:0:8:800:200C:417a'), '20010db80000000000080800200c417a');
  t.equal(ipv6('2001:db8::8:800:200c:417a'), '20010db80000000000080800200c417a');
  t.equal(ipv6('::ffff:129.144.52.38'), '00000000000000000000ffff81903426');
  t.equal(ipv6('1:2:3:4:5:6:7.8.9.10'), '0001000200030004000500060708090a');
  t.equal(ipv6('1:2:3:4:5:6:7::'), '00010002000300040005000600070000');
  for (const text of [
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1::2::3',
    '12345::',
    'g::',
    '1:',
    ':1',
    '::1.2.3',
    '1.2.3.4::',
    '1.2.3.4',
    '::1.2.3.4:5',
    '[::1]',
    '::1%eth0',
    '::1 ',
    `::${'0'.repeat(50)}`,
  ]) {
    t.equal(parseIpv6(text), null, JSON.stringify(text));
  }
});

t.test('either of them', async (t) => {
  t.equal(parseIp('192.0.2.1')?.length, 4);
  t.equal(parseIp('::1')?.length, 16);
  t.equal(parseIp('unix'), null);
});

t.test('Node takes and refuses the same texts', async () => {
  const character = fc.constantFrom(...'0123456789abcfF:.:.:'.split(''));
  const text = fc.oneof(fc.string({ unit: character, maxLength: 24 }), fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(text, (one) => {
      return (parseIpv4(one) !== null) === isIPv4(one) && (parseIpv6(one) !== null) === isIPv6(one);
    }),
    { numRuns: 3000 },
  );
});

t.test('RFC 5952 §4: one text for each address', async (t) => {
  for (const [text, canonical] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:0:1:0:0:0:0:0', '0:0:1::'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
  ] as const) {
    t.equal(formatIp(parseIp(text)!), canonical, text);
  }
});

t.test('what is written is read as the same address', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(16), (bytes, zeros) => {
      bytes.fill(0, 0, zeros);
      t.strictSame(parseIpv6(formatIp(bytes)), bytes);
    }),
  );
});

t.test('RFC 4291 §2.5.5.2: the IPv4 address in an IPv6 address', async (t) => {
  const text = (address: string): string => formatIp(unmapped(parseIp(address)!));
  t.equal(text('::ffff:10.0.0.1'), '10.0.0.1');
  for (const other of ['10.0.0.1', '::1', '1::ffff:a00:1', '::fffe:a00:1', '::ff00:a00:1']) {
    t.equal(text(other), other);
  }
});

t.test('an IPv4 address in an IPv6 address is told as the IPv4 address', async (t) => {
  for (const [text, expected] of [
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['unix', 'unix'],
  ] as const) {
    t.equal(unmappedText(text), expected);
    const bytes = parseIp(text);
    if (bytes !== null) t.equal(formatUnmapped(bytes), expected);
  }
});

t.test('clients are counted by address, in IPv6 by network', async (t) => {
  for (const [text, expected] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:db8:1:2::', '2001:db8:1:2::'],
    ['2001:db8:1:3::1', '2001:db8:1:3::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::1', '::'],
    ['unix', 'unix'],
    ['not:an:address', 'not:an:address'],
  ] as const) {
    t.equal(networkOf(text), expected);
  }
});

t.test('a port', async (t) => {
  for (const [text, port] of [
    ['0', 0],
    ['80', 80],
    ['65535', 65_535],
    ['65536', null],
    ['080', null],
    ['00', null],
    ['', null],
    ['-1', null],
    ['+1', null],
    ['1e3', null],
    [' 1', null],
    ['9'.repeat(400), null],
  ] as const) {
    t.equal(parsePort(text), port, text.slice(0, 10));
  }
});
