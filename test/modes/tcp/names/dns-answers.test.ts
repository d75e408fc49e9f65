import { Resolver } from 'node:dns';
import t, { type Test } from 'tap';
import { type DnsClient, askDns } from '../../../../src/modes/tcp/names/dns-answers.js';
import { type Answers, type NameServer, startNameServer } from '../../../fixtures/name-server.js';

async function start(t: Test, answers: Answers): Promise<{ server: NameServer; dns: DnsClient }> {
  const server = await startNameServer(t, answers);
  const dns = new Resolver({ timeout: 50, tries: 2 });
  dns.setServers([server.address]);
  return { server, dns };
}

const IPV6 = '2001:0db8:0:0:0:0:0:1';

t.test('addresses of both families, or of one', async (t) => {
  const { server, dns } = await start(t, {
    'both.test': ['10.0.0.1', '10.0.0.2', IPV6],
    'four.test': ['10.0.0.1'],
    'six.test': [IPV6],
    'under_score.test': ['10.0.0.3'],
    // A name server that knows nothing of IPv6, and says there is no such name.
    'odd.test': { A: ['10.0.0.4'], AAAA: 'unknown' },
    'broken.test': { A: ['10.0.0.5'], AAAA: 'servfail' },
  });
  t.same(await askDns(dns, 'both.test'), ['2001:db8::1', '10.0.0.1', '10.0.0.2']);
  t.same(server.asked.sort(), ['A both.test', 'AAAA both.test']);
  for (const [name, address] of [
    ['four.test', '10.0.0.1'],
    ['six.test', '2001:db8::1'],
    ['under_score.test', '10.0.0.3'],
    ['odd.test', '10.0.0.4'],
    ['broken.test', '10.0.0.5'],
  ] as const) {
    t.same(await askDns(dns, name), [address], name);
  }
});

t.test('a name server that is silent about one family holds nobody up', async (t) => {
  let timesOut = (): void => undefined;
  for (const silent of ['resolve4', 'resolve6'] as const) {
    const dns: DnsClient = {
      resolve4: (_name, callback) => {
        callback(null, ['10.0.0.1']);
      },
      resolve6: (_name, callback) => {
        callback(null, ['::1']);
      },
      [silent]: (_name: string, callback: (error: Error, addresses: string[]) => void) => {
        timesOut = (): void => {
          callback(Object.assign(new Error(), { code: 'ETIMEOUT' }), []);
        };
      },
    };
    t.same(await askDns(dns, 'x.test'), [silent === 'resolve4' ? '::1' : '10.0.0.1']);
    timesOut();
  }
});

t.test('of two errors the one that says more', async (t) => {
  const { dns } = await start(t, {
    'empty.test': [],
    'silent.test': 'silence',
    'half.test': { A: 'silence', AAAA: [] },
    'refused.test': 'refused',
    'failed.test': { A: 'servfail', AAAA: [] },
    'gone.test': { A: [], AAAA: 'unknown' },
  });
  for (const [name, code] of [
    ['nowhere.test', 'ENOTFOUND'],
    ['empty.test', 'ENODATA'],
    ['silent.test', 'ETIMEOUT'],
    ['half.test', 'ETIMEOUT'],
    ['refused.test', 'EREFUSED'],
    ['failed.test', 'ESERVFAIL'],
    ['gone.test', 'ENOTFOUND'],
    [`${'x'.repeat(64)}.test`, 'EBADNAME'],
  ] as const) {
    await t.rejects(askDns(dns, name), { code }, name);
  }
});

t.test('answers without an address', async (t) => {
  const dns: DnsClient = {
    resolve4: (_name, callback) => {
      callback(null, []);
    },
    resolve6: (_name, callback) => {
      callback(null, []);
    },
  };
  await t.rejects(askDns(dns, 'x.test'), { code: 'ENODATA' });
});
