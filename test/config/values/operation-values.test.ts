import t from 'tap';
import { adminAddress, healthPath } from '../../../src/config/values/operation-values.js';

t.test('the address of the admin endpoint', async (t) => {
  const type = adminAddress();
  for (const [given, value, text] of [
    ['off', null, 'off'],
    ['9090', { host: '127.0.0.1', port: 9090 }, '127.0.0.1:9090'],
    [type.fromNumber!(9090), { host: '127.0.0.1', port: 9090 }, '127.0.0.1:9090'],
    [':0', { host: null, port: 0 }, ':0'],
    ['[::1]:9090', { host: '::1', port: 9090 }, '[::1]:9090'],
    ['admin.example:9090', { host: 'admin.example', port: 9090 }, 'admin.example:9090'],
  ] as const) {
    const parsed = type.schema.parse(type.fromText(given));
    t.strictSame(parsed, value);
    t.equal(type.toText(parsed), text);
    t.strictSame(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  for (const given of ['', 'no', '65536', 'unix:/a', 'wss://a:1', 'http://a:1', 9090, true, null]) {
    const { error } = type.schema.safeParse(given);
    const [issue] = error!.issues;
    t.equal(issue!.message, type.clause, String(given));
  }
});

t.test('the path of the health check', async (t) => {
  const type = healthPath();
  for (const [given, value, text] of [
    ['off', null, 'off'],
    ['/healthz', '/healthz', '/healthz'],
  ] as const) {
    const parsed = type.schema.parse(type.fromText(given));
    t.strictSame(parsed, value);
    t.equal(type.toText(parsed), text);
    t.strictSame(type.schema.parse(type.toJson(parsed)), value, 'JSON reads back');
  }
  for (const given of ['', 'healthz', '/a?b', '//a', 7, null]) {
    const { error } = type.schema.safeParse(given);
    t.equal(error!.issues[0]!.message, type.clause, String(given));
  }
});
