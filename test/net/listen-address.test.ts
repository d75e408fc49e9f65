import fc from 'fast-check';
import t from 'tap';
import { formatListenAddress, parseListenAddress } from '../../src/net/listen-address.js';

const tcp = (host: string | null, port: number): object => ({ kind: 'tcp', host, port });

t.test('addresses', async (t) => {
  for (const [text, address, canonical] of [
    ['9001', tcp('127.0.0.1', 9001), '127.0.0.1:9001'],
    ['0', tcp('127.0.0.1', 0), '127.0.0.1:0'],
    ['65535', tcp('127.0.0.1', 65_535), '127.0.0.1:65535'],
    [':80', tcp(null, 80), ':80'],
    [':0', tcp(null, 0), ':0'],
    ['localhost:80', tcp('localhost', 80), 'localhost:80'],
    ['Web-1.example.com:80', tcp('Web-1.example.com', 80), 'Web-1.example.com:80'],
    ['localhost.:80', tcp('localhost.', 80), 'localhost.:80'],
    ['my_host:80', tcp('my_host', 80), 'my_host:80'],
    ['0.0.0.0:80', tcp('0.0.0.0', 80), '0.0.0.0:80'],
    ['[::1]:80', tcp('::1', 80), '[::1]:80'],
    ['[::]:80', tcp('::', 80), '[::]:80'],
    ['[fe80::1%eth0]:80', tcp('fe80::1%eth0', 80), '[fe80::1%eth0]:80'],
    ['unix:/run/twist.sock', { kind: 'unix', path: '/run/twist.sock' }, 'unix:/run/twist.sock'],
    ['unix:a:1', { kind: 'unix', path: 'a:1' }, 'unix:a:1'],
    [`unix:${'p'.repeat(107)}`, { kind: 'unix', path: 'p'.repeat(107) }, `unix:${'p'.repeat(107)}`],
  ] as const) {
    const parsed = parseListenAddress(text);
    t.same(parsed, address, text);
    if (parsed !== null) t.equal(formatListenAddress(parsed), canonical);
  }
});

t.test('what is no address', async (t) => {
  for (const text of [
    '',
    ':',
    'foo',
    'foo:',
    '65536',
    '99999999',
    '-1',
    '+1',
    '1.5',
    '080',
    ' 80',
    '80 ',
    '0x50',
    ':-1',
    'host:65536',
    '::1',
    '::1:80',
    '[::1]',
    '[::1]80',
    '[]:80',
    '[1.2.3.4]:80',
    '[::1:80',
    '::1]:80',
    '300.1.1.1:80',
    '1.2.3:80',
    '1:80',
    '.:80',
    '-a:80',
    'a-:80',
    'a..b:80',
    'a b:80',
    'a/b:80',
    '*:80',
    'ws://localhost:80',
    'unix:',
    'unix:a\0b',
    'Unix:/a',
    `unix:${'p'.repeat(108)}`,
    `unix:${'é'.repeat(54)}`,
  ]) {
    t.equal(parseListenAddress(text), null, JSON.stringify(text));
  }
});

t.test('what is written is read back as the same address', async (t) => {
  const host = fc.oneof(fc.constant(null), fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.nat(65_535), (name, port) => {
      const address = { kind: 'tcp', host: name, port } as const;
      t.same(
        parseListenAddress(formatListenAddress(address)),
        address,
        formatListenAddress(address),
      );
    }),
    { numRuns: 300 },
  );
});
