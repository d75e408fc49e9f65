import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import { checkHost } from '../../src/handshake/allowed-hosts.js';
import type { HostPolicy, Way } from '../../src/handshake/policy.js';

/** What is said of a request for this host; null: it passes. */
function refusalOf(policy: HostPolicy, host: string, way: Way): HandshakeError | null {
  try {
    checkHost(policy, host, way);
    return null;
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
}

const passes = (policy: HostPolicy, host: string, way: Way = 'network'): boolean =>
  refusalOf(policy, host, way) === null;

const LOCAL = [
  'localhost',
  'LocalHost:9001',
  'localhost.',
  'localhost.:80',
  'a.localhost',
  'a.b.localhost:1',
  '127.0.0.1',
  '127.0.0.1:9001',
  '127.0.0.1.',
  '192.0.2.1',
  '0.0.0.0:9001',
  '[::1]',
  '[::1]:9001',
  '[2001:db8::1]:80',
];

const FOREIGN = [
  'evil.example',
  'evil.example:9001',
  'localhost.evil.example',
  'evil-localhost',
  'xlocalhost',
  '.localhost',
  'localhost..',
  'local',
  '127.0.0.1.evil.example',
  '127.1',
  '127.000.0.1',
  '%6cocalhost',
  '0x7f000001',
  '2130706433',
  '*.localhost.example',
  // These were refused before.
  'a b',
  '[fe80::1%lo]',
  '::1',
];

t.test('a listener that only this machine reaches serves its own names', async (t) => {
  for (const host of LOCAL) t.equal(passes('auto', host, 'loopback'), true, host);
  for (const host of FOREIGN) t.equal(passes('auto', host, 'loopback'), false, host);
});

t.test('elsewhere any name is served, unless they are listed', async (t) => {
  for (const host of [...LOCAL, ...FOREIGN]) {
    t.equal(passes('auto', host, 'network'), true, host);
    t.equal(passes('any', host, 'loopback'), true, host);
  }
  for (const way of ['network', 'loopback'] as const) {
    for (const host of LOCAL) t.equal(passes(['local'], host, way), true, host);
    for (const host of FOREIGN) t.equal(passes(['local'], host, way), false, host);
    t.equal(passes([], 'localhost', way), false);
  }
});

t.test('a list', async (t) => {
  const list = [
    'desk.example.com',
    '*.example.org',
    'port.example.com:8080',
    '[::1]:1',
    '192.0.2.1',
  ];
  for (const host of [
    'desk.example.com',
    'DESK.example.com:9001',
    'desk.example.com.',
    'a.example.org',
    'a.b.example.org:80',
    'port.example.com:8080',
    'port.example.com.:08080',
    '[::1]:1',
    '192.0.2.1:9001',
  ])
    t.equal(passes(list, host), true, host);
  for (const host of [
    'example.com',
    'a.desk.example.com',
    'example.org',
    'badexample.org',
    'port.example.com',
    'port.example.com:80',
    '[::1]',
    '192.0.2.2',
    'localhost',
    'desk.example.com..',
    'desk.example.com.evil.example',
  ])
    t.equal(passes(list, host), false, host);
  t.equal(passes(['a b', 'c'], 'c'), true, "what is no host is nobody's");
});

t.test('who is not looked at', async (t) => {
  for (const policy of ['auto', 'any', ['desk.example.com'], []] as const) {
    for (const way of ['unix', 'proxy', 'proxy-protocol'] as const)
      t.equal(passes(policy, 'evil.example', way), true, way);
    for (const way of ['network', 'loopback'] as const)
      t.equal(passes(policy, '', way), true, 'no browser leaves the host out');
  }
});

t.test('the log is told which host it was', async (t) => {
  const refusal = refusalOf('auto', 'b\xfcse.example', 'loopback');
  t.match(refusal, { rule: 'host-not-allowed', status: 421, notes: { host: 'b\\xfcse.example' } });
  t.match(refusal?.message, '--allowed-hosts');
});
