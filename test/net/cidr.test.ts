import t from 'tap';
import { parseCidr } from '../../src/net/cidr.js';

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
