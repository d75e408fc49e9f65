import { readFileSync } from 'node:fs';
import t from 'tap';
import { addressesInHosts } from '../../../../src/modes/tcp/names/hosts-file.js';

t.test('lines of all kinds', async (t) => {
  const hosts = [
    '127.0.0.1 localhost',
    '::1\tlocalhost ip6-localhost',
    '  10.0.0.1  \t db   db.test  # the.old.one 10.0.0.9 db',
    '# 10.0.0.2 gone.test db',
    '10.0.0.3 web.test#10.0.0.4 db',
    '10.0.0.5 web.test',
    '10.0.0.5 web.test web.test',
    'fe80::1%eth0 local-link\r',
    'not-an-address odd.test',
    '10.0.0.6',
    '',
    '10.0.0.7 last',
  ].join('\n');
  for (const [name, ...addresses] of [
    ['localhost', '127.0.0.1', '::1'],
    ['ip6-localhost', '::1'],
    ['db', '10.0.0.1'],
    ['db.test', '10.0.0.1'],
    ['web.test', '10.0.0.3', '10.0.0.5'],
    ['local-link', 'fe80::1%eth0'],
    ['last', '10.0.0.7'],
    // In comments only, parts of names, addresses, and nowhere.
    ...[['the.old.one'], ['gone.test'], ['host'], ['b.test'], ['d'], ['10.0.0.6'], ['10.0.0.1']],
    ...[['odd.test'], ['not-an-address'], ['other']],
  ] as const) {
    t.same(addressesInHosts(hosts, name), addresses, name);
  }
  t.same(addressesInHosts('', 'localhost'), []);
});

t.test('the file of this machine', async (t) => {
  const text = readFileSync('/etc/hosts', 'latin1').toLowerCase();
  t.ok(addressesInHosts(text, 'localhost').includes('127.0.0.1'));
});
