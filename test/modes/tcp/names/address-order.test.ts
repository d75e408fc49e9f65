import type { networkInterfaces } from 'node:os';
import t from 'tap';
import { inOrder } from '../../../../src/modes/tcp/names/address-order.js';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** A machine with these addresses. */
const machine =
  (...addresses: readonly string[]) =>
  (): Interfaces => ({
    lo: addresses.map((address) => ({ address }) as NonNullable<Interfaces[string]>[number]),
    none: undefined,
  });

t.test('IPv6 comes first where there is an address to connect from', async (t) => {
  const docker = machine('127.0.0.1', '::1', '172.17.0.2', 'fe80::42:acff:fe11:2');
  const home = machine('127.0.0.1', '::1', '192.168.0.2', 'fd12:3456::2', 'fe80::1');
  const server = machine('127.0.0.1', '::1', '192.0.2.1', '2001:db8::1', 'fe80::1');
  for (const [own, given, wanted] of [
    [
      server,
      ['10.0.0.1', '2001:db8::5', '10.0.0.2', '3fff::1'],
      '2001:db8::5,3fff::1,10.0.0.1,10.0.0.2',
    ],
    [docker, ['2001:db8::5', '10.0.0.1', '2001:db8::6'], '10.0.0.1,2001:db8::5,2001:db8::6'],
    [docker, ['10.0.0.1', '2001:db8::5'], '10.0.0.1,2001:db8::5'],
    [docker, ['127.0.0.1', '::1'], '::1,127.0.0.1'],
    [home, ['10.0.0.1', '2001:db8::5', 'FD00::7'], 'FD00::7,10.0.0.1,2001:db8::5'],
    [machine(), ['127.0.0.1', '::1'], '127.0.0.1,::1'],
  ] as const) {
    t.equal(inOrder(given, own).join(), wanted);
  }
});

t.test('one family is left as it is, and nobody is asked', async (t) => {
  const nobody = (): Interfaces => {
    throw new Error('asked');
  };
  for (const addresses of [[], ['10.0.0.2', '10.0.0.1'], ['::2', '::1']])
    t.same(inOrder(addresses, nobody), addresses);
});

t.test('this machine', async (t) => {
  t.same(inOrder(['10.0.0.1', '::1']).sort(), ['10.0.0.1', '::1']);
});
