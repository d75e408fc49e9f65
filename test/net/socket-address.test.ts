import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import t from 'tap';
import {
  formatHostAndPort,
  formatListenAddress,
  formatPeer,
  formatUnixMode,
  parseHostName,
  parseListenAddress,
  parseRecordedAddress,
  parseRecordedHost,
  parseTarget,
  parseUnixMode,
} from '../../src/net/socket-address.js';

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
    t.equal(parseHostName(text), host, text);
  }
  for (const text of [
    ...['', '-a', 'a-', 'a..b', '1.2.3', '1.2.3.256', '::1', '[1.2.3.4]', 'a b', 'é'],
    // A dot alone, two of them, or one behind an address.
    ...['.', 'a..', '.a', 'a-.', '127.0.0.1.', '1.', '[::1].', '[::1.]'],
    'a.'.repeat(128),
  ])
    t.equal(parseHostName(text), null, text);
});

t.test('host and port are written with brackets around an IPv6 address', async (t) => {
  t.equal(formatHostAndPort('localhost', 1), 'localhost:1');
  t.equal(formatHostAndPort('::1', 80), '[::1]:80');
});

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
    ['wss://80', { ...tcp('127.0.0.1', 80), tls: true }, 'wss://127.0.0.1:80'],
    ['wss://[::1]:80', { ...tcp('::1', 80), tls: true }, 'wss://[::1]:80'],
    ['ws://:80', { ...tcp(null, 80), tls: false }, 'ws://:80'],
    ['unix:/run/twist.sock', { kind: 'unix', path: '/run/twist.sock' }, 'unix:/run/twist.sock'],
    ['unix:a:1', { kind: 'unix', path: 'a:1' }, 'unix:a:1'],
    ['systemd', { kind: 'systemd', name: null }, 'systemd'],
    ['systemd:twist.socket', { kind: 'systemd', name: 'twist.socket' }, 'systemd:twist.socket'],
    ['wss://systemd', { kind: 'systemd', name: null, tls: true }, 'wss://systemd'],
    ['ws://systemd:1a', { kind: 'systemd', name: '1a', tls: false }, 'ws://systemd:1a'],
    // A host may have that name.
    ['systemd:80', tcp('systemd', 80), 'systemd:80'],
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
    ...['systemd:', 'systemd:a:b', 'systemd:a b', 'systemd:ä', `systemd:${'n'.repeat(256)}`],
    ...['Systemd', 'systemd:65536'],
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
    'wss://',
    'wss://localhost',
    'WSS://80',
    'tls://80',
    'https://80',
    'wss://ws://80',
    'wss://unix:/a',
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

t.test('targets', async (t) => {
  for (const [text, target] of [
    ['localhost:5900', { kind: 'tcp', host: 'localhost', port: 5900 }],
    ['10.0.0.5:1', { kind: 'tcp', host: '10.0.0.5', port: 1 }],
    ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535 }],
    ['tls://mqtt.example.com:8883', { kind: 'tls', host: 'mqtt.example.com', port: 8883 }],
    ['host.example.:5900', { kind: 'tcp', host: 'host.example.', port: 5900 }],
    ['tls://host.example.:443', { kind: 'tls', host: 'host.example.', port: 443 }],
    ['tls://[fe80::1]:443', { kind: 'tls', host: 'fe80::1', port: 443 }],
    ['unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
  ] as const) {
    t.same(parseTarget(text), { ...target, text }, text);
  }
});

t.test('what is none', async (t) => {
  for (const text of [
    '',
    '5900',
    ':5900',
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    'localhost:05900',
    'localhost:vnc',
    'http://localhost:80',
    'user@localhost:80',
    '::1:5900',
    '[::1]',
    '[localhost]:80',
    '1.2.3:80',
    '127.0.0.1.:80',
    'host..:80',
    '.:80',
    'a b:80',
    'tls://',
    'tls:localhost:80',
    'unix:',
    'unix:/a\0b',
    `unix:/${'x'.repeat(107)}`,
  ]) {
    t.equal(parseTarget(text), null, text);
  }
});

const CASES: readonly (readonly [text: string, hex: string | null, port: number])[] = [
  ['127.0.0.1:9001', '7f000001', 9001],
  ['[::1]:80', '00000000000000000000000000000001', 80],
  ['[fe80::1%eth0]:80', 'fe800000000000000000000000000001', 80],
  ['[::ffff:192.0.2.7]:81', 'c0000207', 81],
  ['unix', null, 0],
  ['2001:db8::5:80', null, 0],
  ['[127.0.0.1]:80', null, 0],
  ['127.0.0.1', null, 0],
  ['', null, 0],
  ['example.com:80', null, 0],
  ['127.0.0.1:port', null, 0],
  ['127.0.0.1:65536', null, 0],
];

for (const [text, hex, port] of CASES) {
  const address = parseRecordedAddress(text);
  t.strictSame(
    address && [Buffer.from(address.bytes).toString('hex'), address.port],
    hex === null ? null : [hex, port],
    JSON.stringify(text),
  );
}

for (const [text, hex] of [
  ['127.0.0.1', '7f000001'],
  ['2001:db8::5', '20010db8000000000000000000000005'],
  ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ['unix', null],
  ['', null],
] as const) {
  const bytes = parseRecordedHost(text);
  t.equal(bytes && Buffer.from(bytes).toString('hex'), hex, JSON.stringify(text));
}

t.test('a peer is address and port', async (t) => {
  t.equal(formatPeer({ remoteAddress: '203.0.113.7', remotePort: 51234 }), '203.0.113.7:51234');
  t.equal(formatPeer({ remoteAddress: '2001:db8::7', remotePort: 443 }), '[2001:db8::7]:443');
  t.equal(formatPeer({ remoteAddress: 'unix', remotePort: 0 }), 'unix');
});

t.test('permissions of Unix sockets', async (t) => {
  for (const [text, mode] of [
    ['0660', 0o660],
    ['660', 0o660],
    ['0600', 0o600],
    ['000', 0],
    ['0777', 0o777],
  ] as const) {
    t.equal(parseUnixMode(text), mode);
    t.equal(parseUnixMode(formatUnixMode(mode)), mode);
  }
  t.equal(formatUnixMode(0o660), '0660');
  t.equal(formatUnixMode(0o7), '0007');
  for (const text of [
    '',
    '0',
    '66',
    '1660',
    '4755',
    '0680',
    '0o660',
    'rw-rw----',
    '+660',
    ' 660',
    '06600',
  ])
    t.equal(parseUnixMode(text), null, text);
});
