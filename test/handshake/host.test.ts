import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import {
  checkHost,
  hostFault,
  isIpLiteral,
  matchesName,
  parseHost,
} from '../../src/handshake/host.js';
import type { HostPolicy, Way } from '../../src/handshake/policy.js';
import { countLooks } from '../fixtures/handshake.js';

t.test('valid hosts (RFC 9110 §7.2, RFC 3986 §3.2)', async (t) => {
  const table: readonly (readonly [text: string, name: string, port: number | null])[] = [
    ['example.com', 'example.com', null],
    ['EXAMPLE.com', 'example.com', null],
    ['example.com:', 'example.com', null],
    ['example.com:80', 'example.com', 80],
    ['example.com:0', 'example.com', 0],
    ['example.com:00443', 'example.com', 443],
    ['example.com:65535', 'example.com', 65_535],
    ['example.com.', 'example.com.', null],
    ['localhost:9001', 'localhost', 9001],
    ['my_host', 'my_host', null],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', null],
    ["-._~!$&'()*+,;=", "-._~!$&'()*+,;=", null],
    ['b%C3%BCcher', 'b%c3%bccher', null],
    ['%41', '%41', null],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['999.1.1.1', '999.1.1.1', null],
    ['[::1]', '[::1]', null],
    ['[::1]:', '[::1]', null],
    ['[::1]:9001', '[::1]', 9001],
    ['[::]', '[::]', null],
    ['[2001:DB8::1]', '[2001:db8::1]', null],
    ['[1:2:3:4:5:6:7:8]', '[1:2:3:4:5:6:7:8]', null],
    ['[1::3:4:5:6:7:8]', '[1::3:4:5:6:7:8]', null],
    ['[1:2:3:4:5:6:7::]', '[1:2:3:4:5:6:7::]', null],
    ['[::2:3:4:5:6:7:8]', '[::2:3:4:5:6:7:8]', null],
    ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]', null],
    ['[::192.0.2.1]', '[::192.0.2.1]', null],
    ['[1:2:3:4:5:6:0.0.0.255]', '[1:2:3:4:5:6:0.0.0.255]', null],
    ['[1:2:3:4:5::0.0.0.0]:1', '[1:2:3:4:5::0.0.0.0]', 1],
  ];
  for (const [text, name, port] of table) t.strictSame(parseHost(text), { name, port }, text);
});

t.test('malformed hosts', async (t) => {
  const malformed = [
    '',
    ':',
    ':80',
    ' example.com',
    'example.com ',
    'a b',
    'a,b c',
    'user@example.com',
    'user:pw@example.com',
    'http://example.com',
    'example.com/',
    'example.com?x',
    'example.com#x',
    'example\\com',
    '"example.com"',
    '<example.com>',
    'ex|ample',
    'ex^ample',
    'ex`ample',
    'ex{ample}',
    'b\xfccher',
    'a\0',
    'a\x7f',
    'a\tb',
    '%',
    '%4',
    'a%4g',
    '%%41',
    'a%zz:80',
    'example.com:80:80',
    'example.com::80',
    'example.com:-1',
    'example.com:+1',
    'example.com: 80',
    'example.com:80x',
    'example.com:0x50',
    'example.com:8e1',
    'example.com:65536',
    `example.com:${'9'.repeat(400)}`,
    '::1',
    '2001:db8::1',
    '[',
    ']',
    '[]',
    '[]:80',
    '[::1',
    '::1]',
    '[::1]80',
    '[::1]x',
    '[::1]:x',
    '[::1]]',
    '[[::1]]',
    'a[::1]',
    '[example.com]',
    '[127.0.0.1]',
    '[v1.fe80]',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[:]',
    '[:::]',
    '[::::]',
    '[:1]',
    '[1:]',
    '[1::2::3]',
    '[1:2:3:4:5:6:7]',
    '[1:2:3:4:5:6:7:8:9]',
    '[1:2:3:4::5:6:7:8]',
    '[1:2:3:4:5:6:7:8::]',
    '[::1:2:3:4:5:6:7:8]',
    '[12345::]',
    '[g::]',
    '[::1.2.3]',
    '[::1.2.3.4.5]',
    '[::1.2.3.256]',
    '[::1.2.3.04]',
    '[::1.2.3.]',
    '[::1.2.3.a]',
    '[::1.2.3.4:5]',
    '[1.2.3.4::]',
    '[1:2:3:4:5:6:7:1.2.3.4]',
    '[1:2:3:4:5:1.2.3.4]',
    '[1:2:3:4:5:6::1.2.3.4]',
  ];
  for (const text of malformed) t.equal(parseHost(text), null, JSON.stringify(text));
});

t.test('what is wrong with a host, where clients are known to go wrong', async (t) => {
  const table: readonly (readonly [rule: ReturnType<typeof hostFault>, ...texts: string[]])[] = [
    ['host-zone', '[fe80::1%lo]', '[fe80::1%25eth0]:9001', '[fe80::1%]', '[::%%]x'],
    [
      'host-brackets',
      '::1',
      '::1:9001',
      '::1:65535',
      '2001:db8::1',
      '::',
      '1:2:3:4:5:6:7:8:80',
      'a::1',
    ],
    ['host-brackets', 'fe80::1%lo', 'fe80::1%lo:9001', '::ffff:192.0.2.1', '::1:'],
    ['host', '', ':', ':80', 'a:b', 'a%4', '%', '[', '[]', '[%]', '[x%lo]', '[fe80::1%lo'],
    ['host', '1:2:3', 'localhost:80:80', '%lo', '127.0.0.1:x'],
  ];
  for (const [rule, ...texts] of table) {
    for (const text of texts) {
      t.equal(parseHost(text), null, text);
      t.equal(hostFault(text), rule, text);
    }
  }
});

t.test('names that are addresses', async (t) => {
  for (const text of ['127.0.0.1', '192.0.2.255:80', '[::1]', '[2001:db8::1]:443'])
    t.equal(isIpLiteral(parseHost(text)!.name), true, text);
  for (const text of [
    'localhost',
    '127.0.0.1.',
    '127.1',
    '0x7f.0.0.1',
    '1.2.3.4.example',
    '2130706433',
  ])
    t.equal(isIpLiteral(parseHost(text)!.name), false, text);
});

t.test('the work grows with the length and not faster', async (t) => {
  for (const unit of ['a', '%', '%41', ':', '::', '[', '1:', '.', '1.', '0', '[::', '::1.']) {
    for (const before of ['', '[', '[::', 'a:', '[::1]:']) {
      const text = before + unit.repeat(8192 / unit.length);
      for (const whole of [text, `${text}]`, `${text}]:1`]) {
        const looks = countLooks(() => [parseHost(whole), hostFault(whole)]);
        t.ok(looks <= 6 * whole.length, `${before} ${unit}: ${looks} looks`);
      }
    }
  }
});

t.test('names and what is below them, by whole labels', async (t) => {
  const table: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
    ['example.com', 'example.com', true],
    ['example.com', 'a.example.com', false],
    ['example.com', 'example.com.evil.example', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'badexample.com', false],
    ['*.example.com', 'a.example.com.evil.example', false],
    ['*.example.com', 'a.example.co', false],
    ['*.example.com', '*.example.com', true],
    ['*example.com', 'a.example.com', false],
  ];
  for (const [pattern, name, matches] of table)
    t.equal(matchesName(pattern, name), matches, `${pattern}: ${name}`);
});

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
