import t from 'tap';
import { parseHost, parsePort, parseUnixPath } from '../../src/net/address-text.js';

t.test('hosts', async (t) => {
  for (const [text, host] of [
    ['localhost', 'localhost'],
    ['a_b.example', 'a_b.example'],
    ['localhost.', 'localhost.'],
    ['db.svc.cluster.local.', 'db.svc.cluster.local.'],
    ['a.'.repeat(127), 'a.'.repeat(127)],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[fe80::1%eth0]', 'fe80::1%eth0'],
  ] as const) {
    t.equal(parseHost(text), host, text);
  }
  for (const text of [
    ...['', '-a', 'a-', 'a..b', '1.2.3', '1.2.3.256', '::1', '[1.2.3.4]', 'a b', 'é'],
    // A dot alone, two of them, or one behind an address.
    ...['.', 'a..', '.a', 'a-.', '127.0.0.1.', '1.', '[::1].', '[::1.]'],
    'a.'.repeat(128),
  ])
    t.equal(parseHost(text), null, text);
});

t.test('ports', async (t) => {
  t.equal(parsePort('0'), 0);
  t.equal(parsePort('65535'), 65_535);
  for (const text of ['', '01', '65536', '-1', '1.0', '0x1', '123456']) {
    t.equal(parsePort(text), null, text);
  }
});

t.test('paths of Unix sockets', async (t) => {
  t.equal(parseUnixPath('unix:/run/a.sock'), '/run/a.sock');
  t.equal(parseUnixPath(`unix:${'x'.repeat(107)}`), 'x'.repeat(107));
  for (const text of ['unix:', '/run/a.sock', 'unix:a\0', `unix:${'x'.repeat(108)}`])
    t.equal(parseUnixPath(text), null, text);
});
