import t from 'tap';
import { parseTarget } from '../../src/net/target.js';

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
