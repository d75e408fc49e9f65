/**
 * The PROXY protocol as haproxy.org's proxy-protocol.txt has it, sections 2.1 and 2.2; what is written
 * must also be what a library reads.
 */
import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import {
  Command,
  INETProtocol,
  IPv4ProxyAddress,
  IPv6ProxyAddress,
  TransportProtocol,
  V1ProxyProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js';
import t from 'tap';
import { type ClientEnds, proxyHeader } from '../../../src/modes/tcp/proxy-header-writer.js';
import { hexOf } from '../../fixtures/hex.js';

const ends = (
  remoteAddress: string,
  remotePort: number,
  localAddress: string,
  localPort: number,
): ClientEnds => ({ remoteAddress, remotePort, localAddress, localPort });

const line = (client: ClientEnds): string => Buffer.from(proxyHeader(1, client)).toString('latin1');
const binary = (client: ClientEnds): string => hexOf(proxyHeader(2, client));

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const LONGEST = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

t.test('version 1 (section 2.1)', async (t) => {
  for (const [client, text] of [
    // The example of the document.
    [ends('192.168.0.1', 56324, '192.168.0.11', 443), 'TCP4 192.168.0.1 192.168.0.11 56324 443'],
    [ends('2001:db8::7', 1, '2001:db8::1', 65535), 'TCP6 2001:db8::7 2001:db8::1 1 65535'],
    // A socket that listens on both families.
    [ends('::ffff:203.0.113.7', 4, '::ffff:10.0.0.1', 5), 'TCP4 203.0.113.7 10.0.0.1 4 5'],
    [ends('203.0.113.7', 4, '::1', 5), 'TCP6 ::ffff:cb00:7107 ::1 4 5'],
    [ends('2001:db8::7', 4, '10.0.0.1', 5), 'TCP6 2001:db8::7 ::ffff:a00:1 4 5'],
    [ends('fe80::1%eth0', 4, 'fe80::2%eth0', 5), 'TCP6 fe80::1 fe80::2 4 5'],
    // Named by X-Forwarded-For, which has no port; the proxy itself may come by a Unix socket.
    [ends('203.0.113.7', 0, '127.0.0.1', 80), 'TCP4 203.0.113.7 127.0.0.1 0 80'],
    [ends('203.0.113.7', 0, 'unix', 0), 'TCP4 203.0.113.7 0.0.0.0 0 0'],
    [ends('2001:db8::7', 0, 'unix', 0), 'TCP6 2001:db8::7 :: 0 0'],
    [ends('unix', 0, 'unix', 0), 'UNKNOWN'],
    [ends('unix', 0, '127.0.0.1', 80), 'UNKNOWN'],
    [ends(LONGEST, 65535, LONGEST, 65535), `TCP6 ${LONGEST} ${LONGEST} 65535 65535`],
  ] as const) {
    t.equal(line(client), `PROXY ${text}\r\n`);
    t.ok(line(client).length <= 107);
  }
});

t.test('version 2 (section 2.2)', async (t) => {
  for (const [client, hex] of [
    [ends('192.168.0.1', 56324, '192.168.0.11', 443), '21 11 000c c0a80001 c0a8000b dc04 01bb'],
    [
      ends('2001:db8::7', 1, '2001:db8::1', 65535),
      '21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001 0001 ffff',
    ],
    [ends('::ffff:203.0.113.7', 4, '::ffff:10.0.0.1', 5), '21 11 000c cb007107 0a000001 0004 0005'],
    [
      ends('203.0.113.7', 4, '::1', 5),
      '21 21 0024 00000000000000000000ffffcb007107 00000000000000000000000000000001 0004 0005',
    ],
    [ends('203.0.113.7', 0, 'unix', 0), '21 11 000c cb007107 00000000 0000 0000'],
    // LOCAL, which has no addresses.
    [ends('unix', 0, 'unix', 0), '20 00 0000'],
  ] as const) {
    t.equal(binary(client), SIGNATURE + hex.replaceAll(' ', ''));
  }
});

/** Whether two texts are the same address, by an oracle of its own. */
function isSame(one: string, other: string): boolean {
  const list = new BlockList();
  list.addAddress(one, isIPv4(one) ? 'ipv4' : 'ipv6');
  return list.check(other, isIPv4(other) ? 'ipv4' : 'ipv6');
}

const addresses = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map((address) => `::ffff:${address}`),
);
const ports = fc.integer({ min: 0, max: 65_535 });
const clients = fc.tuple(addresses, ports, addresses, ports).map((all) => ends(...all));

t.test('a library reads from version 1 what was written', async (t) => {
  fc.assert(
    fc.property(clients, (client) => {
      const read = V1ProxyProtocol.parse(line(client));
      const { ipAddress: source, port: sourcePort } = read.source;
      const { ipAddress: destination, port: destinationPort } = read.destination;
      return (
        read.inetProtocol === (isIPv4(source) ? INETProtocol.TCP4 : INETProtocol.TCP6) &&
        isIPv4(source) === isIPv4(destination) &&
        isSame(source, client.remoteAddress) &&
        isSame(destination, client.localAddress) &&
        sourcePort === client.remotePort &&
        destinationPort === client.localPort &&
        read.data === ''
      );
    }),
  );
  t.pass('for all of them');
});

t.test('a library reads from version 2 what was written', async (t) => {
  const textOf = ({ address }: { address: readonly number[] }): string =>
    address.length === 4
      ? address.join('.')
      : hexOf(Uint8Array.from(address)).match(/.{4}/g)!.join(':');
  fc.assert(
    fc.property(clients, (client) => {
      const read = V2ProxyProtocol.parse(proxyHeader(2, client));
      const addresses = read.proxyAddress;
      if (!(addresses instanceof IPv4ProxyAddress || addresses instanceof IPv6ProxyAddress))
        return false;
      return (
        read.command === Command.PROXY &&
        read.transportProtocol === TransportProtocol.STREAM &&
        isSame(textOf(addresses.sourceAddress), client.remoteAddress) &&
        isSame(textOf(addresses.destinationAddress), client.localAddress) &&
        addresses.sourcePort === client.remotePort &&
        addresses.destinationPort === client.localPort &&
        read.data?.length === 0
      );
    }),
  );
  t.pass('for all of them');
});

t.test('a library takes LOCAL for what it is', async (t) => {
  const read = V2ProxyProtocol.parse(proxyHeader(2, ends('unix', 0, 'unix', 0)));
  t.equal(read.command, Command.LOCAL);
  t.equal(read.transportProtocol, TransportProtocol.UNSPEC);
});
