import t, { type Test } from 'tap';
import {
  asClientSent,
  findForwardedClient,
  forwardedScheme,
  requestedUrl,
} from '../../src/handshake/forwarded.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import { type Changes, answerTo, countLooks, upgradeText } from '../fixtures/handshake.js';

const PROXIES = ['10.0.0.1', '10.0.0.2', '2001:db8::aa'];
const isProxy = (address: string): boolean => PROXIES.includes(address);

/** `address port` of the client. */
const find = (...values: string[]): string | null => {
  const client = findForwardedClient(values, isProxy);
  return client === null ? null : `${client.remoteAddress} ${client.remotePort}`;
};

t.test('the last address that is no proxy is the client', async (t) => {
  t.equal(find('192.0.2.1'), '192.0.2.1 0');
  t.equal(find('192.0.2.1, 10.0.0.1'), '192.0.2.1 0');
  t.equal(find('198.51.100.9, 192.0.2.1, 10.0.0.2, 10.0.0.1'), '192.0.2.1 0');
  t.equal(find('198.51.100.9, 192.0.2.1'), '192.0.2.1 0', 'what the client wrote itself');
  t.equal(find('10.0.0.1, 192.0.2.1'), '192.0.2.1 0', 'even when it calls itself a proxy');
  t.equal(find('192.0.2.1, 2001:DB8:0::AA'), '192.0.2.1 0', 'however a proxy is written');
});

t.test('all header lines are one list', async (t) => {
  t.equal(find('198.51.100.9', '192.0.2.1', '10.0.0.1'), '192.0.2.1 0');
  t.equal(find('198.51.100.9, 192.0.2.1', '10.0.0.1,10.0.0.2'), '192.0.2.1 0');
});

t.test('when all are proxies the first one is the client', async (t) => {
  t.equal(find('10.0.0.2,10.0.0.1'), '10.0.0.2 0');
});

t.test('an entry that is no address ends the search', async (t) => {
  for (const entry of [
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4.5',
    'localhost',
    '::1%eth0',
    '"::1"',
  ]) {
    t.equal(find(`192.0.2.1, ${entry}`), null, entry);
    t.equal(find(`192.0.2.1, ${entry}, 10.0.0.2, 10.0.0.1`), '10.0.0.2 0', entry);
  }
});

t.test('nothing is found where there is nothing', async (t) => {
  t.equal(find(), null);
  t.equal(find(''), null);
  t.equal(find(' , ,, '), null);
});

t.test('RFC 9110 §5.6.1.2: white space and empty elements', async (t) => {
  t.equal(find(' 192.0.2.1\t,\t10.0.0.1 , ,'), '192.0.2.1 0');
});

t.test('an entry may have a port', async (t) => {
  for (const [entry, found] of [
    ['192.0.2.1:5', '192.0.2.1 5'],
    ['192.0.2.1:65535', '192.0.2.1 65535'],
    ['192.0.2.1:65536', null],
    ['192.0.2.1:', null],
    ['192.0.2.1:05', null],
    ['192.0.2.1:http', null],
    ['2001:db8::1', '2001:db8::1 0'],
    ['[2001:db8::1]', '2001:db8::1 0'],
    ['[::1]:80', '::1 80'],
    ['[::1]80', null],
    ['[::1]:', null],
    ['[::1', null],
    ['[192.0.2.1]', null],
    ['[]', null],
    ['::ffff:192.0.2.1', '192.0.2.1 0'],
    [':80', null],
  ] as const) {
    t.equal(find(`198.51.100.9, ${entry}`), found, entry);
  }
  t.equal(find('192.0.2.1:1234, 10.0.0.1:80'), '192.0.2.1 1234', 'of a proxy too');
});

t.test('the work grows with the length only', async (t) => {
  const looks = (entries: number): number =>
    countLooks(() => {
      findForwardedClient([Array(entries).fill('10.0.0.1').join(',')], isProxy);
    });
  t.ok(looks(2000) / looks(1000) < 2.5);
});

t.test('how the client has come to the proxies in front', async (t) => {
  const table: readonly (readonly [scheme: string | null, ...values: string[]])[] = [
    ['http', 'http'],
    ['http', 'WS'],
    ['https', 'https'],
    ['https', 'Https'],
    ['https', 'wss'],
    ['https', 'https, wss'],
    ['https', 'https', ' https '],
    [null],
    [null, ''],
    [null, ','],
    [null, 'ftp'],
    [null, 'toString'],
    // They do not agree: TLS may have ended at either.
    [null, 'https, http'],
    [null, 'http', 'https'],
    [null, 'https, spdy'],
  ];
  for (const [scheme, ...values] of table) {
    const headers = values.map((value) => ({ name: 'x-forwarded-proto', value }));
    t.equal(
      forwardedScheme([{ name: 'forwarded', value: 'proto=http' }, ...headers]),
      scheme,
      JSON.stringify(values),
    );
  }
});

