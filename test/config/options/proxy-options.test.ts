import t from 'tap';
import type { Option } from '../../../src/config/options/option.js';
import { PROXY_OPTIONS } from '../../../src/config/options/proxy-options.js';

t.test('all stand under one heading, and only a command has them', async (t) => {
  for (const [key, { group }] of Object.entries<Option>(PROXY_OPTIONS)) {
    t.equal(group, 'Proxy', key);
  }
});

t.test('what is taken', async (t) => {
  const rows: Readonly<Record<string, Option>> = PROXY_OPTIONS;
  for (const [key, taken, refused] of [
    ['tcpText', [true, false], ['yes']],
    ['targetConnectTimeout', ['1ms', '1m'], ['off', '0s']],
    ['targetKeepalive', ['off', '30s'], [30]],
    ['targetAllow', ['any', '10.0.0.0/8', ['::1']], ['none', []]],
    ['targetCa', ['off', 'ca.pem'], ['']],
    ['targetCert', ['off', 'cert.pem'], ['']],
    ['targetKey', ['off', 'key.pem'], ['']],
    ['targetServername', ['off', 'a.example'], ['10.0.0.1']],
    ['targetInsecure', [true, false], ['yes']],
    ['proxyProtocol', ['off', 1, '2'], [3, true]],
  ] as const) {
    for (const value of taken) t.ok(rows[key]?.type.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(rows[key]?.type.schema.safeParse(value).success, key);
  }
});
