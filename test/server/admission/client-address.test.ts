import t from 'tap';
import type { HeaderField } from '../../../src/handshake/request-head.js';
import { ClientAddress, type ProxyHeader } from '../../../src/server/admission/client-address.js';

const at = (remoteAddress: string) => ({ remoteAddress, remotePort: 4711 });
const PROXY = at('10.0.0.1');
const STRANGER = at('192.0.2.1');
const UNIX = { remoteAddress: 'unix', remotePort: 0 };

const make = (header: ProxyHeader, proxies: readonly string[] = ['10.0.0.0/8']): ClientAddress =>
  new ClientAddress(proxies, header);

const forwarded = (...values: string[]): HeaderField[] => [
  { name: 'host', value: '203.0.113.1' },
  ...values.map((value) => ({ name: 'x-forwarded-for', value })),
  { name: 'forwarded', value: 'for=203.0.113.2' },
  { name: 'x-real-ip', value: '203.0.113.3' },
];

t.test('X-Forwarded-For of a trusted proxy names the client', async (t) => {
  const clients = make('x-forwarded-for');
  t.strictSame(clients.find(PROXY, forwarded('198.51.100.9:5')), {
    remoteAddress: '198.51.100.9',
    remotePort: 5,
  });
  t.strictSame(clients.find(PROXY, forwarded('203.0.113.66', '198.51.100.9, 10.0.0.2')), {
    remoteAddress: '198.51.100.9',
    remotePort: 0,
  });
  t.strictSame(clients.find(at('::ffff:10.0.0.1'), forwarded('198.51.100.9')), {
    remoteAddress: '198.51.100.9',
    remotePort: 0,
  });
});

t.test('without a usable one the proxy is the client', async (t) => {
  const clients = make('x-forwarded-for');
  for (const values of [[], [''], ['unknown'], ['198.51.100.9, unknown']])
    t.equal(clients.find(PROXY, forwarded(...values)), PROXY);
});

t.test('X-Forwarded-For of anybody else is ignored', async (t) => {
  for (const peer of [STRANGER, UNIX, at('11.0.0.1')])
    t.equal(make('x-forwarded-for').find(peer, forwarded('198.51.100.9')), peer);
  t.equal(make('x-forwarded-for', []).find(PROXY, forwarded('198.51.100.9')), PROXY, 'by default');
  t.equal(make('proxy-protocol').find(PROXY, forwarded('198.51.100.9')), PROXY, 'the other header');
});

t.test('by which way a request comes', async (t) => {
  for (const [peer, direct, way] of [
    [STRANGER, 'network', 'network'],
    [STRANGER, 'loopback', 'loopback'],
    [UNIX, 'unix', 'unix'],
    [PROXY, 'network', 'proxy'],
    [at('::ffff:10.0.0.1'), 'loopback', 'proxy'],
  ] as const)
    t.equal(make('x-forwarded-for').wayOf(peer, direct), way);
  t.equal(make('proxy-protocol').wayOf(PROXY, 'network'), 'proxy-protocol');
  t.equal(make('proxy-protocol').wayOf(STRANGER, 'network'), 'network');
  t.equal(make('x-forwarded-for', []).wayOf(PROXY, 'loopback'), 'loopback', 'by default');
});

t.test('a proxy on a Unix socket is trusted when it is named', async (t) => {
  const clients = make('x-forwarded-for', ['unix', '10.0.0.0/8']);
  t.ok(clients.trustsUnix);
  t.ok(clients.isProxy(UNIX));
  t.equal(clients.wayOf(UNIX, 'unix'), 'proxy');
  t.equal(clients.wayOf(STRANGER, 'network'), 'network');
  const client = { remoteAddress: '198.51.100.9', remotePort: 0 };
  t.strictSame(clients.find(UNIX, forwarded('203.0.113.66, 198.51.100.9, 10.0.0.2')), client);
  t.strictSame(clients.find(PROXY, forwarded('198.51.100.9')), client);
  for (const values of [[], ['unix'], ['unix:'], ['198.51.100.9, unix:']])
    t.equal(clients.find(UNIX, forwarded(...values)), UNIX, 'nobody is named');
  t.notOk(clients.expectsProxyHeader(UNIX));
  const byHeader = make('proxy-protocol', ['unix']);
  t.ok(byHeader.expectsProxyHeader(UNIX));
  t.notOk(byHeader.expectsProxyHeader(STRANGER));
  t.equal(byHeader.wayOf(UNIX, 'unix'), 'proxy-protocol');
  t.notOk(make('x-forwarded-for').trustsUnix);
});

t.test('who must begin with a PROXY header', async (t) => {
  t.ok(make('proxy-protocol').expectsProxyHeader(PROXY));
  for (const peer of [STRANGER, UNIX]) t.notOk(make('proxy-protocol').expectsProxyHeader(peer));
  t.notOk(make('proxy-protocol', []).expectsProxyHeader(PROXY), 'nobody by default');
  t.notOk(make('x-forwarded-for').expectsProxyHeader(PROXY), 'the other header');
});