const request = (t: Test, changes: Changes, line?: string): UpgradeRequest =>
  answerTo(t, upgradeText({ Host: 'backend.example:9001', ...changes }, line)).request!;

t.test('the host that the client has asked the proxies for', async (t) => {
  const table: readonly (readonly [host: string, ...values: string[]])[] = [
    ['desk.example.com', 'desk.example.com'],
    ['desk.example.com:8443', 'desk.example.com:8443'],
    ['DESK.Example.com', ' DESK.Example.com '],
    ['[2001:db8::1]:80', '[2001:db8::1]:80'],
    ['192.0.2.1', '192.0.2.1'],
    // The last one is what the nearest proxy has added.
    ['desk.example.com', 'evil.example, desk.example.com'],
    ['desk.example.com', 'evil.example', 'desk.example.com'],
    ['desk.example.com', 'evil.example, desk.example.com, ,'],
    // What is no host says nothing, and nor does anything before it.
    ...[
      '',
      ',',
      'user@desk.example.com',
      'desk.example.com:99999',
      'desk.example.com:x',
      'https://desk.example.com',
      'desk.example.com/path',
      '"desk.example.com"',
      '2001:db8::1',
      '[::1',
      '[fe80::1%25eth0]',
      'a b',
      'desk.example.com, a@b',
      'd\xe9sk.example',
    ].map((value) => ['backend.example:9001', value] as const),
    ['backend.example:9001'],
  ];
  for (const [host, ...values] of table) {
    const asked = request(t, { 'X-Forwarded-Host': values, Forwarded: 'host=evil.example' });
    t.equal(asked.host, 'backend.example:9001', 'by itself it says nothing');
    t.equal(asClientSent(asked).host, host, JSON.stringify(values));
  }
});

t.test('the scheme that the client has asked by', async (t) => {
  for (const [scheme, ...values] of [
    ['wss', 'https'],
    ['wss', 'WSS', 'https'],
    ['ws', 'http'],
    ['ws'],
    ['ws', 'https, http'],
    ['ws', 'gopher'],
  ] as const) {
    const asked = request(t, { 'X-Forwarded-Proto': values });
    t.equal(asked.scheme, 'ws');
    t.equal(asClientSent(asked).scheme, scheme, JSON.stringify(values));
  }
  const secure = { ...request(t, {}), scheme: 'wss' } as const;
  t.equal(asClientSent(secure).scheme, 'wss', 'what a proxy does not say');
});

t.test('nothing else is changed', async (t) => {
  const asked = request(t, { 'X-Forwarded-Host': 'a.example', Origin: 'http://a.example' });
  t.strictSame(asClientSent(asked), { ...asked, host: 'a.example' });
});

t.test('the URL that the client has asked for', async (t) => {
  const urlOf = (changes: Changes, target: string): string =>
    requestedUrl(asClientSent(request(t, changes, `GET ${target} HTTP/1.1`)));
  t.equal(urlOf({}, '/vnc?a=b'), '/vnc?a=b', 'a proxy that says nothing');
  t.equal(urlOf({ 'X-Forwarded-Host': 'backend.example:9001' }, '/vnc'), '/vnc', 'nothing new');
  t.equal(urlOf({ 'X-Forwarded-Host': 'a.example' }, '/vnc?a=b'), 'ws://a.example/vnc?a=b');
  t.equal(urlOf({ 'X-Forwarded-Proto': 'https' }, '/'), 'wss://backend.example:9001/');
  t.equal(
    urlOf({ 'X-Forwarded-Host': 'a.example', 'X-Forwarded-Proto': 'https' }, '/x'),
    'wss://a.example/x',
  );
  t.equal(urlOf({ 'X-Forwarded-Host': 'a.example' }, 'http://b.example/x?y'), 'ws://a.example/x?y');
  t.equal(urlOf({}, 'http://b.example/x'), 'http://b.example/x', 'as it was sent');
  const tls = { version: 'TLSv1.3', cipher: 'c', serverName: null, certificate: null };
  const direct = { ...request(t, {}, 'GET /x HTTP/1.1'), scheme: 'wss', tls } as const;
  t.equal(requestedUrl(direct), '/x', 'TLS of our own');
});

t.test('no more than 32 trusted proxies are looked up, however many there are', async (t) => {
  for (const count of [31, 32, 2000]) {
    let looks = 0;
    const isProxy = (address: string): boolean => {
      looks++;
      return address.startsWith('10.');
    };
    const hops = Array.from({ length: count }, (_, index) => `10.0.0.${index % 250}`);
    const found = findForwardedClient([['192.0.2.1', ...hops].join(', ')], isProxy);
    t.equal(looks, 32);
    t.equal(found?.remoteAddress.startsWith('10.'), count > 31, String(count));
  }
});
